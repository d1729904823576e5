/** Goal: a batch counts once, whatever is repeated, and every offered record is accounted for. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { rawOf } from '../../db/batches.ts';
import { readIntervals, readingVersions } from '../../db/readings.ts';
import { FLAG, isConserved, QUALITY } from '../../domain/index.ts';
import { type PipelineDeps, processBatch } from '../../ingest/pipeline/process-batch.ts';
import { freshDatabase, type TestDatabase } from '../support/database.ts';
import {
  addChannel,
  block,
  ledgerOf,
  pipelineAt,
  QUARTER_MS,
  read,
  seal,
} from '../support/ingest.ts';

const T0 = Date.parse('2026-03-02T00:00:00Z');
const NOW = Date.parse('2026-03-04T00:00:00Z');
const DAY = 86_400_000;
const day = (n = 96, from = 0) => Array.from({ length: n }, (_, i) => from + i);

describe('processBatch', () => {
  let t: TestDatabase;
  let deps: PipelineDeps;
  beforeAll(async () => {
    t = await freshDatabase('ingest_batch');
    deps = await pipelineAt(t.db, NOW);
  });
  afterAll(() => t.drop());

  /** Every test has its own meter. */
  let serials = 0;
  async function meter(spec = {}): Promise<{ serial: string; id: number }> {
    serials += 1;
    const serial = `M-${serials}`;
    return { serial, id: await addChannel(t.db, serial, spec) };
  }
  const values = async (id: number, from = T0, to = T0 + 40 * DAY) =>
    (await readIntervals(t.db, id, from, to)).map((r) => Number(r.value));

  it('stores a batch once, run twice and by five at the same time', async () => {
    const { serial, id } = await meter();
    const batch = seal([block(serial, T0, day())]);
    const outcomes = await Promise.all([1, 2, 3, 4, 5].map(() => processBatch(batch, deps)));
    outcomes.push(await processBatch(batch, deps));
    expect(outcomes.filter((o) => !o.repeated)).toHaveLength(1);
    expect(new Set(outcomes.map((o) => o.batchId)).size).toBe(1);
    for (const { counts } of outcomes) {
      expect(counts).toEqual({
        offered: 96,
        stored: 96,
        duplicate: 0,
        rejected: 0,
        quarantined: 0,
      });
    }
    expect(await values(id)).toEqual(day());
  });

  it('keeps the bytes and leads back to them', async () => {
    const { serial } = await meter();
    const { batchId } = await processBatch(seal([block(serial, T0, [5])]), deps);
    const [envelope] = await rawOf(t.db, batchId);
    expect(JSON.parse(Buffer.from(envelope?.raw ?? []).toString())).toMatchObject({
      meter: serial,
    });
  });

  it('counts a resent part as duplicate, new rows as stored, gaps as nothing', async () => {
    const { serial, id } = await meter();
    await processBatch(seal([block(serial, T0, day(10))]), deps);
    const again = seal([block(serial, T0 + 5 * QUARTER_MS, [5, 6, 7, 8, 9, 10, null, 12])]);
    const { counts } = await processBatch(again, deps);
    expect(counts).toMatchObject({ offered: 7, stored: 2, duplicate: 5 });
    expect(await values(id)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12]);
  });

  it('settles repeats inside one batch and keeps count', async () => {
    const { serial, id } = await meter();
    const blocks = [
      block(serial, T0, [1, 2, 3]),
      block(serial, T0, [1, 2, 3]),
      block(serial, T0 + QUARTER_MS, [9]),
    ];
    const { counts } = await processBatch(seal(blocks), deps);
    expect(counts).toEqual({ offered: 7, stored: 3, duplicate: 3, rejected: 1, quarantined: 0 });
    expect(await values(id)).toEqual([1, 9, 3]);
    const [row] = await t.db.query(`SELECT code FROM rejection WHERE block ->> 'meter' = $1`, [
      serial,
    ]);
    expect(row).toEqual({ code: 'SUPERSEDED' });
  });

  it('lets the same source correct itself, and keeps what was known before', async () => {
    const { serial, id } = await meter();
    const first = await processBatch(seal([block(serial, T0, [270])]), deps);
    const [known] = await t.db.query<{ at: number }>('SELECT clock_timestamp() AS at');
    const second = await processBatch(seal([block(serial, T0, [770])]), deps);
    const stories = await readingVersions(t.db, id, T0);
    expect(stories.map((s) => [Number(s.value), s.batchId, s.superseded?.byBatchId])).toEqual([
      [270, first.batchId, second.batchId],
      [770, second.batchId, undefined],
    ]);
    const asOfMs = (known as { at: number }).at;
    const [then] = await readIntervals(t.db, id, T0, T0 + 1, { asOfMs });
    const [before] = await readIntervals(t.db, id, T0, T0 + 1, { asOfMs: asOfMs - 60_000 });
    expect([then?.value, before]).toEqual([270n, undefined]);
    const audit = await t.db.query<{ detail: string }>(
      `SELECT detail FROM audit WHERE chain = 'ingest' AND subject_id = $1`,
      [String(second.batchId)],
    );
    expect(audit).toHaveLength(1);
  });

  it('quarantines another source that contradicts, whole blocks and single values', async () => {
    const { serial, id } = await meter();
    await processBatch(seal([block(serial, T0, [1, 2, 3])]), deps);
    const other = seal([block(serial, T0, [1, 5, 6, 7])], { origin: 'http:other' });
    const { counts } = await processBatch(other, deps);
    expect(counts).toMatchObject({ stored: 1, duplicate: 1, quarantined: 2 });
    expect(await values(id)).toEqual([1, 2, 3, 7]);
    const rows = await t.db.query(
      `SELECT code, records, reason FROM quarantine WHERE block ->> 'meter' = $1`,
      [serial],
    );
    expect(rows).toEqual([
      {
        code: 'CONFLICT',
        records: 2,
        reason: 'interval 2026-03-02T00:15:00Z already has value 2 from http:k; got 5',
      },
    ]);
  });

  it('never replaces what a person edited, nor better by worse; replaces worse by better', async () => {
    const { serial, id } = await meter();
    const estimated = {
      ...block(serial, T0, [10, 20, 30]),
      quality: QUALITY.ESTIMATED_SOURCE.code,
    };
    await processBatch(seal([estimated]), deps);
    await t.db.query('UPDATE reading SET quality = $2 WHERE channel_id = $1 AND start_at = $3', [
      id,
      QUALITY.EDITED.code,
      new Date(T0).toISOString(),
    ]);
    const actual = await processBatch(seal([block(serial, T0, [11, 21])]), deps);
    expect(actual.counts).toMatchObject({ stored: 1, rejected: 1 });
    const worse = await processBatch(seal([{ ...estimated, values: [12, 22, 32] }]), deps);
    expect(worse.counts).toMatchObject({ stored: 1, rejected: 2 });
    expect(await values(id)).toEqual([10, 21, 32]);
    const codes = await t.db.query<{ code: string }>(
      `SELECT code FROM rejection WHERE block ->> 'meter' = $1 ORDER BY id`,
      [serial],
    );
    expect(codes.map((c) => c.code)).toEqual(['EDITED_KEPT', 'EDITED_KEPT', 'LOWER_RANK']);
  });

  it('applies unit, decimals and ratio once and exactly', async () => {
    const { serial, id } = await meter({ ratio: [40, 1] });
    const given = { ...block(serial, T0, [1250, '0001', '9007199254740991', 3]), unit: 'kWh' };
    const { counts } = await processBatch(seal([{ ...given, decimals: 3 }]), deps);
    expect(counts).toMatchObject({ stored: 3, quarantined: 1 });
    expect(await values(id)).toEqual([50_000, 40, 120]);
    const [row] = await t.db.query(`SELECT code FROM quarantine WHERE block ->> 'meter' = $1`, [
      serial,
    ]);
    expect(row).toEqual({ code: 'VALUE_RANGE' });
  });

  it('says why for all problems of a batch at once', async () => {
    const { serial } = await meter();
    const blocks = [
      block('GHOST', T0, [1]),
      { ...block(serial, T0, [1]), channel: '1-0:9.9.9' },
      { ...block(serial, T0, [1]), intervalS: 1_800 },
      block(serial, T0 + 60_000, [1, 2]),
      block(serial, T0, [-1, 4]),
      { ...block(serial, T0 + DAY, [1]), unit: 'L' },
      block(serial, NOW - 50 * DAY, [7]),
      block(serial, NOW + DAY, [7, null, 7]),
      { ...block(serial, T0, ['1.5']), unit: 'Wh', decimals: 0 },
      { ...block(serial, T0, [1]), at: 'nul \0 and \ud800', quality: 77 },
    ];
    const batch = seal(blocks, { receivedMs: NOW });
    const { counts, batchId } = await processBatch(batch, deps);
    expect(isConserved(counts)).toBe(true);
    const rows = await t.db.query<{ code: string; records: number }>(
      'SELECT code, records FROM quarantine WHERE batch_id = $1 ORDER BY message',
      [batchId],
    );
    expect(rows.map((r) => `${r.code} ${r.records}`)).toEqual([
      'METER_UNKNOWN 1',
      'CHANNEL_UNKNOWN 1',
      'INTERVAL_LENGTH 1',
      'OFF_GRID 2',
      'NEGATIVE 1',
      'UNIT_MISMATCH 1',
      'TOO_OLD 1',
      'FUTURE 2',
      'NOT_INTEGER 1',
      'PAYLOAD_SCHEMA 1',
    ]);
    expect(counts).toMatchObject({ stored: 1, quarantined: 12 });
  });

  it('rounds a clock a few seconds off the grid and says so; doubts what the device doubts', async () => {
    const { serial, id } = await meter();
    const flags = [0, FLAG.OVERFLOW, FLAG.OUTAGE];
    await processBatch(seal([{ ...block(serial, T0 + 3_000, [1, 2, 0]), flags }]), deps);
    const rows = await readIntervals(t.db, id, T0, T0 + DAY);
    expect(rows.map((r) => [r.startMs, r.quality, r.flags])).toEqual([
      [T0, QUALITY.VALID.code, FLAG.CLOCK_ROUNDED],
      [T0 + QUARTER_MS, QUALITY.SUSPECT.code, FLAG.CLOCK_ROUNDED | FLAG.OVERFLOW],
      [T0 + 2 * QUARTER_MS, QUALITY.VALID.code, FLAG.CLOCK_ROUNDED | FLAG.OUTAGE],
    ]);
  });

  it('marks a closed day dirty and tells of it, late and corrected', async () => {
    const { serial, id } = await meter();
    await processBatch(seal([block(serial, T0, [5])]), deps);
    await t.db.query(
      `INSERT INTO channel_day (channel_id, local_date, from_at, to_at, expected, state)
       SELECT $1, d, d, d + interval '1 day', 96, s FROM (VALUES
         ('2026-03-02'::timestamptz, 'closed'), ('2026-03-03'::timestamptz, 'open')) v(d, s)`,
      [id],
    );
    await t.db.query(`INSERT INTO ledger_mark VALUES ('closed', '2026-03-02')`);
    await processBatch(seal([block(serial, T0 + QUARTER_MS, [7, 8])]), deps);
    await processBatch(seal([block(serial, T0, [3]), block(serial, T0 + DAY, [1])]), deps);
    await t.db.query('DELETE FROM ledger_mark');
    const told = await t.db.query<{ payload: unknown }>(
      `SELECT payload FROM outbox WHERE topic = 'interval.changed' AND key LIKE $1 ORDER BY id`,
      [`${id}/%`],
    );
    const base = { channelId: id, date: '2026-03-02' };
    expect(told.map((o) => o.payload)).toEqual([
      { ...base, changes: 2, deltaValue: '15', reason: 'late' },
      { ...base, changes: 1, deltaValue: '-2', reason: 'replaced' },
    ]);
    const days = await t.db.query(
      'SELECT dirty FROM channel_day WHERE channel_id = $1 ORDER BY local_date',
      [id],
    );
    expect(days).toEqual([{ dirty: true }, { dirty: false }]);
  });

  it('judges register reads: rollover, fall, repeat, late between two', async () => {
    const { serial, id } = await meter({ kind: 'register', modulus: 100_000 });
    const reads = [99_000, 99_990, 250].map((v, i) => read(serial, T0 + i * DAY, v));
    const first = await processBatch(seal(reads, { receivedMs: NOW }), deps);
    expect(first.counts).toMatchObject({ stored: 3 });
    const rows = await t.db.query<{ flags: number }>(
      'SELECT flags FROM register_read WHERE channel_id = $1 ORDER BY at',
      [id],
    );
    expect(rows.map((r) => r.flags)).toEqual([0, 0, FLAG.ROLLOVER]);
    const more = [
      read(serial, T0 + DAY, 99_990),
      read(serial, T0 + DAY / 2, 98_000),
      read(serial, T0 + DAY / 4, 99_500),
      read(serial, T0 + 3 * DAY - 1, 100),
    ];
    const next = await processBatch(seal(more, { receivedMs: NOW + DAY }), deps);
    expect(next.counts).toMatchObject({ stored: 1, duplicate: 1, quarantined: 2 });
  });

  it('adds up over everything above', async () => {
    const { counts, tables } = await ledgerOf(t.db);
    expect(tables).toEqual({
      versions: counts['stored'],
      quarantined: counts['quarantined'],
      rejected: counts['rejected'],
    });
    expect(counts['stored']).toBeGreaterThan(100);
  });
});
