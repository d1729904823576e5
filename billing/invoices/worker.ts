/** Shards of bill runs through BullMQ. Jobs are hints: the sweep finds what the queue forgot. */
import { Queue, Worker } from 'bullmq';
import type { Redis } from 'ioredis';
import { openShards } from '../../db/bill-runs.ts';
import { type BillShardJob, describeError, LIMITS, QUEUES } from '../../domain/index.ts';
import { type RunDeps, runShard } from './run.ts';

export interface BillWorkerOptions extends RunDeps {
  readonly redis: Redis;
  readonly prefix: string;
  readonly concurrency?: number;
  readonly log: { warn(detail: object, text: string): void };
}

export interface BillWorker {
  /** Offers the open shards of a run, or of all runs, to the queue. */
  offer(runId?: string): Promise<number>;
  stop(): Promise<void>;
}

const SWEEP_MS = 5_000;

export function startBillWorker(options: BillWorkerOptions): BillWorker {
  const connection = options.redis;
  const queue = new Queue<BillShardJob>(QUEUES.billShard, { connection, prefix: options.prefix });
  const worker = new Worker<BillShardJob>(
    QUEUES.billShard,
    async (job) => runShard(options, job.data.runId, job.data.shard),
    {
      connection,
      prefix: options.prefix,
      concurrency: options.concurrency ?? 2,
      lockDuration: LIMITS.queueLockMs,
      stalledInterval: LIMITS.queueStalledCheckMs,
      maxStalledCount: LIMITS.queueStalledMax,
    },
  );
  worker.on('error', (error) => options.log.warn({ err: error }, 'bill worker'));
  worker.on('failed', (job, error) =>
    options.log.warn({ shard: job?.data, detail: describeError(error) }, 'bill shard failed'),
  );
  const offer = async (runId?: string) => {
    const shards = await openShards(options.db, runId);
    await queue.addBulk(
      shards.map(({ run_id, shard }) => ({
        name: 'shard',
        data: { runId: run_id, shard },
        opts: {
          jobId: `${run_id}-${shard}`,
          removeOnComplete: true,
          removeOnFail: true, // the sweep offers it again
        },
      })),
    );
    return shards.length;
  };
  const stopped = new AbortController();
  const sweeping = sweep(options, offer, stopped.signal);
  return {
    offer,
    async stop() {
      stopped.abort();
      await sweeping;
      await worker.close();
      await queue.close();
    },
  };
}

async function sweep(
  options: BillWorkerOptions,
  offer: () => Promise<number>,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    try {
      await options.clock.sleep(SWEEP_MS, signal);
      await offer();
    } catch (error) {
      if (!signal.aborted) options.log.warn({ err: error }, 'bill sweep');
    }
  }
}
