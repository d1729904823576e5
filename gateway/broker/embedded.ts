/**
 * The embedded broker. A PUBACK means "in our journal": aedes calls authorizePublish before it
 * acknowledges, so the handler is awaited there. Nothing a meter publishes is ever routed to
 * another client, and nothing is kept for a meter that is away.
 */
import { Aedes, type Client, type ConnectPacket } from 'aedes';
import {
  describeError,
  Fault,
  LIMITS,
  type MeterDirectory,
  TOPIC,
  type UpKind,
} from '../../domain/index.ts';
import { CONNACK, hears, mayPublish, maySubscribe, type PublishLike } from './access.ts';
import { ackPayload } from './ack.ts';
import { closeRouting, connackError } from './aedes.ts';
import { turnAway } from './doorman.ts';
import { Gate, type GateBounds } from './gate.ts';
import {
  type LinkNotice,
  type LinkStats,
  type MeterLink,
  noCounts,
  type UpHandler,
} from './link.ts';
import { Listener, type ListenerOptions } from './listener.ts';
import { newSession, type Session } from './session.ts';
import { untilTaken } from './stall.ts';

export interface EmbeddedOptions extends ListenerOptions {
  readonly directory: Pick<MeterDirectory, 'authenticate'>;
  /** Publish our own ack beside the PUBACK; needed only behind an external broker. */
  readonly ackTopic?: boolean;
  /** Per meter; the defaults are LIMITS.mqttRatePerS, mqttRateBurst and mqttInflightMax. */
  readonly bounds?: Partial<GateBounds>;
  readonly onNotice?: (notice: LinkNotice) => void;
}

type Done = (error?: Error | null) => void;

export class EmbeddedBroker implements MeterLink {
  readonly #options: EmbeddedOptions;
  readonly #bounds: GateBounds;
  readonly #connects = new WeakMap<Client, ConnectPacket>();
  readonly #sessions = new WeakMap<Client, Session>();
  /** Let in, the latest of each serial; may not have its CONNACK yet. */
  readonly #admitted = new Map<string, Session>();
  readonly #online = new Map<string, Session>();
  readonly #counts = noCounts();
  #handler: UpHandler | undefined;
  #aedes: Aedes | undefined;
  #listener: Listener | undefined;
  #stopping = false;
  #revocations = 0;

  constructor(options: EmbeddedOptions) {
    this.#options = options;
    this.#bounds = {
      ratePerS: LIMITS.mqttRatePerS,
      burst: LIMITS.mqttRateBurst,
      inflightMax: LIMITS.mqttInflightMax,
      ...options.bounds,
    };
  }

  onUp(handler: UpHandler): void {
    this.#handler = handler;
  }

  async start(): Promise<void> {
    if (this.#handler === undefined) throw new Fault('INTERNAL', { detail: 'no handler' });
    this.#stopping = false;
    const aedes = await Aedes.createBroker({
      connectTimeout: LIMITS.mqttConnectTimeoutMs,
      keepaliveLimit: LIMITS.mqttKeepaliveSMax,
      maxTopicLevels: LIMITS.mqttTopicLevelsMax,
      maxClientsIdLength: LIMITS.serialCharsMax,
      preConnect: (client, packet, done) => {
        this.#connects.set(client, packet);
        // Nothing is kept for a meter that is away, so it must subscribe again.
        packet.clean = true;
        done(null, true);
      },
      authenticate: (client, username, password, done) => {
        this.#authenticate(client, username, password).then(
          (code) => (code === 0 ? done(null, true) : done(connackError(code), null)),
          () => done(connackError(CONNACK.serverUnavailable), null),
        );
      },
      authorizePublish: (client, packet, done) => this.#authorizePublish(client, packet, done),
      authorizeSubscribe: (client, subscription, done) => {
        done(null, this.#allowSubscribe(client, subscription.topic) ? subscription : null);
      },
    });
    closeRouting(aedes);
    this.#watch(aedes);
    this.#aedes = aedes;
    this.#listener = new Listener(
      this.#options,
      (socket) => void aedes.handle(socket),
      (detail) => this.#refused(detail),
    );
    await this.#listener.start();
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#listener?.stop();
    const aedes = this.#aedes;
    if (aedes !== undefined) await new Promise<void>((resolve) => aedes.close(() => resolve()));
    this.#online.clear();
  }

  /** The port listened on, once started. */
  get port(): number {
    return this.#listener?.port ?? 0;
  }

  isOnline(serial: string): boolean {
    return this.#online.has(serial);
  }

  /**
   * Ends the session of a meter whose credential was revoked (threats.md T26). Call it after the
   * directory knows: whoever is being let in meanwhile is asked to come again.
   */
  async disconnect(serial: string): Promise<void> {
    this.#revocations += 1;
    const session = this.#admitted.get(serial);
    if (session === undefined) return;
    session.revoked = true;
    await new Promise<void>((resolve) => session.client.close(() => resolve()));
  }

  async publishDown(serial: string, topic: string, payload: Uint8Array): Promise<boolean> {
    const session = this.#online.get(serial);
    if (session === undefined || session.client.closed) return false;
    if (!maySubscribe(serial, topic) || !hears(serial, session.filters, topic)) return false;
    await new Promise<void>((resolve) => {
      const packet = { cmd: 'publish', topic, payload: Buffer.from(payload) } as const;
      session.client.publish({ ...packet, qos: 0, retain: false, dup: false }, () => resolve());
    });
    return true;
  }

  stats(): LinkStats {
    return { ...this.#counts, connected: this.#online.size };
  }

  /** A CONNACK return code; 0 = welcome. */
  async #authenticate(
    client: Client,
    username: string | undefined,
    password: Uint8Array | undefined,
  ): Promise<number> {
    if (this.#stopping) return CONNACK.serverUnavailable;
    const { clock, directory } = this.#options;
    const will = this.#connects.get(client)?.will as PublishLike | undefined;
    const connect = { clientId: client.id, username, password, will };
    const revocations = this.#revocations;
    const refused = await turnAway(connect, directory, clock);
    if (this.#revocations !== revocations) return CONNACK.serverUnavailable;
    if (refused !== undefined) {
      this.#refused(refused.reason, username);
      return refused.code;
    }
    const serial = client.id;
    if (this.#online.has(serial)) {
      this.#counts.takeovers += 1;
      this.#notice({ what: 'takeover', serial, detail: 'a second connection took over' });
    }
    const gate = new Gate(clock, this.#bounds);
    const session = newSession(client, gate);
    this.#sessions.set(client, session);
    this.#admitted.set(serial, session);
    return 0;
  }

  #authorizePublish(client: Client | null, packet: PublishLike, done: Done): void {
    const session = client === null ? undefined : this.#sessions.get(client);
    if (session === undefined || session.revoked || this.#stopping) {
      done(new Error('not accepted'));
      return;
    }
    const kind = mayPublish(session.serial, packet);
    if (typeof kind !== 'string') {
      this.#denied(session, kind.denied);
      done(new Error(kind.denied));
      return;
    }
    // The will of a meter that is gone is not held back by its gate.
    if (session.client.closed) {
      this.#take(session, kind, packet, done);
      return;
    }
    const waited = session.gate.enter(() => {
      this.#take(session, kind, packet, (error) => {
        session.gate.leave();
        done(error);
      });
    });
    if (waited) this.#counts.throttled += 1;
  }

  #take(session: Session, kind: UpKind, packet: PublishLike, done: Done): void {
    const { serial, client } = session;
    const { clock, ackTopic } = this.#options;
    const { topic, payload } = packet;
    const bytes = typeof payload === 'string' ? Buffer.from(payload) : payload;
    const qos = packet.qos === 1 ? 1 : 0;
    const handler = this.#handler as UpHandler;
    this.#counts.received += 1;
    const context = { topic, qos, receivedMs: clock.nowMs() } as const;
    untilTaken(
      () => handler(serial, kind, bytes, context),
      clock,
      () => !client.closed,
      () => {
        this.#counts.stalled += 1;
      },
    ).then(
      () => {
        this.#counts.acknowledged += 1;
        done(null);
        if (ackTopic === true) this.#sendAck(serial, kind, bytes);
      },
      (error: unknown) => {
        this.#notice({ what: 'error', serial, detail: describeError(error) });
        done(error instanceof Error ? error : new Error(String(error)));
      },
    );
  }

  #sendAck(serial: string, kind: UpKind, payload: Uint8Array): void {
    this.publishDown(serial, TOPIC.ack(serial), ackPayload(kind, payload)).catch((error: unknown) =>
      this.#notice({ what: 'error', serial, detail: describeError(error) }),
    );
  }

  #allowSubscribe(client: Client, filter: string): boolean {
    const session = this.#sessions.get(client);
    if (session === undefined) return false;
    const allowed =
      maySubscribe(session.serial, filter) && session.filters.size < LIMITS.mqttSubscriptionsMax;
    if (allowed) {
      session.filters.add(filter);
      return true;
    }
    this.#denied(session, `subscription to ${filter.slice(0, 100)}`);
    session.denied += 1;
    if (session.denied === LIMITS.mqttDeniedMax) setImmediate(() => client.close());
    return false;
  }

  #watch(aedes: Aedes): void {
    aedes.on('clientReady', (client) => {
      const session = this.#sessions.get(client);
      if (session !== undefined && !client.closed) this.#online.set(session.serial, session);
    });
    aedes.on('clientDisconnect', (client) => {
      const session = this.#sessions.get(client);
      if (session === undefined) return;
      session.gate.close();
      if (this.#online.get(session.serial) === session) this.#online.delete(session.serial);
      if (this.#admitted.get(session.serial) === session) this.#admitted.delete(session.serial);
    });
    aedes.on('unsubscribe', (filters, client) => {
      if (client.closed) return;
      for (const filter of filters) this.#sessions.get(client)?.filters.delete(filter);
    });
    aedes.on('clientError', (client, error) => {
      this.#notice({ what: 'closed', serial: client.id, detail: error.message });
    });
    aedes.on('connectionError', (_, error) => this.#refused(error.message));
    // Its own housekeeping failing must not end the process: the journal is ours, not its.
    aedes.on(
      'error' as 'closed',
      ((error: Error) => {
        this.#notice({ what: 'error', detail: error.message });
      }) as () => void,
    );
  }

  #refused(detail: string, serial?: string): void {
    this.#counts.refused += 1;
    this.#notice({ what: 'refused', detail, ...(serial === undefined ? {} : { serial }) });
  }

  #denied(session: Session, detail: string): void {
    this.#counts.denied += 1;
    this.#notice({ what: 'denied', serial: session.serial, detail });
  }

  #notice(notice: LinkNotice): void {
    this.#options.onNotice?.(notice);
  }
}
