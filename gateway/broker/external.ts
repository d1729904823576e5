/**
 * Behind somebody else's broker (EMQX, VerneMQ, Mosquitto): shared subscriptions, a persistent
 * session, and our PUBACK only after the journal's fsync, so that the broker keeps what we have not
 * written. The broker acknowledges meters by itself; what they can rely on is our ack topic.
 */
import { connect, type IPublishPacket, type MqttClient } from 'mqtt';
import {
  type Clock,
  describeError,
  Fault,
  LIMITS,
  parseUpTopic,
  TOPIC,
  type UpKind,
} from '../../domain/index.ts';
import { maySubscribe } from './access.ts';
import { ackPayload } from './ack.ts';
import {
  type LinkNotice,
  type LinkStats,
  type MeterLink,
  noCounts,
  type UpHandler,
} from './link.ts';
import { untilTaken } from './stall.ts';

export interface ExternalOptions {
  /** mqtt:// or mqtts://, without credential. */
  readonly url: string;
  /** Stable: the broker keeps the session of this id while we are away. One per process. */
  readonly clientId: string;
  readonly username?: string;
  readonly password?: string;
  /** PEM of the authority that signed the broker's certificate. */
  readonly ca?: string;
  readonly clock: Clock;
  /** On unless switched off: see above. */
  readonly ackTopic?: boolean;
  readonly inflightMax?: number;
  readonly onNotice?: (notice: LinkNotice) => void;
}

const SHARED_FILTER = '$share/meterline/v1/+/up/+';

/** One received publish; acknowledged in the order of arrival (MQTT 3.1.1, 4.6). */
interface Pending {
  readonly messageId: number | undefined;
  done: boolean;
}

type Callback = (error?: Error) => void;

/** mqtt.js sends no PUBACK of its own when its handler calls back with an error. */
const ACKNOWLEDGED_LATER = new Error('acknowledged later');

export class ExternalBroker implements MeterLink {
  readonly #options: ExternalOptions;
  readonly #counts = noCounts();
  readonly #inflightMax: number;
  #handler: UpHandler | undefined;
  #client: MqttClient | undefined;
  /** Replaced with each connection: what was not acknowledged on the old one comes again. */
  #pending: Pending[] = [];
  #resume: (() => void) | undefined;

  constructor(options: ExternalOptions) {
    this.#options = options;
    this.#inflightMax = options.inflightMax ?? LIMITS.mqttInflightMax;
  }

  onUp(handler: UpHandler): void {
    this.#handler = handler;
  }

  /** Rejects with BROKER_DOWN when there is no subscription within LIMITS.mqttConnectTimeoutMs. */
  async start(): Promise<void> {
    if (this.#handler === undefined) throw new Fault('INTERNAL', { detail: 'no handler' });
    const { url, clientId, username, password, ca } = this.#options;
    const client = connect(url, {
      clientId,
      clean: false,
      protocolVersion: 4,
      queueQoSZero: false,
      connectTimeout: LIMITS.mqttConnectTimeoutMs,
      reconnectPeriod: LIMITS.mqttReconnectMs,
      ...(username === undefined ? {} : { username }),
      ...(password === undefined ? {} : { password }),
      ...(ca === undefined ? {} : { ca }),
    });
    this.#client = client;
    client.handleMessage = (packet, callback) => {
      this.#receive(client, packet as IPublishPacket, callback as Callback);
    };
    client.on('close', () => this.#forget());
    client.on('error', (error) => this.#notice('error', describeError(error)));
    try {
      await this.#subscribed(client);
    } catch (error) {
      await client.endAsync(true);
      throw error;
    }
  }

  async stop(): Promise<void> {
    await this.#client?.endAsync(true);
    this.#forget();
  }

  async publishDown(serial: string, topic: string, payload: Uint8Array): Promise<boolean> {
    const client = this.#client;
    if (client === undefined || !client.connected || !maySubscribe(serial, topic)) return false;
    try {
      await client.publishAsync(topic, Buffer.from(payload), { qos: 0, retain: false });
    } catch (error) {
      // The bytes may have left before it failed: "surely not sent" would be a guess.
      this.#notice('error', describeError(error), serial);
    }
    return true;
  }

  stats(): LinkStats {
    return { ...this.#counts, connected: this.#client?.connected === true ? 1 : 0 };
  }

  async #subscribed(client: MqttClient): Promise<void> {
    const { clock, url } = this.#options;
    const done = new AbortController();
    const late = clock
      .sleep(LIMITS.mqttConnectTimeoutMs, done.signal)
      .then(() => Promise.reject(new Fault('BROKER_DOWN', { detail: `no answer from ${url}` })));
    late.catch(() => undefined);
    const subscribed = client.subscribeAsync(SHARED_FILTER, { qos: 1 }).then(
      (grants) => {
        if (grants.every((grant) => grant.qos === 1)) return;
        throw new Fault('BROKER_DOWN', { detail: `${url} refuses ${SHARED_FILTER}` });
      },
      (error: unknown) => {
        throw new Fault('BROKER_DOWN', { detail: `${url}: ${describeError(error)}` }, error);
      },
    );
    subscribed.catch(() => undefined);
    try {
      await Promise.race([subscribed, late]);
    } finally {
      done.abort();
    }
  }

  #receive(client: MqttClient, packet: IPublishPacket, callback: Callback): void {
    const pending = this.#pending;
    const messageId = packet.qos === 1 ? packet.messageId : undefined;
    const entry: Pending = { messageId, done: false };
    pending.push(entry);
    this.#take(packet, () => this.#pending === pending).then(
      () => {
        entry.done = true;
        if (this.#pending === pending) this.#flush(client);
      },
      (error: unknown) => {
        this.#notice('error', describeError(error));
        // The broker keeps everything we have not acknowledged, and sends it on reconnection.
        if (this.#pending === pending) client.stream.destroy();
      },
    );
    const next = () => callback(messageId === undefined ? undefined : ACKNOWLEDGED_LATER);
    if (pending.length < this.#inflightMax) next();
    else {
      this.#counts.throttled += 1;
      this.#resume = next;
    }
  }

  async #take(packet: IPublishPacket, stillWanted: () => boolean): Promise<void> {
    const { topic, qos } = packet;
    const payload = Buffer.from(packet.payload);
    const up = parseUpTopic(topic);
    if (up === undefined || qos === 2 || payload.length > LIMITS.messageBytesMax) {
      this.#counts.denied += 1;
      this.#notice('denied', `${payload.length} bytes on ${topic.slice(0, 100)}`);
      return;
    }
    const { clock, ackTopic } = this.#options;
    const handler = this.#handler as UpHandler;
    const context = { topic, qos, receivedMs: clock.nowMs() };
    this.#counts.received += 1;
    await untilTaken(
      () => handler(up.serial, up.kind, payload, context),
      clock,
      stillWanted,
      () => {
        this.#counts.stalled += 1;
      },
    );
    this.#counts.acknowledged += 1;
    if (ackTopic !== false) await this.#sendAck(up.serial, up.kind, payload);
  }

  async #sendAck(serial: string, kind: UpKind, payload: Uint8Array): Promise<void> {
    await this.publishDown(serial, TOPIC.ack(serial), ackPayload(kind, payload));
  }

  #flush(client: MqttClient): void {
    const pending = this.#pending;
    while (pending[0]?.done === true) {
      const { messageId } = pending.shift() as Pending;
      if (messageId !== undefined) client.stream.write(puback(messageId));
    }
    if (this.#resume === undefined || pending.length >= this.#inflightMax) return;
    const resume = this.#resume;
    this.#resume = undefined;
    resume();
  }

  #forget(): void {
    this.#pending = [];
    this.#resume = undefined;
  }

  #notice(what: LinkNotice['what'], detail: string, serial?: string): void {
    this.#options.onNotice?.({ what, detail, ...(serial === undefined ? {} : { serial }) });
  }
}

/** MQTT 3.1.1, 3.4. */
function puback(messageId: number): Buffer {
  return Buffer.from([0x40, 2, messageId >> 8, messageId & 255]);
}
