/**
 * The durable journal: what it acknowledges it keeps until the database has committed it
 * (design.md promises 1, 2, 8, 9). See README.md for formats and guarantees.
 */
import { Fault } from '../../domain/faults.ts';
import type { RandomBytes } from '../../domain/ids.ts';
import type { Envelope } from '../../domain/reading.ts';
import type { Clock } from '../../domain/time.ts';
import { Book } from './book.ts';
import type { FilePort } from './files.ts';
import { Forwarder } from './forwarder.ts';
import { Intake } from './intake.ts';
import type { BatchOutlet, Decode, JournalLimits, JournalLog, OriginOf } from './ports.ts';
import { journalLimits } from './ports.ts';
import { JournalReader } from './reader.ts';
import { type Damage, type Recovered, recover } from './recovery.ts';
import { Sealer } from './sealer.ts';
import type { JournalStats } from './stats.ts';
import { Sweeper } from './sweeper.ts';
import { within } from './wakeup.ts';
import { JournalWriter } from './writer.ts';

export interface JournalOptions {
  readonly directory: string;
  readonly files: FilePort;
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly limits?: Partial<JournalLimits>;
  readonly log?: JournalLog;
  /** The journal cannot be trusted any more; the process should end and start again. */
  readonly onFailed?: (fault: Fault) => void;
  /** Keep committed segments for their whole time, even when the journal is full. */
  readonly retainStrictly?: boolean;
}

export interface ForwardOptions {
  readonly decode: Decode;
  readonly originOf: OriginOf;
  readonly outlet: BatchOutlet;
}

/** What the last run left, for logs and tests. */
export interface RecoveryReport {
  readonly envelopes: number;
  readonly uncommitted: number;
  readonly openBatches: readonly string[];
  readonly damage: readonly Damage[];
}

interface Running {
  readonly sealer: Sealer;
  readonly forwarder: Forwarder;
  readonly sweeper: Sweeper;
}

export class Journal {
  readonly recovered: RecoveryReport;
  private readonly options: JournalOptions;
  private readonly limits: JournalLimits;
  private readonly log: JournalLog;
  private readonly found: Recovered;
  private readonly unlock: () => Promise<void>;
  private readonly writer: JournalWriter;
  private readonly reader: JournalReader;
  private readonly intake: Intake;
  private readonly book: Book;
  private running: Running | undefined;
  private closed: Promise<void> | undefined;

  private constructor(
    options: JournalOptions,
    limits: JournalLimits,
    log: JournalLog,
    found: Recovered,
    unlock: () => Promise<void>,
  ) {
    this.options = options;
    this.limits = limits;
    this.log = log;
    this.found = found;
    this.unlock = unlock;
    const { table } = found;
    this.book = new Book(table);
    for (const seal of found.seals) this.book.recover(seal, found.nextSegment);
    this.recovered = {
      envelopes: found.envelopes,
      uncommitted: table.uncommitted,
      openBatches: found.seals.flatMap((open) => [...open.uncommitted]),
      damage: found.damage,
    };
    const { directory, files } = options;
    this.reader = new JournalReader({ directory, files, table, limits, log });
    const first = table.firstUnsealed();
    const cursor = first && { segment: first.id.number, offset: 0 };
    this.intake = new Intake(this.reader, limits, cursor);
    this.writer = this.makeWriter();
  }

  /** Recovers what is there. Throws JOURNAL_LOCKED when another process has the directory. */
  static async open(options: JournalOptions): Promise<Journal> {
    const limits = journalLimits(options.limits);
    const log = options.log ?? (() => undefined);
    const { directory, files } = options;
    await files.makeDirectory(directory);
    const unlock = await files.lock(directory);
    try {
      const found = await recover({ directory, files, limits, log });
      return new Journal(options, limits, log, found, unlock);
    } catch (error) {
      await unlock();
      throw error;
    }
  }

  /**
   * Resolves when the envelope is durable, and not before: then it may be acknowledged.
   * Rejects with JOURNAL_FULL (try again later), PAYLOAD_TOO_LARGE or JOURNAL_FAILED.
   */
  append(envelope: Envelope): Promise<void> {
    if (this.closed !== undefined) {
      return Promise.reject(new Fault('JOURNAL_FAILED', { detail: 'it is closed' }));
    }
    return this.writer.append(envelope);
  }

  /** Starts sealing and forwarding. Call it once; until then envelopes wait in the journal. */
  forward({ decode, originOf, outlet }: ForwardOptions): void {
    if (this.running !== undefined) throw new Error('the journal is forwarding already');
    const { limits, log, intake, writer, book, reader } = this;
    const { clock, random, directory, files, retainStrictly = false } = this.options;
    const { table } = this.found;
    const common = { clock, limits, log, writer, book, outlet, decode };
    const sweeper = new Sweeper({
      ...common,
      directory,
      files,
      table,
      retainStrictly,
      onProgress: () => {
        sealer.wakeup.ring();
        forwarder.wakeup.ring();
      },
    });
    const forwarder = new Forwarder({
      ...common,
      reader,
      isEnded: () => writer.ended,
      onOffered: () => sweeper.onOffered(),
    });
    const onSealed = () => forwarder.wakeup.ring();
    const sealer = new Sealer({ ...common, random, originOf, intake, onSealed });
    this.running = { sealer, forwarder, sweeper };
    // Batches of an earlier run may be committed already: ask before offering them again.
    void sweeper.sweep().then(() => {
      if (this.closed !== undefined) return;
      sealer.start();
      forwarder.start();
      sweeper.start();
    });
  }

  /** A hint that the batch was committed; the database is asked soon and decides. */
  notifyCommitted(uid: string): void {
    if (this.book.get(uid) !== undefined) this.running?.sweeper.hint();
  }

  stats(): JournalStats {
    const { table } = this.found;
    return {
      messages: this.writer.messages,
      messageBytes: this.writer.messageBytes,
      uncommittedMessages: table.uncommitted,
      unsealedInMemory: this.intake.waiting,
      unsealedOnDisk: this.intake.behind,
      ...this.book.counters,
      outstanding: this.book.outstanding,
      waitingForOffer: this.book.waiting,
      missing: this.running?.forwarder.missing ?? 0,
      segments: table.count,
      segmentBytes: table.bytes,
      removedSegments: this.running?.sweeper.counters.removedSegments ?? 0,
      removedEarly: this.running?.sweeper.counters.removedEarly ?? 0,
      ...this.writer.counters,
      failed: this.writer.failed,
    };
  }

  /** Drains, seals and offers what is there within journalCloseMsMax, then closes the files. */
  close(): Promise<void> {
    this.closed ??= this.shut();
    return this.closed;
  }

  private async shut(): Promise<void> {
    const { clock } = this.options;
    try {
      await within(clock, this.limits.journalCloseMsMax, this.quiet());
    } catch {
      this.log({ level: 'warn', message: 'journal closed before everything was handed on' });
    }
    try {
      await this.writer.close();
    } finally {
      await this.unlock();
    }
  }

  private async quiet(): Promise<void> {
    await this.writer.drain();
    await this.running?.sealer.stop();
    await this.running?.forwarder.stop();
    await this.running?.sweeper.stop();
    await this.writer.drain();
  }

  private makeWriter(): JournalWriter {
    const { directory, files, clock, random } = this.options;
    return new JournalWriter({
      directory,
      files,
      clock,
      random,
      limits: this.limits,
      table: this.found.table,
      nextSegment: this.found.nextSegment,
      onDurable: (entries) => {
        this.intake.push(entries);
        this.running?.sealer.wakeup.ring();
      },
      onNoRoom: () => this.running?.sweeper.onNoRoom(),
      onFailed: (fault) => {
        this.log({ level: 'error', message: fault.message, fault });
        this.options.onFailed?.(fault);
      },
    });
  }
}
