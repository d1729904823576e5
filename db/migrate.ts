/**
 * Migrations: plain SQL files NNNN_name.sql, run once, in order, under an advisory lock, with a
 * checksum kept, so that a file changed after it ran is noticed. First-line markers:
 *   -- no-transaction      statements that refuse to run in one
 *   -- edition: timescale  only where the community edition is there; looked at again every time
 */
import { readdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { Fault, sha256Hex } from '../domain/index.ts';
import type { Connection, Database, Queryable } from './pool.ts';

/** Any fixed number: all Meterline processes agree on it. */
const MIGRATION_LOCK = 7_211_904;

export interface Migration {
  readonly version: number;
  readonly name: string;
  readonly sql: string;
  readonly checksum: string;
  readonly transactional: boolean;
  readonly edition: 'any' | 'timescale';
}

export interface MigrationReport {
  readonly applied: readonly string[];
  readonly waitingForEdition: readonly string[];
  readonly edition: string;
}

export const MIGRATIONS_DIRECTORY = fileURLToPath(new URL('./migrations/', import.meta.url));

export async function readMigrations(directory: string): Promise<Migration[]> {
  const files = (await readdir(directory)).filter((f) => f.endsWith('.sql')).sort();
  const out: Migration[] = [];
  for (const file of files) {
    const version = Number(/^(\d{4})_/.exec(file)?.[1]);
    if (!Number.isInteger(version) || out.some((m) => m.version === version)) {
      throw new Error(`migration file ${file} needs its own number NNNN_`);
    }
    const sql = await readFile(`${directory}/${file}`, 'utf8');
    const marker = /^--\s*(no-transaction|edition:\s*timescale)/.exec(sql)?.[1];
    out.push({
      version,
      name: file,
      sql,
      checksum: sha256Hex(sql),
      transactional: marker !== 'no-transaction',
      edition: marker?.startsWith('edition') ? 'timescale' : 'any',
    });
  }
  return out;
}

/** 'timescale' (community), 'apache', or '' when the extension is not there. */
export async function timescaleEdition(db: Queryable): Promise<string> {
  const [row] = await db.query<{ edition: string | null }>(
    `SELECT current_setting('timescaledb.license', true) AS edition`,
  );
  return row?.edition ?? '';
}

export interface MigrateOptions {
  /** Width of new chunks of readings; existing ones stay as they are. Absent = as it is. */
  readonly chunkDays?: number;
}

/** Brings the database up to date. Safe to call from many processes at once. */
export function migrate(
  db: Database,
  migrations: readonly Migration[],
  options: MigrateOptions = {},
): Promise<MigrationReport> {
  return db.connection(async (connection) => {
    await connection.query(`SET lock_timeout = '10min'; SET statement_timeout = 0`);
    await connection.query('SELECT pg_advisory_lock($1)', [MIGRATION_LOCK]);
    try {
      const report = await applyAll(connection, migrations);
      if (options.chunkDays !== undefined) await setChunkDays(connection, options.chunkDays);
      return report;
    } finally {
      await connection.query('SELECT pg_advisory_unlock($1)', [MIGRATION_LOCK]);
      await connection.query('RESET lock_timeout; RESET statement_timeout');
    }
  });
}

/** Under the lock: two processes that set it at once would meet in the catalogue. */
async function setChunkDays(db: Connection, days: number): Promise<void> {
  await db.query(
    `SELECT set_chunk_time_interval('reading', make_interval(days => $1::int))
     FROM timescaledb_information.dimensions
     WHERE hypertable_name = 'reading' AND time_interval <> make_interval(days => $1::int)`,
    [days],
  );
}

async function applyAll(db: Connection, migrations: readonly Migration[]) {
  await db.query(`CREATE TABLE IF NOT EXISTS schema_migration (
    version int PRIMARY KEY, name text NOT NULL, checksum text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT clock_timestamp())`);
  const done = await db.query<{ version: number; name: string; checksum: string }>(
    'SELECT version, name, checksum FROM schema_migration',
  );
  const applied: string[] = [];
  const waitingForEdition: string[] = [];
  for (const migration of migrations) {
    const before = done.find((row) => row.version === migration.version);
    if (before !== undefined) {
      if (before.checksum === migration.checksum) continue;
      throw new Fault('MIGRATION_CHANGED', { name: migration.name });
    }
    if (migration.edition === 'timescale' && (await timescaleEdition(db)) !== 'timescale') {
      waitingForEdition.push(migration.name);
      continue;
    }
    await applyOne(db, migration);
    applied.push(migration.name);
  }
  return { applied, waitingForEdition, edition: await timescaleEdition(db) };
}

async function applyOne(db: Connection, migration: Migration): Promise<void> {
  const record = 'INSERT INTO schema_migration (version, name, checksum) VALUES ($1, $2, $3)';
  const values = [migration.version, migration.name, migration.checksum];
  if (!migration.transactional) {
    await db.query(migration.sql);
    await db.query(record, values);
    return;
  }
  await db.query('BEGIN');
  try {
    await db.query(migration.sql);
    await db.query(record, values);
    await db.query('COMMIT');
  } catch (error) {
    await db.query('ROLLBACK');
    throw error;
  }
}
