/** What the journal needs from the rest of the gateway, and the bounds it works within. */
import type { Fault } from '../../domain/faults.ts';
import { LIMITS } from '../../domain/limits.ts';
import type { Envelope, ReadingBlock, Refusal, SealedBatch } from '../../domain/reading.ts';

export interface Decoded {
  readonly blocks: readonly ReadingBlock[];
  readonly refusals: readonly Omit<Refusal, 'message'>[];
}

/** Pure: the same envelope always decodes to the same blocks, also after a restart. */
export type Decode = (envelope: Envelope) => Decoded;

/** Who may replace whose values; batches never mix origins. Pure. */
export type OriginOf = (envelope: Envelope) => string;

/** One offer of one batch: how the queue names its job. */
export interface Offer {
  readonly uid: string;
  readonly attempt: number;
}

/** Where sealed batches go: queue and database in the centre, an uplink on an edge box. */
export interface BatchOutlet {
  /** Hands a batch on. Resolving is a hint only; the journal keeps the batch until `committed`. */
  offer(batch: SealedBatch, attempt: number): Promise<void>;
  /** Of these, the ones the database has committed. */
  committed(uids: readonly string[]): Promise<ReadonlySet<string>>;
  /**
   * Of these, the uids of offers that still wait or run in the queue; those are not offered again.
   * Without it an uncommitted batch is offered again after ever longer pauses.
   */
  queued?(offers: readonly Offer[]): Promise<ReadonlySet<string>>;
}

export interface JournalEvent {
  readonly level: 'info' | 'warn' | 'error';
  readonly message: string;
  readonly fault?: Fault;
}

export type JournalLog = (event: JournalEvent) => void;

type LimitName =
  | 'batchBytesMax'
  | 'batchLingerMs'
  | 'batchMessagesMax'
  | 'batchReadingsMax'
  | Extract<keyof typeof LIMITS, `journal${string}`>;

export type JournalLimits = Readonly<Record<LimitName, number>>;

export function journalLimits(given: Partial<JournalLimits> = {}): JournalLimits {
  return { ...LIMITS, ...given };
}
