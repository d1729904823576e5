/**
 * The line an import goes through, in this process: a journal of its own, a queue of its own, an
 * ingest worker. The same parts as behind a meter or a head-end, so the same promises: durable
 * before anything else, each batch once, whatever is killed when.
 */
import { join } from 'node:path';
import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import type { Database } from '../../db/pool.ts';
import {
  type Clock,
  type Envelope,
  Fault,
  isFault,
  LIMITS,
  QUEUES,
  type RandomBytes,
  sha256Hex,
} from '../../domain/index.ts';
import { nodeFiles } from '../../gateway/journal/files.ts';
import { Journal } from '../../gateway/journal/journal.ts';
import type { JournalLimits } from '../../gateway/journal/ports.ts';
import { BullBatchOutlet } from '../../gateway/outlet/bull-outlet.ts';
import { decode, originOf } from '../../gateway/payload/decode.ts';
import { openPipeline, type PipelineDeps } from '../../ingest/pipeline/process-batch.ts';
import { type IngestWorker, startIngestWorker } from '../../ingest/pipeline/worker.ts';
import { Spool } from './spool.ts';

/** A queue for each journal: what a killed import left in it goes to nobody else's database. */
export function importPrefix(directory: string): string {
  return `{meterline-import-${sha256Hex(directory).slice(0, 12)}}`;
}

export interface ImportDeps {
  readonly db: Database;
  readonly redisUrl: string;
  readonly clock: Clock;
  readonly random: RandomBytes;
  /** The import's own: never the gateway's, which has another lock. */
  readonly directory: string;
  /** BullMQ key prefix, see importPrefix. */
  readonly prefix: string;
  readonly warn: (error: unknown, text: string) => void;
}

/** A waiting person sees what happens; the database keeps the bytes, so the journal need not. */
const QUICK: Partial<JournalLimits> = { batchLingerMs: 5, journalPollMs: 25, journalRetainMs: 0 };
const LOOK_MS = 5;

export class ImportSession {
  readonly deps: ImportDeps;
  readonly spool: Spool;
  readonly pipeline: PipelineDeps;
  /** Messages an interrupted import had left; they were delivered first. */
  readonly recovered: number;
  readonly #journal: Journal;
  readonly #outlet: BullBatchOutlet;
  readonly #worker: IngestWorker;

  private constructor(
    deps: ImportDeps,
    pipeline: PipelineDeps,
    journal: Journal,
    outlet: BullBatchOutlet,
    worker: IngestWorker,
  ) {
    this.deps = deps;
    this.pipeline = pipeline;
    this.spool = new Spool(join(deps.directory, 'spool'), deps.random);
    this.recovered = journal.recovered.uncommitted;
    this.#journal = journal;
    this.#outlet = outlet;
    this.#worker = worker;
  }

  /** Throws JOURNAL_LOCKED while another import runs. Delivers what an interrupted one left. */
  static async open(deps: ImportDeps): Promise<ImportSession> {
    const { db, redisUrl, clock, random, directory, prefix, warn } = deps;
    const journal = await Journal.open({
      directory,
      files: nodeFiles,
      clock,
      random,
      limits: QUICK,
      log: ({ level, message, fault }) => {
        if (level !== 'info') warn(fault, `import journal: ${message}`);
      },
    });
    const pipeline = openPipeline(db, clock);
    const onError = (error: unknown) => warn(error, 'import queue');
    const outlet = new BullBatchOutlet({ redisUrl, db, clock, prefix, onError });
    const worker = startIngestWorker({
      redisUrl,
      pipeline,
      prefix,
      onCommitted: (uid) => journal.notifyCommitted(uid),
      onError,
    });
    const session = new ImportSession(deps, pipeline, journal, outlet, worker);
    try {
      await session.#outletReady();
      await worker.ready();
      await session.spool.open();
      journal.forward({ decode, originOf, outlet });
      await session.settled();
      return session;
    } catch (error) {
      await session.close();
      throw error;
    }
  }

  /** Appends in order; waits while too much is on its way. `onSent` is told of each durable one. */
  async send(
    envelopes: AsyncIterable<Envelope>,
    onSent: (envelope: Envelope) => void,
  ): Promise<void> {
    const appending = new Set<Promise<void>>();
    for await (const envelope of envelopes) {
      while (this.#journal.stats().uncommittedMessages >= LIMITS.importUnsettledMessagesMax) {
        await this.#look();
      }
      const done = this.#journal.append(envelope).then(() => {
        appending.delete(done);
        onSent(envelope);
      });
      // Told by race or all below; a second refusal of the same kind must not end the process.
      done.catch(() => {});
      appending.add(done);
      if (appending.size >= LIMITS.importAppendsMax) await Promise.race(appending);
    }
    await Promise.all(appending);
  }

  /** Resolves when the database has committed all; `onLook` is told how many messages wait. */
  async settled(onLook: (waiting: number) => void = () => {}): Promise<void> {
    while (!this.#isSettled()) {
      await this.#look();
      onLook(this.#journal.stats().uncommittedMessages);
    }
  }

  async close(): Promise<void> {
    await this.#journal.close();
    await this.#outlet.close();
    await this.#worker.close();
    await this.#sweepQueue();
  }

  #isSettled(): boolean {
    const { uncommittedMessages, outstanding, missing } = this.#journal.stats();
    // What damage made unreadable can never be committed; the journal has reported it.
    return uncommittedMessages === 0 || (outstanding === 0 && uncommittedMessages <= missing);
  }

  async #look(): Promise<void> {
    if (this.#journal.stats().failed) {
      throw new Fault('JOURNAL_FAILED', { detail: 'the import journal; start the import again' });
    }
    await this.deps.clock.sleep(LOOK_MS);
  }

  /** An offer before the connection is there would be refused, and tried again later. */
  async #outletReady(): Promise<void> {
    const { clock } = this.deps;
    const deadlineMs = clock.monotonicMs() + LIMITS.queueOfferTimeoutMs;
    for (;;) {
      try {
        await this.#outlet.queued([]);
        return;
      } catch (error) {
        if (!isFault(error, 'QUEUE_DOWN') || clock.monotonicMs() >= deadlineMs) throw error;
        await clock.sleep(LOOK_MS);
      }
    }
  }

  /** Done jobs hold their batch; nobody looks at them once the import has ended. */
  async #sweepQueue(): Promise<void> {
    const { redisUrl, prefix, warn } = this.deps;
    const redis = new Redis(redisUrl, { maxRetriesPerRequest: 1 });
    redis.on('error', (error) => warn(error, 'import queue'));
    const queue = new Queue(QUEUES.readings, { connection: redis, prefix });
    try {
      await queue.clean(0, LIMITS.queueKeepDone, 'completed');
    } catch (error) {
      warn(error, 'import queue not swept');
    } finally {
      await queue.close();
      redis.disconnect();
    }
  }
}
