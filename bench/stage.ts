/** An empty, migrated database and a queue prefix of its own for one bench, on one local stack. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { pino } from 'pino';
import { systemClock } from '../cli/clock.ts';
import { readConfig } from '../cli/config.ts';
import type { Context, Engines } from '../cli/context.ts';
import { createProgress } from '../cli/output/progress.ts';
import { type Line, type LineOptions, startLine } from '../cli/roles/line.ts';
import { stackDown, stackStatus, stackUp } from '../cli/stack/stack.ts';
import { MIGRATIONS_DIRECTORY, migrate, readMigrations } from '../db/migrate.ts';
import { type Database, openDatabase } from '../db/pool.ts';
import { cryptoRandom } from '../domain/index.ts';

export const PROJECT = resolve(import.meta.dirname, '..');

export interface Stage {
  readonly db: Database;
  readonly engines: Engines;
  readonly prefix: string;
  /** The whole line in this process, as `meterline start` runs it, on free ports. */
  startLine(more?: Partial<LineOptions>): Promise<Line>;
  close(): Promise<void>;
}

/** Brings the engines up; the answer takes them down again if they were down before. */
export async function benchEngines(): Promise<{ engines: Engines; down: () => Promise<void> }> {
  const { databaseUrl, redisUrl } = readConfig(process.env, PROJECT);
  const options = { name: 'bench', projectDirectory: PROJECT, databaseUrl, redisUrl };
  const before = await stackStatus(options);
  const engines = await stackUp(options);
  return {
    engines,
    async down() {
      if (!before.up) await stackDown(options);
    },
  };
}

/** Closed pools say goodbye to the server a moment later. */
const GOODBYE_MS = 300;

let stages = 0;

export async function openStage(label: string): Promise<Stage> {
  const { engines } = await benchEngines();
  stages += 1;
  const name = `bench_${label.replace(/[^a-z0-9]/g, '_')}_${process.pid}_${stages}`;
  const prefix = `{${name}}`;
  const admin = openDatabase({ url: engines.databaseUrl, applicationName: 'bench-admin' });
  await admin.query(`CREATE DATABASE ${name}`);
  const url = new URL(engines.databaseUrl);
  url.pathname = `/${name}`;
  const db = openDatabase({ url: url.href, applicationName: `bench-${label}` });
  await migrate(db, await readMigrations(MIGRATIONS_DIRECTORY));
  const own: Engines = { databaseUrl: url.href, redisUrl: engines.redisUrl };
  const folder = join(PROJECT, '.meterline', 'bench');
  mkdirSync(folder, { recursive: true });
  const journal = mkdtempSync(join(folder, `${name}-`));
  const lines: Line[] = [];
  return {
    db,
    engines: own,
    prefix,
    async startLine(more = {}) {
      const line = await startLine(contextOf(own, journal), {
        engines: own,
        roles: ['gateway', 'ingest', 'billing', 'api'],
        prefix,
        ...more,
      });
      lines.push(line);
      return line;
    },
    async close() {
      for (const line of lines) await line.stop();
      await db.close();
      await sleep(GOODBYE_MS);
      await admin.query(`DROP DATABASE ${name} WITH (FORCE)`);
      await admin.close();
      await forgetKeys(engines.redisUrl, prefix);
      rmSync(journal, { recursive: true, force: true });
    },
  };
}

function contextOf(engines: Engines, journal: string): Context {
  const config = readConfig(
    {
      DATABASE_URL: engines.databaseUrl,
      REDIS_URL: engines.redisUrl,
      METERLINE_HTTP_PORT: '0',
      METERLINE_MQTT_PORT: '0',
      METERLINE_JOURNAL_DIR: journal,
      METERLINE_LOG: 'warn',
    },
    PROJECT,
  );
  return {
    config,
    clock: systemClock,
    random: cryptoRandom,
    log: pino({ level: config.logLevel }, pino.destination(2)),
    progress: createProgress(process.stderr, () => performance.now(), true),
    out: () => {},
  };
}

async function forgetKeys(redisUrl: string, prefix: string): Promise<void> {
  const redis = new Redis(redisUrl);
  try {
    for await (const keys of redis.scanStream({ match: `${prefix}*`, count: 1_000 })) {
      if (keys.length > 0) await redis.unlink(...(keys as string[]));
    }
  } finally {
    redis.disconnect();
  }
}
