/** What a bench asks of the process that plays the meters and head-ends. */
import type { Load } from '../load.ts';

export interface PushOrder {
  readonly url: string;
  readonly token: string;
  readonly load: Load;
  /** Idempotency-Keys of one order begin with it. */
  readonly key: string;
  readonly pushers: number;
}

export interface PushReport {
  readonly pushes: number;
  readonly bytes: number;
  /** From the first byte to the last 202. */
  readonly elapsedMs: number;
}

export interface ConnectOrder {
  readonly port: number;
  readonly meters: number;
}

/** Each connected meter sends its intervals [fromSlot, fromSlot + slots), one a message. */
export interface PublishOrder {
  readonly port: number;
  readonly startMs: number;
  readonly fromSlot: number;
  readonly slots: number;
  readonly inflight: number;
}

export interface PublishReport {
  readonly messages: number;
  readonly elapsedMs: number;
}

export interface PaceOrder {
  readonly port: number;
  readonly databaseUrl: string;
  readonly startMs: number;
  readonly perS: number;
  readonly seconds: number;
  /** Readings of the first seconds are sent and not counted. */
  readonly warmUpS: number;
}

export interface PaceReport {
  readonly sent: number;
  readonly acked: number;
  readonly perS: number;
  /** Send to queryable, ms, one for each counted reading. */
  readonly latenciesMs: readonly number[];
}

export interface BreakersOrder {
  readonly url: string;
  readonly serials: readonly string[];
}

/** Calls of the child; each answers once. */
export interface Calls {
  /** Makes the bodies; nothing is sent. */
  preparePushes(order: PushOrder): Promise<void>;
  push(): Promise<PushReport>;
  connect(order: ConnectOrder): Promise<void>;
  preparePublishes(order: PublishOrder): Promise<void>;
  publish(): Promise<PublishReport>;
  pace(order: PaceOrder): Promise<PaceReport>;
  breakers(order: BreakersOrder): Promise<void>;
}

export interface CallMessage {
  readonly id: number;
  readonly call: keyof Calls;
  readonly order: unknown;
}

export interface AnswerMessage {
  readonly id: number;
  readonly result?: unknown;
  readonly error?: string;
}
