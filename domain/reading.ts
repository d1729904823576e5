/**
 * Readings on their way in. A block is the canonical form every driver and file format decodes to;
 * an envelope is one message as it arrived; a sealed batch is what travels in a job.
 */

/** One interval value: a whole count in the block's unit; null = the source says there is none. */
export type IntervalValue = number | string | null;

/** Consecutive intervals of one channel, or register reads when `kind` is 'register'. */
export interface ReadingBlock {
  readonly kind: 'interval' | 'register';
  /** Meter serial as the source names it. */
  readonly meter: string;
  /** OBIS code of the channel, or a market's stream name (NEM12 suffix: 'E1'). */
  readonly channel: string;
  /** Start of the first interval, or the instant of the register read. Epoch ms. */
  readonly startMs: number;
  /** Seconds; 0 for a register read. */
  readonly intervalS: number;
  readonly values: readonly IntervalValue[];
  /** As declared by the source, e.g. 'kWh'; checked against the channel; absent = the channel's. */
  readonly unit?: string;
  /** Values are whole counts of 10^-decimals of `unit`; absent = the channel's resolution. */
  readonly decimals?: number;
  /** Quality code of all values; absent = RAW. */
  readonly quality?: number;
  /** Quality code by value, when they differ. */
  readonly qualities?: readonly number[];
  /** Flag bits by value (domain/quality FLAG). */
  readonly flags?: readonly number[];
  /** When the source says this version was made (NEM12 UpdateDateTime). Epoch ms; newest wins. */
  readonly versionMs?: number;
  /** The CT/VT ratio is in the values already; it is applied once and only once. */
  readonly multiplierApplied?: boolean;
  /** Where in the source this block stood, for people: 'line 7', 'readings/3'. */
  readonly at?: string;
}

/** How a message came to us. */
export type SourceKind = 'mqtt' | 'http' | 'dlms' | 'modbus' | 'file' | 'edge';

/** One message as it arrived, before anything was made of it. This is what the journal keeps. */
export interface Envelope {
  readonly source: SourceKind;
  /** The authenticated peer: meter serial, head-end key name, file name. Never from the payload. */
  readonly peer: string;
  readonly receivedMs: number;
  readonly contentType: string;
  /** Topic, URL or path: what a person would look for. */
  readonly locator: string;
  readonly raw: Uint8Array;
  /** Given by drivers whose raw frames do not explain themselves (DLMS, Modbus). */
  readonly blocks?: readonly ReadingBlock[];
}

/** What could not be made into readings, with the reason. */
export interface Refusal {
  readonly code: string;
  readonly reason: string;
  /** Index of the message in the batch, and the place inside it. */
  readonly message: number;
  readonly at: string;
  /** Readings it stands for; a payload that cannot be counted stands for one. */
  readonly records: number;
}

/** A batch as it travels in a job: decoded once at the edge, with the raw bytes beside it. */
export interface SealedBatch {
  /** UUID; the same batch always carries the same one, whatever is repeated. */
  readonly uid: string;
  /** 'mqtt', 'http:KEYNAME', 'file:NAME': who may replace whose values. */
  readonly origin: string;
  /** When the last of its messages was received. */
  readonly receivedMs: number;
  /** Index into `messages` for each block. */
  readonly blocks: readonly (ReadingBlock & { readonly message: number })[];
  readonly refusals: readonly Refusal[];
  readonly messages: number;
  /** Readings and uncountable payloads: what must be accounted for. */
  readonly offered: number;
  /** All messages framed (domain/framing) and deflated (raw, RFC 1951), base64. */
  readonly raw: string;
  /** SHA-256 of the framed, not yet deflated, bytes; hex. */
  readonly rawHash: string;
}

/** Where every offered record ended. */
export interface Conservation {
  readonly offered: number;
  readonly stored: number;
  readonly duplicate: number;
  readonly rejected: number;
  readonly quarantined: number;
}

export const NOTHING: Conservation = {
  offered: 0,
  stored: 0,
  duplicate: 0,
  rejected: 0,
  quarantined: 0,
};

export function addConservation(a: Conservation, b: Conservation): Conservation {
  return {
    offered: a.offered + b.offered,
    stored: a.stored + b.stored,
    duplicate: a.duplicate + b.duplicate,
    rejected: a.rejected + b.rejected,
    quarantined: a.quarantined + b.quarantined,
  };
}

export function isConserved(c: Conservation): boolean {
  return c.offered === c.stored + c.duplicate + c.rejected + c.quarantined;
}

/** Values of a block that are offered: the ones that are there. */
export function offeredValues(block: Pick<ReadingBlock, 'values'>): number {
  let count = 0;
  for (const value of block.values) if (value !== null) count += 1;
  return count;
}
