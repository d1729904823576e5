/** What every command works with: configuration, engines (given or local), clock, output. */
import { Redis } from 'ioredis';
import { type Logger, pino } from 'pino';
import { checkDurability } from '../db/durability.ts';
import { MIGRATIONS_DIRECTORY, migrate, readMigrations } from '../db/migrate.ts';
import { type Database, openDatabase } from '../db/pool.ts';
import { type Clock, cryptoRandom, type RandomBytes } from '../domain/index.ts';
import { checkRedis } from './api/durability.ts';
import { systemClock } from './clock.ts';
import { type Config, readConfig } from './config.ts';
import { createProgress, type Progress } from './output/progress.ts';
import { stackUp } from './stack/stack.ts';

export interface Engines {
  readonly databaseUrl: string;
  readonly redisUrl: string;
}

export interface Context {
  readonly config: Config;
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly log: Logger;
  readonly progress: Progress;
  readonly out: (text: string) => void;
}

export function createContext(projectDirectory: string, quiet = false): Context {
  const config = readConfig(process.env, projectDirectory);
  return {
    config,
    clock: systemClock,
    random: cryptoRandom,
    // Logs go to standard error: standard output belongs to the command's answer.
    log: pino(
      { level: config.logLevel, redact: ['*.secret', '*.password', '*.token', '*.authorization'] },
      pino.destination(2),
    ),
    progress: createProgress(process.stderr, () => performance.now(), quiet),
    out: (text) => void process.stdout.write(`${text}\n`),
  };
}

/** URLs from the environment, else the local stack, brought up if need be. */
export async function engines(context: Context, name = 'default'): Promise<Engines> {
  const { config, progress } = context;
  const urls = await stackUp({
    name,
    projectDirectory: config.projectDirectory,
    databaseUrl: config.databaseUrl,
    redisUrl: config.redisUrl,
    onProgress: (p) => progress.step('local stack', p.step - 1, p.of, p.text),
  });
  progress.clear();
  return urls;
}

export interface OpenOptions {
  readonly name?: string;
  readonly connectionsMax?: number;
  /** Migrate first; otherwise the schema must be there. */
  readonly migrate?: boolean;
}

/** Opens the database, checks what an acknowledgement rests on, and brings the schema up. */
export async function openStore(
  context: Context,
  target: Engines,
  options: OpenOptions = {},
): Promise<Database> {
  const db = openDatabase({
    url: target.databaseUrl,
    applicationName: `meterline-${options.name ?? 'cli'}`,
    ...(options.connectionsMax !== undefined && { connectionsMax: options.connectionsMax }),
    onIdleError: (error) => context.log.warn({ err: error }, 'idle database connection lost'),
  });
  try {
    if (!context.config.unsafeDurability) await checkDurability(db);
    if (options.migrate !== false) await migrateStore(context, db);
    return db;
  } catch (error) {
    await db.close();
    throw error;
  }
}

export async function migrateStore(context: Context, db: Database) {
  const { chunkDays } = context.config;
  return migrate(db, await readMigrations(MIGRATIONS_DIRECTORY), { chunkDays });
}

/** A Redis connection for queues; settings without which jobs could vanish are checked. */
export async function openRedis(context: Context, target: Engines): Promise<Redis> {
  const redis = new Redis(target.redisUrl, { maxRetriesPerRequest: null, lazyConnect: true });
  redis.on('error', (error) => context.log.warn({ err: error }, 'redis connection'));
  try {
    await redis.connect();
    if (!context.config.unsafeDurability) await checkRedis(redis);
    return redis;
  } catch (error) {
    redis.disconnect();
    throw error;
  }
}

/** Opens the store for one command and closes it again. */
export async function withStore(
  context: () => Context,
  work: (ctx: Context, db: Database) => Promise<void>,
): Promise<void> {
  const ctx = context();
  const db = await openStore(ctx, await engines(ctx));
  try {
    await work(ctx, db);
  } finally {
    await db.close();
  }
}
