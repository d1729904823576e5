/**
 * The outlet of the journal in the centre: BullMQ takes the batches, the database says which are
 * committed. An offer is a hint, so it fails fast: a queue that does not answer is QUEUE_DOWN, and
 * the journal offers the batch again.
 */
import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { committedUids } from '../../db/batches.ts';
import type { Queryable } from '../../db/pool.ts';
import {
  type Clock,
  describeError,
  Fault,
  LIMITS,
  QUEUES,
  type ReadingsJob,
  type SealedBatch,
} from '../../domain/index.ts';
import type { BatchOutlet, Offer } from '../journal/ports.ts';

export interface BullOutletOptions {
  readonly redisUrl: string;
  readonly db: Queryable;
  readonly clock: Clock;
  /** BullMQ key prefix; the same as the worker's. */
  readonly prefix?: string;
  readonly onError?: (error: Error) => void;
}

/** States of a job that will still run or is running. */
const UNDER_WAY: readonly string[] = ['waiting', 'active', 'delayed', 'prioritized'];

export class BullBatchOutlet implements BatchOutlet {
  readonly #redis: Redis;
  readonly #queue: Queue<ReadingsJob>;
  readonly #db: Queryable;
  readonly #clock: Clock;

  constructor(options: BullOutletOptions) {
    this.#db = options.db;
    this.#clock = options.clock;
    this.#redis = new Redis(options.redisUrl, {
      enableOfflineQueue: false,
      maxRetriesPerRequest: 1,
    });
    const onError = options.onError ?? (() => {});
    this.#redis.on('error', onError);
    this.#queue = new Queue<ReadingsJob>(QUEUES.readings, {
      connection: this.#redis,
      prefix: options.prefix ?? '{meterline}',
    });
    this.#queue.on('error', onError);
  }

  async offer(batch: SealedBatch, attempt: number): Promise<void> {
    await this.#fast(
      this.#ask(() =>
        this.#queue.add('batch', batch, {
          jobId: jobIdOf({ uid: batch.uid, attempt }),
          attempts: LIMITS.queueAttemptsMax,
          backoff: { type: 'doubling' },
          // Payloads are large, and the batch's uid settles repeats: nothing done is kept.
          removeOnComplete: true,
          removeOnFail: { count: LIMITS.queueKeepDone },
        }),
      ),
    );
  }

  committed(uids: readonly string[]): Promise<ReadonlySet<string>> {
    return committedUids(this.#db, uids);
  }

  async queued(offers: readonly Offer[]): Promise<ReadonlySet<string>> {
    const states = await this.#fast(
      this.#ask(() => Promise.all(offers.map((offer) => this.#queue.getJobState(jobIdOf(offer))))),
    );
    const under = offers.filter((_, i) => UNDER_WAY.includes(states[i] as string));
    return new Set(under.map((offer) => offer.uid));
  }

  async close(): Promise<void> {
    await this.#queue.close();
    this.#redis.disconnect();
  }

  async #ask<T>(question: () => Promise<T>): Promise<T> {
    if (this.#redis.status !== 'ready') {
      throw new Fault('QUEUE_DOWN', { detail: `connection is ${this.#redis.status}` });
    }
    try {
      return await question();
    } catch (error) {
      throw new Fault('QUEUE_DOWN', { detail: describeError(error) }, error);
    }
  }

  /** Gives up on a Redis that holds the connection but does not answer. */
  async #fast<T>(answer: Promise<T>): Promise<T> {
    const stop = new AbortController();
    const late = this.#clock.sleep(LIMITS.queueOfferTimeoutMs, stop.signal).then(
      () => {
        throw new Fault('QUEUE_DOWN', { detail: `no answer in ${LIMITS.queueOfferTimeoutMs} ms` });
      },
      () => answer,
    );
    try {
      return await Promise.race([answer, late]);
    } finally {
      stop.abort();
    }
  }
}

/** BullMQ allows no colon in an id; an attempt has its own, or it would be taken for the last. */
function jobIdOf({ uid, attempt }: Offer): string {
  return `${uid}-${attempt}`;
}
