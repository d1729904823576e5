/** Goal: the schema comes up once, in order, under a lock, and a changed file is noticed. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  MIGRATIONS_DIRECTORY,
  migrate,
  readMigrations,
  timescaleEdition,
} from '../../db/migrate.ts';
import { freshDatabase, type TestDatabase } from '../support/database.ts';

describe('migrations', () => {
  let t: TestDatabase;
  beforeAll(async () => {
    t = await freshDatabase('migrate');
  });
  afterAll(() => t.drop());

  it('does nothing the second time, from many processes at once', async () => {
    const migrations = await readMigrations(MIGRATIONS_DIRECTORY);
    const reports = await Promise.all([1, 2, 3].map(() => migrate(t.db, migrations)));
    for (const report of reports) expect(report.applied).toEqual([]);
  });

  it('takes the width of new chunks from many processes at once', async () => {
    const migrations = await readMigrations(MIGRATIONS_DIRECTORY);
    const width = () =>
      t.db.query<{ days: number }>(
        `SELECT extract(day FROM time_interval)::int AS days
         FROM timescaledb_information.dimensions WHERE hypertable_name = 'reading'`,
      );
    for (const chunkDays of [1, 7]) {
      await Promise.all([1, 2, 3, 4, 5].map(() => migrate(t.db, migrations, { chunkDays })));
      expect(await width()).toEqual([{ days: chunkDays }]);
    }
  });

  it('refuses a file that was changed after it ran', async () => {
    const [first, ...rest] = await readMigrations(MIGRATIONS_DIRECTORY);
    const changed = [{ ...first!, checksum: 'f'.repeat(64) }, ...rest];
    await expect(migrate(t.db, changed)).rejects.toMatchObject({ code: 'MIGRATION_CHANGED' });
  });

  it('keeps the columnstore for the community edition', async () => {
    const report = await migrate(t.db, await readMigrations(MIGRATIONS_DIRECTORY));
    expect(report.edition).toBe(await timescaleEdition(t.db));
    const waits = report.waitingForEdition.includes('0100_columnstore.sql');
    expect(waits).toBe(report.edition !== 'timescale');
  });

  it('chains the audit and notices a changed row', async () => {
    for (const n of [1, 2, 3]) {
      await t.db.query('SELECT audit_append($1, $2, $3, $4, $5, $6)', [
        'test',
        'tester',
        'did',
        'thing',
        String(n),
        `{"n":${n}}`,
      ]);
    }
    await expect(t.db.query(`UPDATE audit SET actor = 'x'`)).rejects.toThrow('append-only');
    const rows = await t.db.query<{ ok: boolean }>(
      `SELECT hash = audit_hash(coalesce(lag(hash) OVER (ORDER BY seq), '\\x'), chain, seq, at,
         actor, action, subject_kind, subject_id, detail) AS ok FROM audit WHERE chain = 'test'`,
    );
    expect(rows.map((r) => r.ok)).toEqual([true, true, true]);
  });
});
