/** A meter on a real MQTT connection, with the faults of threat T14, and a clock that jumps. */
import { setTimeout as sleepFor } from 'node:timers/promises';
import mqtt, { type MqttClient } from 'mqtt';
import {
  type BreakerState,
  type Clock,
  type CommandAction,
  formatInstant,
  type MeterCommand,
  type MeterReply,
  parseInstant,
  TOPIC,
} from '../../domain/index.ts';

export const SECRET = 'a-meter-secret-of-some-length-123456';

/** Wall time that jumps on demand; waiting takes a twentieth. */
export class TestClock implements Clock {
  #offsetMs: number;

  constructor(startMs: number) {
    this.#offsetMs = startMs - Date.now();
  }

  nowMs(): number {
    return Date.now() + this.#offsetMs;
  }

  monotonicMs(): number {
    return performance.now();
  }

  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    await sleepFor(ms / 20, undefined, signal && { signal });
  }

  jump(ms: number): void {
    this.#offsetMs += ms;
  }
}

export type MeterMode =
  | 'honest'
  /** Acts, but the answer is lost. */
  | 'mute'
  /** Acts and answers every question three times. */
  | 'stutter'
  /** Says done; the relay does not move. */
  | 'stuck'
  /** Says done and shows the relay as ordered; the logical state disagrees. */
  | 'lying'
  | 'refusing'
  /** Hears the breaker command and does neither act nor answer. */
  | 'deaf';

/** A meter on a real MQTT connection that writes down every movement of its relay. */
export class TestMeter {
  readonly serial: string;
  mode: MeterMode;
  output: BreakerState = 'closed';
  control: BreakerState = 'closed';
  readonly operations: { id: string; action: CommandAction; atMs: number }[] = [];
  readonly heard: MeterCommand[] = [];
  readonly #done = new Set<string>();
  readonly #clock: Clock;
  #client: MqttClient | undefined;

  constructor(serial: string, clock: Clock, mode: MeterMode = 'honest') {
    this.serial = serial;
    this.#clock = clock;
    this.mode = mode;
  }

  async connect(port: number): Promise<void> {
    const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${port}`, {
      clientId: this.serial,
      username: this.serial,
      password: SECRET,
      reconnectPeriod: 0,
    });
    this.#client = client;
    client.on('message', (_topic, payload) => {
      this.hear(JSON.parse(payload.toString('utf8')) as MeterCommand);
    });
    await client.subscribeAsync(TOPIC.command(this.serial), { qos: 1 });
  }

  async disconnect(): Promise<void> {
    await this.#client?.endAsync(true);
    this.#client = undefined;
  }

  hear(command: MeterCommand): void {
    this.heard.push(command);
    const late = this.#clock.nowMs() > (parseInstant(command.notAfter) as number);
    if (command.action === 'read') this.#reply(command.id, 'done');
    else if (this.mode === 'deaf') return;
    else if (this.#done.has(command.id)) this.#reply(command.id, 'duplicate');
    else if (late) this.#reply(command.id, 'expired');
    else if (this.mode === 'refusing') this.#reply(command.id, 'refused', 'voltage on the load');
    else this.#act(command);
  }

  #act(command: MeterCommand): void {
    this.#done.add(command.id);
    this.#move(command);
    if (this.mode === 'mute') return;
    for (let n = 0; n < (this.mode === 'stutter' ? 3 : 1); n += 1) {
      this.#reply(command.id, 'accepted');
      this.#reply(command.id, 'done');
    }
  }

  #move(command: MeterCommand): void {
    this.operations.push({ id: command.id, action: command.action, atMs: this.#clock.nowMs() });
    const wanted: BreakerState = command.action === 'connect' ? 'closed' : 'open';
    if (this.mode !== 'stuck') this.output = wanted;
    if (this.mode !== 'lying') this.control = command.action === 'arm' ? 'ready' : wanted;
  }

  #reply(id: string, outcome: MeterReply['outcome'], reason?: string): void {
    const reply: MeterReply = {
      id,
      outcome,
      output: this.output,
      control: this.control,
      at: formatInstant(this.#clock.nowMs()),
      ...(reason !== undefined && { reason }),
    };
    this.publishReply(reply);
  }

  publishReply(reply: MeterReply): void {
    this.#client?.publish(TOPIC.reply(this.serial), JSON.stringify(reply), { qos: 1 });
  }
}
