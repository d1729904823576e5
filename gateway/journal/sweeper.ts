/**
 * Asks the database what it has committed, offers again what was forgotten on the way, and removes
 * segments that are no longer needed.
 */
import { describeError } from '../../domain/faults.ts';
import type { Clock } from '../../domain/time.ts';
import type { Batch, Book } from './book.ts';
import type { FilePort } from './files.ts';
import type { BatchOutlet, JournalLimits, JournalLog } from './ports.ts';
import { RECORD } from './records.ts';
import { encodeCommit } from './seals.ts';
import type { Segment, SegmentTable } from './segments.ts';
import { Wakeup, within } from './wakeup.ts';
import type { JournalWriter } from './writer.ts';

export interface SweeperOptions {
  readonly directory: string;
  readonly files: FilePort;
  readonly clock: Clock;
  readonly limits: JournalLimits;
  readonly log: JournalLog;
  readonly outlet: BatchOutlet;
  readonly book: Book;
  readonly table: SegmentTable;
  readonly writer: JournalWriter;
  /** Never remove a committed segment before its time, not even when the journal is full. */
  readonly retainStrictly: boolean;
  /** Batches were committed, or are to be offered again. */
  readonly onProgress: () => void;
}

/** Hints come in swarms; one question answers them all. */
const HINT_MS = 20;

export class Sweeper {
  readonly counters = { removedSegments: 0, removedEarly: 0 };
  private readonly options: SweeperOptions;
  private readonly wakeup: Wakeup;
  private pauseMs: number;
  private noRoom = false;
  private away = false;
  private stopping = false;
  private loop: Promise<void> | undefined;

  constructor(options: SweeperOptions) {
    this.options = options;
    this.wakeup = new Wakeup(options.clock);
    this.pauseMs = options.limits.journalPollMs;
  }

  start(): void {
    this.loop = this.run();
  }

  async stop(): Promise<void> {
    this.stopping = true;
    this.wakeup.ring();
    await this.loop;
  }

  hint(): void {
    this.wakeup.ring();
  }

  onOffered(): void {
    if (this.pauseMs > this.options.limits.journalPollMs) this.wakeup.ring();
  }

  onNoRoom(): void {
    this.noRoom = true;
    this.wakeup.ring();
  }

  /** One question and what follows from it; true when something was committed. */
  async sweep(): Promise<boolean> {
    const asked = [...this.options.book.askable()];
    const committed = asked.length === 0 ? [] : await this.askCommitted(asked);
    if (committed !== undefined && committed.length > 0) this.mark(committed);
    // While the database is away, nothing says that a batch was forgotten.
    if (committed !== undefined) await this.resend(asked);
    await this.trim();
    return committed !== undefined && committed.length > 0;
  }

  private async run(): Promise<void> {
    const { clock, limits, writer, book } = this.options;
    let offered = 0;
    while (!this.stopping && !writer.ended) {
      await this.wakeup.wait(this.pauseMs);
      if (!this.stopping) await clock.sleep(Math.min(HINT_MS, this.pauseMs));
      const progress = await this.sweep();
      const moved = progress || book.counters.offered !== offered;
      offered = book.counters.offered;
      this.pauseMs = moved
        ? limits.journalPollMs
        : Math.min(this.pauseMs * 2, limits.journalSweepMs);
    }
  }

  private async askCommitted(asked: readonly Batch[]): Promise<string[] | undefined> {
    const { clock, limits, outlet, log } = this.options;
    const uids = asked.map((batch) => batch.uid);
    try {
      const known = await within(clock, limits.journalOfferTimeoutMs, outlet.committed(uids));
      if (this.away) log({ level: 'info', message: 'committed batches can be asked for again' });
      this.away = false;
      return uids.filter((uid) => known.has(uid));
    } catch (error) {
      const message = `cannot ask which batches are committed: ${describeError(error)}`;
      if (!this.away) log({ level: 'warn', message });
      this.away = true;
      return undefined;
    }
  }

  private mark(uids: readonly string[]): void {
    const { book, clock, writer, log } = this.options;
    const nowMs = clock.nowMs();
    const marked = uids.filter((uid) => book.commit(uid, nowMs));
    // A mark that is lost costs one more question after a restart, so nobody waits for it.
    writer.note(RECORD.commit, encodeCommit(nowMs, marked), true).catch((error: unknown) => {
      log({ level: 'warn', message: `commit mark not written: ${describeError(error)}` });
    });
    this.options.onProgress();
  }

  private async resend(asked: readonly Batch[]): Promise<void> {
    const { book, clock } = this.options;
    const due = asked.filter((batch) => this.isDue(batch, clock.monotonicMs()));
    if (due.length === 0) return;
    const queued = await this.askQueued(due);
    if (queued === undefined) return;
    for (const batch of due) {
      if (queued.has(batch.uid)) batch.offeredMs = clock.monotonicMs();
      else book.again(batch);
    }
    this.options.onProgress();
  }

  private isDue(batch: Batch, nowMs: number): boolean {
    if (batch.committed || batch.offeredMs === undefined) return false;
    const { limits, outlet } = this.options;
    const growth = Math.min(2 ** (batch.offers - 1), limits.journalResendFactorMax);
    const factor = outlet.queued === undefined ? growth : 1;
    return nowMs - batch.offeredMs >= limits.journalResendAfterMs * factor;
  }

  private async askQueued(due: readonly Batch[]): Promise<ReadonlySet<string> | undefined> {
    const { clock, limits, outlet, log } = this.options;
    if (outlet.queued === undefined) return new Set();
    const offers = due.map(({ uid, attempt }) => ({ uid, attempt: attempt - 1 }));
    try {
      return await within(clock, limits.journalOfferTimeoutMs, outlet.queued(offers));
    } catch (error) {
      const message = `cannot ask which batches are still queued: ${describeError(error)}`;
      log({ level: 'warn', message });
      return undefined;
    }
  }

  private async trim(): Promise<void> {
    const { table, writer, limits, clock, retainStrictly, log } = this.options;
    const nowMs = clock.nowMs();
    const pressed = () =>
      !retainStrictly && (this.noRoom || table.bytes > limits.journalBytesMax / 2);
    const oldMs = nowMs - limits.journalRetainMs;
    const candidates = [...table.removable(writer.activeNumber, pressed() ? nowMs : oldMs)];
    if (candidates.length === 0) return;
    try {
      // The marks that allow the removal must outlive it.
      await writer.sync();
      for (const segment of candidates) {
        const early = segment.committedMs > oldMs;
        if (early && !pressed()) break;
        await this.remove(segment);
        if (early) this.counters.removedEarly += 1;
        this.noRoom = false;
      }
      await this.options.files.syncDirectory(this.options.directory);
    } catch (error) {
      const message = `journal segment not removed yet: ${describeError(error)}`;
      log({ level: 'warn', message });
    }
  }

  private async remove(segment: Segment): Promise<void> {
    const { files, directory, table } = this.options;
    await files.remove(directory, segment.id.name);
    table.remove(segment);
    this.counters.removedSegments += 1;
  }
}
