/** The sealed batches that are not known to be committed: few enough to stay in memory. */
import type { OpenSeal } from './recovery.ts';
import type { Seal, SealContent } from './seals.ts';
import type { SegmentTable } from './segments.ts';

export interface Batch {
  readonly uid: string;
  readonly seal: Seal;
  readonly part: number;
  /** Shared by the parts of one seal. */
  readonly uncommitted: Set<string>;
  /** The number the next offer carries: never one that a queue may remember. */
  attempt: number;
  /** Offers that succeeded in this run. */
  offers: number;
  /** An offer was begun, so it may have arrived whatever became of it. */
  tried: boolean;
  /** Monotonic ms of the last offer; undefined while the batch waits to be offered. */
  offeredMs: number | undefined;
  /** Kept until the first offer, if there is room. */
  content: SealContent | undefined;
  committed: boolean;
  /** Known from an earlier run, so perhaps committed long ago. */
  readonly recovered: boolean;
}

export class Book {
  readonly counters = { sealed: 0, sealedRecords: 0, offered: 0, committed: 0, resent: 0 };
  private readonly table: SegmentTable;
  private readonly batches = new Map<string, Batch>();
  private ready: Batch[] = [];

  constructor(table: SegmentTable) {
    this.table = table;
  }

  /** Batches sealed and not committed. */
  get outstanding(): number {
    return this.batches.size;
  }

  get waiting(): number {
    return this.ready.length;
  }

  get(uid: string): Batch | undefined {
    return this.batches.get(uid);
  }

  /** @param records readings and refused records in it */
  add(seal: Seal, content: SealContent | undefined, records: number): void {
    this.counters.sealedRecords += records;
    const uncommitted = new Set(seal.uids);
    for (const [part, uid] of seal.uids.entries()) {
      this.put({ uid, seal, part, uncommitted, attempt: 0, content, recovered: false });
      this.counters.sealed += 1;
    }
  }

  /** @param run the first segment number of this run; it makes the attempts of each run differ */
  recover(open: OpenSeal, run: number): void {
    const { seal, uncommitted } = open;
    const attempt = Math.max(1, run - open.segment) * 1_000;
    for (const [part, uid] of seal.uids.entries()) {
      if (!uncommitted.has(uid)) continue;
      this.put({ uid, seal, part, uncommitted, attempt, content: undefined, recovered: true });
    }
  }

  /** The next batch to offer; stays the next until `offered`. */
  next(): Batch | undefined {
    while (this.ready[0]?.committed === true) this.ready.shift();
    return this.ready[0];
  }

  offered(batch: Batch, nowMs: number): void {
    if (this.ready[0] === batch) this.ready.shift();
    batch.content = undefined;
    batch.offeredMs = nowMs;
    batch.offers += 1;
    batch.attempt += 1;
    this.counters.offered += 1;
    if (batch.offers > 1) this.counters.resent += 1;
  }

  again(batch: Batch): void {
    if (batch.committed || batch.offeredMs === undefined) return;
    batch.offeredMs = undefined;
    this.ready.push(batch);
  }

  /** Worth asking the database about: offered, or known from an earlier run. */
  *askable(): Generator<Batch> {
    for (const batch of this.batches.values()) {
      if (batch.recovered || batch.tried) yield batch;
    }
  }

  commit(uid: string, nowMs: number): boolean {
    const batch = this.batches.get(uid);
    if (batch === undefined) return false;
    this.batches.delete(uid);
    batch.committed = true;
    batch.content = undefined;
    batch.uncommitted.delete(uid);
    if (batch.uncommitted.size === 0) this.table.commit(batch.seal.positions, nowMs);
    this.counters.committed += 1;
    return true;
  }

  /** Nothing of it can be read any more (reported); there is nothing left to offer. */
  abandon(batch: Batch): void {
    if (this.ready[0] === batch) this.ready.shift();
    this.batches.delete(batch.uid);
    batch.committed = true;
    batch.uncommitted.delete(batch.uid);
  }

  private put(batch: Omit<Batch, 'offers' | 'offeredMs' | 'tried' | 'committed'>): void {
    const whole = { ...batch, offers: 0, offeredMs: undefined, tried: false, committed: false };
    this.batches.set(batch.uid, whole);
    this.ready.push(whole);
  }
}
