/**
 * Goal: late, repeated, corrected and contradicting data reaches compressed chunks exactly as it
 * reaches plain ones. The whole pipeline runs, on the community edition.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MIGRATIONS_DIRECTORY, migrate, readMigrations } from '../../db/migrate.ts';
import type { Database } from '../../db/pool.ts';
import { readIntervals, readingVersions } from '../../db/readings.ts';
import { type PipelineDeps, processBatch } from '../../ingest/pipeline/process-batch.ts';
import { communityDatabase } from '../support/community.ts';
import {
  addChannel,
  block,
  clockAt,
  ledgerOf,
  pipelineAt,
  QUARTER_MS,
  read,
  seal,
} from '../support/ingest.ts';

const T0 = Date.parse('2026-03-02T00:00:00Z');
const DAY = 86_400_000;
const NOW = T0 + 40 * DAY;

describe('compressed chunks', () => {
  let db: Database;
  let deps: PipelineDeps;
  let id = 0;
  beforeAll(async () => {
    db = await communityDatabase();
    const report = await migrate(db, await readMigrations(MIGRATIONS_DIRECTORY));
    expect(report.edition).toBe('timescale');
    id = await addChannel(db, 'C1');
    await addChannel(db, 'C2');
    await addChannel(db, 'G', { kind: 'register' });
    deps = await pipelineAt(db, NOW);
    const values = Array.from({ length: 96 }, (_, i) => i);
    const gap = values.map((v) => (v >= 40 && v < 44 ? null : v));
    const blocks = [block('C1', T0, gap), block('C2', T0, values), read('G', T0, 500)];
    await processBatch(seal(blocks, { receivedMs: NOW }), deps);
    await compress();
  });
  afterAll(() => db.close());

  async function compress(): Promise<void> {
    for (const table of ['reading', 'reading_history', 'register_read']) {
      await db.query(`SELECT compress_chunk(c, true) FROM show_chunks('${table}') c`);
    }
  }

  async function everyKeyIsOnce(): Promise<void> {
    const [row] = await db.query<{ rows: number; keys: number }>(
      `SELECT count(*)::int AS rows, count(DISTINCT (channel_id, start_at))::int AS keys FROM reading`,
    );
    expect(row?.rows).toBe(row?.keys);
    const { counts, tables } = await ledgerOf(db);
    expect(tables['versions']).toBe(counts['stored']);
  }

  const send = async (blocks: Parameters<typeof seal>[0], origin = 'http:k', by = deps) =>
    (await processBatch(seal(blocks, { receivedMs: NOW, origin }), by)).counts;

  it('are compressed to begin with', async () => {
    const [row] = await db.query<{ n: number }>(
      `SELECT count(*)::int AS n FROM timescaledb_information.chunks
       WHERE hypertable_name = 'reading' AND is_compressed`,
    );
    expect(row?.n).toBeGreaterThan(0);
  });

  it('take late rows, drop repeats, quarantine contradictions', async () => {
    const late = block('C1', T0 + 38 * QUARTER_MS, [38, 39, 40, 41, 42, 43, 44]);
    expect(await send([late])).toMatchObject({ stored: 4, duplicate: 3 });
    expect(await send([late])).toMatchObject({ stored: 0, duplicate: 7 });
    const other = block('C1', T0, [0, 100, 2]);
    expect(await send([other], 'http:other')).toMatchObject({ duplicate: 2, quarantined: 1 });
    await everyKeyIsOnce();
  });

  it('take corrections twice over, with the old versions in compressed history', async () => {
    await compress();
    expect(await send([block('C1', T0, [1000, 1001])])).toMatchObject({ stored: 2 });
    await compress();
    expect(await send([block('C1', T0, [2000, 1001])])).toMatchObject({ stored: 1, duplicate: 1 });
    const versions = await readingVersions(db, id, T0);
    expect(versions.map((v) => v.value)).toEqual([0n, 1000n, 2000n]);
    const day = await readIntervals(db, id, T0, T0 + DAY);
    expect(day.slice(0, 3).map((r) => r.value)).toEqual([2000n, 1001n, 2n]);
    expect(day).toHaveLength(96);
    await everyKeyIsOnce();
  });

  it('are safe on the fast path too, should they be compressed early', async () => {
    await compress();
    const early = await pipelineAt(db, T0 + DAY);
    const again = block('C2', T0 + 90 * QUARTER_MS, [90, 91, 92, 93, 94, 95, 96, 97]);
    expect(early.hint.choose(seal([again]), clockAt(T0 + DAY).nowMs())).toBe('fast');
    expect(await send([again], 'http:k', early)).toMatchObject({ stored: 2, duplicate: 6 });
    await everyKeyIsOnce();
  });

  it('take register reads between and after', async () => {
    const reads = [read('G', T0, 500), read('G', T0 + DAY, 650), read('G', T0 + DAY / 2, 400)];
    expect(await send(reads)).toMatchObject({ stored: 1, duplicate: 1, quarantined: 1 });
    await everyKeyIsOnce();
  });
});
