/** Queue contracts: how the rooms hand work to each other. A job is a hint; the truth is durable. */
import type { SealedBatch } from './reading.ts';

export const QUEUES = {
  /** gateway -> ingest: one sealed batch a job; jobId = batch uid + attempt. */
  readings: 'readings',
  /** ingest -> ingest: close one shard of channel-days. */
  dayClose: 'day-close',
  /** billing -> billing: bill one shard of accounts. */
  billShard: 'bill-shard',
  /** billing -> gateway: a command may be sent. Carries an id only; the row decides. */
  commands: 'commands',
} as const;

export type ReadingsJob = SealedBatch;

export interface DayCloseJob {
  /** Close all due days of channels [from, to). */
  readonly channelFrom: number;
  readonly channelTo: number;
}

export interface BillShardJob {
  readonly runId: string;
  readonly shard: number;
}

export interface CommandJob {
  readonly commandId: string;
}
