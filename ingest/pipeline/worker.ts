/**
 * The readings queue's worker. A job is a hint: what is lost in Redis the gateway's journal offers
 * again, what is run twice the batch's uid settles. So a job is never left in `failed`: outages
 * retry with back-off, and a batch that fails by itself is quarantined whole.
 */
import { type Job, Worker } from 'bullmq';
import { Redis } from 'ioredis';
import { LIMITS, QUEUES, type ReadingsJob } from '../../domain/index.ts';
import { FailureCounts, isPassing, quarantineWhole } from './poison.ts';
import { type BatchOutcome, type PipelineDeps, processBatch } from './process-batch.ts';

export interface IngestWorkerOptions {
  readonly redisUrl: string;
  readonly pipeline: PipelineDeps;
  /** BullMQ key prefix. */
  readonly prefix?: string;
  readonly concurrency?: number;
  /** After COMMIT: a hint to whoever waits, e.g. the gateway's journal in the same process. */
  readonly onCommitted?: (uid: string, outcome: BatchOutcome) => void;
  readonly onError?: (error: unknown, uid?: string) => void;
}

export interface IngestWorker {
  ready(): Promise<void>;
  /** Waits for the batches under way, then closes the connections. */
  close(): Promise<void>;
}

export const QUEUE_PREFIX = '{meterline}';

export function startIngestWorker(options: IngestWorkerOptions): IngestWorker {
  const { pipeline, onError = () => {} } = options;
  const redis = new Redis(options.redisUrl, { maxRetriesPerRequest: null });
  redis.on('error', (error) => onError(error));
  const failures = new FailureCounts();
  const stop = new AbortController();
  const refreshed = pipeline.directory.run(stop.signal, onError);

  const work = async (job: Job<ReadingsJob>): Promise<void> => {
    const { uid } = job.data;
    const outcome = await processOrSetAside(job.data, pipeline, failures, onError);
    failures.forget(uid);
    options.onCommitted?.(uid, outcome);
  };
  const worker = new Worker<ReadingsJob>(QUEUES.readings, work, {
    connection: redis,
    prefix: options.prefix ?? QUEUE_PREFIX,
    concurrency: options.concurrency ?? LIMITS.ingestConcurrency,
    lockDuration: LIMITS.queueLockMs,
    stalledInterval: LIMITS.queueStalledCheckMs,
    maxStalledCount: LIMITS.queueStalledMax,
    removeOnComplete: { count: 0 },
    removeOnFail: { count: LIMITS.queueKeepDone },
    settings: { backoffStrategy: backoffMs },
  });
  worker.on('error', (error) => onError(error));
  worker.on('failed', (job, error) => onError(error, job?.data.uid));
  return {
    async ready() {
      await worker.waitUntilReady();
    },
    async close() {
      stop.abort();
      await worker.close();
      await refreshed;
      redis.disconnect();
    },
  };
}

/** Doubles from the least to the most pause. */
export function backoffMs(attemptsMade: number): number {
  const doubled = LIMITS.queueBackoffMsMin * 2 ** Math.min(attemptsMade, 20);
  return Math.min(LIMITS.queueBackoffMsMax, doubled);
}

async function processOrSetAside(
  batch: ReadingsJob,
  pipeline: PipelineDeps,
  failures: FailureCounts,
  onError: (error: unknown, uid?: string) => void,
): Promise<BatchOutcome> {
  try {
    return await processBatch(batch, pipeline);
  } catch (error) {
    if (isPassing(error)) throw error;
    if (failures.add(batch.uid) < LIMITS.ingestPoisonAttempts) throw error;
    onError(error, batch.uid);
    return await quarantineWhole(batch, error, pipeline);
  }
}
