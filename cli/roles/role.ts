/** What every role is made of, and what it gives to the process that runs it. */
import type { FastifyInstance } from 'fastify';
import type { Redis } from 'ioredis';
import type { Logger } from 'pino';
import type { LegalWindow } from '../../db/legal-window.ts';
import type { Database } from '../../db/pool.ts';
import type { Clock, RandomBytes } from '../../domain/index.ts';
import type { ApproverKeys } from '../../gateway/commands/approvals.ts';
import type { HealthCheck } from '../api/health.ts';
import type { Metrics } from '../api/metrics.ts';
import type { Config } from '../config.ts';

export interface RoleDeps {
  readonly config: Config;
  readonly clock: Clock;
  /** True only for the demo and for tests: then no database clock is asked. */
  readonly clockIsSimulated: boolean;
  readonly random: RandomBytes;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly db: Database;
  readonly redis: Redis;
  readonly redisUrl: string;
  /** BullMQ key prefix. */
  readonly prefix: string;
  /** Name of this process: the same after a restart, different from all others. */
  readonly instance: string;
  readonly approverKeys: ApproverKeys;
  readonly legalWindow: LegalWindow;
  /** Ends the process: the journal cannot be trusted any more. */
  readonly onFatal: (error: Error) => void;
}

export interface Role {
  readonly checks: readonly HealthCheck[];
  readonly plugins: readonly ((app: FastifyInstance) => Promise<void>)[];
  stop(): Promise<void>;
}

/** BullMQ's default prefix of this project; braces keep all keys in one slot of a cluster. */
export const QUEUE_PREFIX = '{meterline}';
