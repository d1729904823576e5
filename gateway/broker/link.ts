/** The one way the rest of the gateway talks MQTT, whoever runs the broker. */
import type { UpKind } from '../../domain/index.ts';

export interface UpContext {
  readonly topic: string;
  readonly qos: 0 | 1;
  readonly receivedMs: number;
}

/**
 * Takes one message of a meter. Resolves when it is durable: only then is it acknowledged.
 * A rejection with a Fault that may be retried (JOURNAL_FULL) is tried again up to
 * LIMITS.mqttStallMsMax without an acknowledgement; any other closes the connection.
 */
export type UpHandler = (
  serial: string,
  kind: UpKind,
  payload: Uint8Array,
  context: UpContext,
) => Promise<void>;

export interface LinkStats {
  /** Meters connected; of an external broker 1 when it is connected. */
  readonly connected: number;
  readonly received: number;
  readonly acknowledged: number;
  /** Messages and subscriptions the rules of topics.ts do not allow. */
  readonly denied: number;
  /** Connections refused: rate, cap, wrong credential, wrong first bytes. */
  readonly refused: number;
  /** Messages that waited for the rate or the in-flight bound of their meter. */
  readonly throttled: number;
  /** Times the journal refused and the message was tried again. */
  readonly stalled: number;
  /** Connections that replaced an open one of the same meter (threats.md T27). */
  readonly takeovers: number;
}

export interface LinkNotice {
  readonly what: 'refused' | 'denied' | 'takeover' | 'error' | 'closed';
  readonly serial?: string;
  readonly detail: string;
}

export interface MeterLink {
  start(): Promise<void>;
  stop(): Promise<void>;
  /** Exactly one handler, given before start. */
  onUp(handler: UpHandler): void;
  /**
   * Sends at most once (QoS 0) and never queues: a command that waits for an offline meter would
   * arrive stale. False = surely nothing was sent; true = it may have reached the meter.
   */
  publishDown(serial: string, topic: string, payload: Uint8Array): Promise<boolean>;
  /** Absent when the link cannot know. */
  isOnline?(serial: string): boolean;
  stats(): LinkStats;
}

export type Counters = { -readonly [K in keyof LinkStats]: LinkStats[K] };

export function noCounts(): Counters {
  return {
    connected: 0,
    received: 0,
    acknowledged: 0,
    denied: 0,
    refused: 0,
    throttled: 0,
    stalled: 0,
    takeovers: 0,
  };
}
