/** A database with the import's own line on it, for tests of whole files. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inject } from 'vitest';
import { systemClock } from '../../cli/clock.ts';
import { type FileOutcome, type ImportedFile, importFile } from '../../cli/import/import-file.ts';
import { type ImportFlags, importOptions } from '../../cli/import/options.ts';
import { ImportSession } from '../../cli/import/session.ts';
import type { Database, Queryable } from '../../db/pool.ts';
import { cryptoRandom } from '../../domain/index.ts';
import { freshDatabase } from './database.ts';

export interface ImportWorld {
  readonly db: Database;
  readonly url: string;
  readonly directory: string;
  readonly prefix: string;
  readonly session: ImportSession;
  /** Any outcome. `mapping` is YAML. */
  take(path: string, flags?: ImportFlags, mapping?: string): Promise<FileOutcome>;
  /** Throws when the file is refused. */
  import(path: string, flags?: ImportFlags, mapping?: string): Promise<ImportedFile>;
  remove(): Promise<void>;
}

export async function importWorld(label: string): Promise<ImportWorld> {
  const { db, url, drop } = await freshDatabase(`import_${label}`);
  const directory = await mkdtemp(join(tmpdir(), 'meterline-import-'));
  const prefix = `{import-${process.pid}-${label}-${Date.now().toString(36)}}`;
  const session = await openSession(db, directory, prefix);
  const take: ImportWorld['take'] = (path, flags = {}, text) => {
    const mapping = text === undefined ? undefined : { file: 'mapping.yaml', text };
    return importFile(session, path, importOptions(flags, mapping));
  };
  return {
    db,
    url,
    directory,
    prefix,
    session,
    take,
    async import(path, flags, mapping) {
      const outcome = await take(path, flags, mapping);
      if (outcome.state === 'refused') throw new Error(JSON.stringify(outcome.problems));
      return outcome;
    },
    async remove() {
      await session.close();
      await drop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

export function openSession(
  db: Database,
  directory: string,
  prefix: string,
): Promise<ImportSession> {
  return ImportSession.open({
    db,
    redisUrl: inject('redisUrl'),
    clock: systemClock,
    random: cryptoRandom,
    directory,
    prefix,
    warn: () => {},
  });
}

export interface StoredReading {
  readonly startMs: number;
  /** Whole count of 10^exponent of the channel's unit. */
  readonly value: bigint;
  readonly quality: number;
}

export interface StoredChannel {
  readonly unit: string;
  readonly exponent: number;
  readonly intervalS: number;
  readonly readings: readonly StoredReading[];
}

/** A channel and all its current readings, as the database has them. */
export async function storedChannel(
  db: Queryable,
  serial: string,
  code: string,
): Promise<StoredChannel | undefined> {
  const [channel] = await db.query<{
    id: number;
    unit: string;
    exponent: number;
    interval_s: number;
  }>(
    `SELECT c.id, c.unit, c.exponent, c.interval_s FROM channel c JOIN meter m ON m.id = c.meter_id
     WHERE m.serial = $1 AND c.code = $2`,
    [serial, code],
  );
  if (channel === undefined) return undefined;
  const rows = await db.query<{ start_at: number; value: bigint; quality: number }>(
    'SELECT start_at, value, quality FROM reading WHERE channel_id = $1 ORDER BY start_at',
    [channel.id],
  );
  const readings = rows.map(({ start_at: startMs, value, quality }) => ({
    startMs,
    value,
    quality,
  }));
  const { unit, exponent, interval_s: intervalS } = channel;
  return { unit, exponent, intervalS, readings };
}

/** Batches of a file against the rows that stand in the tables for them. */
export async function accountsOf(db: Queryable, origin: string) {
  const [row] = await db.query<Record<string, number>>(
    `SELECT count(*)::int AS batches,
       count(*) FILTER (WHERE offered <> stored + duplicate + rejected + quarantined)::int AS broken,
       coalesce(sum(stored), 0)::int AS stored,
       (SELECT count(*)::int FROM reading r JOIN batch o ON o.id = r.batch_id
        WHERE o.origin = $1) AS readings,
       (SELECT count(*)::int FROM reading_history r JOIN batch o ON o.id = r.batch_id
        WHERE o.origin = $1) AS history
     FROM batch WHERE origin = $1`,
    [origin],
  );
  return row ?? {};
}
