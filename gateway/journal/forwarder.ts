/** Offers sealed batches to the outlet, in order, for as long as it takes. */
import { describeError, Fault } from '../../domain/faults.ts';
import type { Clock } from '../../domain/time.ts';
import { buildBatch, readContent } from './batch.ts';
import type { Batch, Book } from './book.ts';
import type { BatchOutlet, Decode, JournalLimits, JournalLog } from './ports.ts';
import type { JournalReader } from './reader.ts';
import type { Seal, SealContent } from './seals.ts';
import { Wakeup, within } from './wakeup.ts';

export interface ForwarderOptions {
  readonly clock: Clock;
  readonly limits: JournalLimits;
  readonly log: JournalLog;
  readonly decode: Decode;
  readonly outlet: BatchOutlet;
  readonly reader: JournalReader;
  readonly book: Book;
  readonly isEnded: () => boolean;
  /** A batch was handed on. */
  readonly onOffered: () => void;
}

const BACKOFF_MS = 100;

export class Forwarder {
  readonly wakeup: Wakeup;
  /** Messages of offered batches that could not be read back. */
  missing = 0;
  private readonly options: ForwarderOptions;
  private readonly backoff: Wakeup;
  /** Parts of one message follow each other: it is read and decoded once for all of them. */
  private last: { seal: Seal; content: SealContent } | undefined;
  private failures = 0;
  private stopping = false;
  private loop: Promise<void> | undefined;

  constructor(options: ForwarderOptions) {
    this.options = options;
    this.wakeup = new Wakeup(options.clock);
    this.backoff = new Wakeup(options.clock);
  }

  start(): void {
    this.loop = this.run();
  }

  /** Offers what is sealed, each batch once, and ends at the first failure. */
  async stop(): Promise<void> {
    this.stopping = true;
    this.wakeup.ring();
    this.backoff.ring();
    await this.loop;
  }

  private async run(): Promise<void> {
    const { book, limits, isEnded } = this.options;
    while (!isEnded()) {
      const batch = book.next();
      if (batch === undefined) {
        this.last = undefined;
        if (this.stopping) return;
        await this.wakeup.wait(limits.journalSweepMs);
        continue;
      }
      if (await this.offer(batch)) continue;
      if (this.stopping) return;
      const pauseMs = Math.min(BACKOFF_MS * 2 ** (this.failures - 1), limits.journalBackoffMsMax);
      await this.backoff.wait(pauseMs);
    }
  }

  private async offer(batch: Batch): Promise<boolean> {
    const { book, clock, limits, outlet, log } = this.options;
    try {
      const content = await this.contentOf(batch);
      if (content.framed.length === 0) {
        book.abandon(batch);
        return true;
      }
      const built = await buildBatch(batch.seal, batch.part, content);
      batch.tried = true;
      await within(clock, limits.journalOfferTimeoutMs, outlet.offer(built, batch.attempt));
      book.offered(batch, clock.monotonicMs());
      if (this.failures > 0) log({ level: 'info', message: 'batches are taken again' });
      this.failures = 0;
      this.options.onOffered();
      return true;
    } catch (error) {
      this.failures += 1;
      // Once an outage, not once a try.
      if (this.failures === 1) {
        const message = `batch ${batch.uid} not taken, will be offered again: ${describeError(error)}`;
        log({ level: 'warn', message });
      }
      return false;
    }
  }

  private async contentOf(batch: Batch): Promise<SealContent> {
    if (batch.content !== undefined) return batch.content;
    if (this.last?.seal === batch.seal) return this.last.content;
    const { reader, decode, log } = this.options;
    const { content, missing } = await readContent(reader, decode, batch.seal);
    this.last = { seal: batch.seal, content };
    if (missing > 0) {
      this.missing += missing;
      const detail = `${missing} messages of batch ${batch.uid} cannot be read`;
      const segment = batch.seal.positions[0] ?? '-';
      const fault = new Fault('JOURNAL_CORRUPT', { segment, offset: '-', detail });
      log({ level: 'error', message: fault.message, fault });
    }
    return content;
  }
}
