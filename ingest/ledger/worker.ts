/**
 * Keeps the ledger: lays out days as they come and closes them after their deadline. What is due is
 * found in the database each time; the queue only spreads the shards over workers.
 */
import { Queue, Worker } from 'bullmq';
import type { Redis } from 'ioredis';
import { channelIdEnd, dueShards, openLedgerDays } from '../../db/ledger.ts';
import {
  DAY_MS,
  type DayCloseJob,
  describeError,
  formatInstant,
  HOUR_MS,
  LIMITS,
  QUEUES,
} from '../../domain/index.ts';
import { type CloseDeps, closeShard } from './close-shard.ts';

export interface LedgerWorkerOptions extends CloseDeps {
  readonly redis: Redis;
  readonly prefix: string;
  readonly log: { warn(detail: object, text: string): void };
}

export interface LedgerWorker {
  /** Lays out what is missing and offers what is due; returns shards offered. */
  tick(): Promise<number>;
  stop(): Promise<void>;
}

const TICK_MS = 10_000;
const CHANNELS_PER_OPEN = 20_000;
/** Zones reach UTC+14: somewhere tomorrow has begun. */
const EARLIEST_ZONE_MS = 14 * HOUR_MS;

/** Days of all channels up to today, wherever today has begun. */
export async function layOutDays(deps: CloseDeps): Promise<number> {
  const { db, clock } = deps.pipeline;
  const upTo = formatInstant(clock.nowMs() + EARLIEST_ZONE_MS + DAY_MS).slice(0, 10);
  const end = await channelIdEnd(db);
  let added = 0;
  for (let from = 0; from < end; from += CHANNELS_PER_OPEN) {
    added += await openLedgerDays(db, upTo, from, from + CHANNELS_PER_OPEN);
  }
  return added;
}

/** Closes everything that is due, here and now; for commands and tests. */
export async function closeAllDue(deps: CloseDeps) {
  const { db, clock } = deps.pipeline;
  const size = LIMITS.dayCloseChannelsPerShard;
  const total = { complete: 0, examined: 0, estimated: 0, missing: 0, exceptions: 0 };
  const shards = await dueShards(db, clock.nowMs(), LIMITS.collectionDeadlineMs, size);
  for (const { channelFrom } of shards) {
    const counts = await closeShard(deps, channelFrom, channelFrom + size);
    for (const key of Object.keys(total) as (keyof typeof total)[]) total[key] += counts[key];
  }
  return total;
}

export function startLedgerWorker(options: LedgerWorkerOptions): LedgerWorker {
  const connection = options.redis;
  const { prefix } = options;
  const queue = new Queue<DayCloseJob>(QUEUES.dayClose, { connection, prefix });
  const worker = new Worker<DayCloseJob>(
    QUEUES.dayClose,
    (job) => closeShard(options, job.data.channelFrom, job.data.channelTo),
    { connection, prefix, concurrency: 1, maxStalledCount: LIMITS.queueStalledMax },
  );
  worker.on('error', (error) => options.log.warn({ err: error }, 'ledger worker'));
  worker.on('failed', (job, error) =>
    options.log.warn({ shard: job?.data, detail: describeError(error) }, 'day close failed'),
  );
  const tick = async () => {
    await layOutDays(options);
    const { db, clock } = options.pipeline;
    const size = LIMITS.dayCloseChannelsPerShard;
    const shards = await dueShards(db, clock.nowMs(), LIMITS.collectionDeadlineMs, size);
    await queue.addBulk(
      shards.map(({ channelFrom }) => ({
        name: 'close',
        data: { channelFrom, channelTo: channelFrom + size },
        // One job a shard at a time; done or failed it vanishes, and the next tick looks again.
        opts: { jobId: `shard-${channelFrom}`, removeOnComplete: true, removeOnFail: true },
      })),
    );
    return shards.length;
  };
  const stopped = new AbortController();
  const ticking = loop(options, tick, stopped.signal);
  return {
    tick,
    async stop() {
      stopped.abort();
      await ticking;
      await worker.close();
      await queue.close();
    },
  };
}

async function loop(
  options: LedgerWorkerOptions,
  tick: () => Promise<number>,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    try {
      await tick();
    } catch (error) {
      options.log.warn({ err: error }, 'ledger tick');
    }
    await options.pipeline.clock.sleep(TICK_MS, signal).catch(() => {});
  }
}
