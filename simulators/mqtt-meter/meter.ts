/**
 * A meter that speaks MQTT 3.1.1 for real: it connects with its own credential, publishes its
 * intervals at QoS 1, keeps each message until it is acknowledged (across reconnects), listens for
 * commands and answers them.
 */
import mqtt from 'mqtt';
import { type Clock, formatInstant, type MeterCommand, OBIS, TOPIC } from '../../domain/index.ts';
import { type Household, household, loadWh } from '../household.ts';
import type { MeterLog } from '../meter-log.ts';
import { SimulatedBreaker } from './breaker.ts';

export interface MqttMeterOptions {
  readonly serial: string;
  readonly secret: string;
  /** mqtt://host:port */
  readonly url: string;
  readonly clock: Clock;
  readonly log: MeterLog;
  readonly seed: string;
  readonly intervalS?: number;
  /** The register counts 0 .. modulus-1 Wh and starts here. */
  readonly registerStartWh?: number;
  readonly registerModulusWh?: number;
  /** Wait before an answer to a command, ms of real time. */
  readonly answerDelayMs?: number;
  readonly reconnectMs?: number;
}

export const DEFAULT_MODULUS_WH = 100_000_000;
const RECONNECT_MS = 500;

export class MqttMeter {
  readonly serial: string;
  readonly breaker: SimulatedBreaker;
  readonly intervalS: number;
  readonly #options: MqttMeterOptions;
  readonly #home: Household;
  #client: mqtt.MqttClient | undefined;
  #totalWh: number;
  /** Intervals on their way, so that a log line can name them when the ack comes. */
  #pending = 0;

  constructor(options: MqttMeterOptions) {
    this.#options = options;
    this.serial = options.serial;
    this.intervalS = options.intervalS ?? 900;
    this.#home = household(options.seed);
    this.#totalWh = options.registerStartWh ?? 0;
    this.breaker = new SimulatedBreaker(options.clock, options.log);
  }

  get pending(): number {
    return this.#pending;
  }

  get connected(): boolean {
    return this.#client?.connected === true;
  }

  /** Resolves when the broker has taken connection and subscription; rejects when it does not. */
  async connect(): Promise<void> {
    const client = mqtt.connect(this.#options.url, {
      clientId: this.serial,
      username: this.serial,
      password: this.#options.secret,
      clean: false,
      reconnectPeriod: this.#options.reconnectMs ?? RECONNECT_MS,
      // "Server unavailable" passes; a meter that gave up on it would have to be visited.
      reconnectOnConnackError: true,
      connectTimeout: 10_000,
      keepalive: 300,
      resubscribe: true,
    });
    this.#client = client;
    client.on('message', (topic, payload) => {
      if (topic === TOPIC.command(this.serial)) this.#onCommand(payload);
    });
    client.on('error', () => {}); // mqtt.js reconnects by itself
    try {
      await new Promise<void>((resolve, reject) => {
        client.once('connect', () => resolve());
        client.once('error', reject);
      });
    } catch (error) {
      await client.endAsync(true);
      throw error;
    }
    await client.subscribeAsync(TOPIC.command(this.serial), { qos: 1 });
  }

  async stop(force = false): Promise<void> {
    await this.#client?.endAsync(force);
  }

  /** Watt-hours of one interval: nothing flows through an open contact. */
  valueAt(startMs: number): number {
    return this.breaker.closed ? loadWh(this.#home, startMs, this.intervalS) : 0;
  }

  /** Measures the intervals and advances the register; what the meter will say about them. */
  measure(startMs: number, count: number): number[] {
    const values: number[] = [];
    for (let i = 0; i < count; i += 1) {
      const start = startMs + i * this.intervalS * 1_000;
      const value = this.valueAt(start);
      values.push(value);
      this.#totalWh += value;
      this.#options.log.append({ kind: 'emitted', start, value });
    }
    return values;
  }

  /** The register's face, after any number of turns. */
  get registerWh(): number {
    return this.#totalWh % (this.#options.registerModulusWh ?? DEFAULT_MODULUS_WH);
  }

  /** Publishes intervals already measured; resolves when they are acknowledged. */
  async sendIntervals(startMs: number, values: readonly number[]): Promise<void> {
    const message = {
      meter: this.serial,
      readings: [
        {
          channel: OBIS.importActive,
          start: formatInstant(startMs),
          interval_s: this.intervalS,
          values,
          unit: 'Wh',
        },
      ],
    };
    await this.sendRaw(Buffer.from(JSON.stringify(message)));
    const starts = values.map((_, i) => startMs + i * this.intervalS * 1_000);
    this.#options.log.append({ kind: 'acked', starts });
  }

  async sendRegister(atMs: number): Promise<void> {
    const message = {
      readings: [
        {
          channel: OBIS.importActive,
          at: formatInstant(atMs),
          register: String(this.registerWh),
          unit: 'Wh',
        },
      ],
    };
    await this.sendRaw(Buffer.from(JSON.stringify(message)));
  }

  /**
   * Any bytes on the readings topic; resolves at the PUBACK, whenever that comes. Rejects only when
   * the meter is stopped first.
   */
  async sendRaw(payload: Buffer): Promise<void> {
    const client = this.#client;
    if (client === undefined) throw new Error(`${this.serial} is not connected`);
    this.#pending += 1;
    try {
      await this.#publish(client, payload);
    } finally {
      this.#pending -= 1;
    }
  }

  /**
   * mqtt.js keeps a message over reconnects, except for one that comes while it repeats the kept
   * ones and the connection breaks again: that one it gives back.
   */
  async #publish(client: mqtt.MqttClient, payload: Buffer): Promise<void> {
    for (;;) {
      try {
        await client.publishAsync(TOPIC.readings(this.serial), payload, { qos: 1 });
        return;
      } catch (error) {
        if (client.disconnecting || client.disconnected) throw error;
        await this.#options.clock.sleep(this.#options.reconnectMs ?? RECONNECT_MS);
      }
    }
  }

  #onCommand(payload: Buffer): void {
    let command: MeterCommand;
    try {
      command = JSON.parse(payload.toString('utf8')) as MeterCommand;
    } catch {
      return; // a real meter drops what it does not understand
    }
    const replies = this.breaker.handle(command);
    setTimeout(() => {
      for (const reply of replies) {
        this.#client?.publish(TOPIC.reply(this.serial), JSON.stringify(reply), { qos: 1 });
      }
    }, this.#options.answerDelayMs ?? 0);
  }
}
