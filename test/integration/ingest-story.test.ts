/** Goal: the conservation of story S01, to the record, and a replay that closes the quarantine. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readingVersions } from '../../db/readings.ts';
import { addConservation, cryptoRandom, NOTHING, type SealedBatch } from '../../domain/index.ts';
import { type PipelineDeps, processBatch } from '../../ingest/pipeline/process-batch.ts';
import { replayQuarantine } from '../../ingest/pipeline/replay.ts';
import { freshDatabase, type TestDatabase } from '../support/database.ts';
import { addChannel, block, ledgerOf, pipelineAt, QUARTER_MS, seal } from '../support/ingest.ts';

/** Local midnights of Europe/Madrid in March 2026; the clock changes on the 29th. */
const midnight = (date: number) =>
  Date.parse(`2026-03-${String(date).padStart(2, '0')}T00:00:00Z`) -
  (date <= 29 ? 1 : 2) * 3_600_000;
const END = Date.parse('2026-03-31T22:00:00Z');

/** 180 + 15*((7*i + 3*d) mod 11) + 160*(h >= 19)*(h < 23) */
function load(d: number, i: number, startMs: number): number {
  const h = new Date(
    startMs + (startMs < midnight(29) + 2 * 3_600_000 ? 1 : 2) * 3_600_000,
  ).getUTCHours();
  return 180 + 15 * ((7 * i + 3 * d) % 11) + (h >= 19 && h < 23 ? 160 : 0);
}

function dayBatch(date: number): SealedBatch {
  const from = midnight(date);
  const to = date === 31 ? END : midnight(date + 1);
  const count = (to - from) / QUARTER_MS;
  const values = Array.from({ length: count }, (_, i) => load(date - 1, i, from + i * QUARTER_MS));
  return seal([block('S01', from, values)], { receivedMs: to });
}

describe('S01', () => {
  let t: TestDatabase;
  let deps: PipelineDeps;
  let channelId = 0;
  beforeAll(async () => {
    t = await freshDatabase('ingest_s01');
    channelId = await addChannel(t.db, 'S01');
    deps = await pipelineAt(t.db, END + 3_600_000);
  });
  afterAll(() => t.drop());

  it('offers 3073: 2973 stored, 96 duplicate, none rejected, 4 quarantined', async () => {
    const dates = Array.from({ length: 31 }, (_, i) => i + 1);
    [dates[11], dates[12]] = [13, 12];
    const tenth = dayBatch(10);
    const resent = { ...tenth, uid: '0197f3a0-0000-7000-8000-00000000010a' };
    const batches = [
      ...dates.map((date) => (date === 10 ? tenth : dayBatch(date))),
      resent,
      seal([block('S01', midnight(5) + 40 * QUARTER_MS, [770])], { receivedMs: END }),
      seal([block('GHOST-1', midnight(5), [1, 2, 3, 4])], { receivedMs: END }),
    ];
    let sum = NOTHING;
    for (const batch of batches)
      sum = addConservation(sum, (await processBatch(batch, deps)).counts);
    expect(sum).toEqual({
      offered: 3073,
      stored: 2973,
      duplicate: 96,
      rejected: 0,
      quarantined: 4,
    });
    const [row] = await t.db.query('SELECT count(*)::int AS n, sum(value)::int AS wh FROM reading');
    expect(row).toEqual({ n: 2972, wh: 837_795 });
  });

  it('keeps version 1 of 5 March, i = 40', async () => {
    const versions = await readingVersions(t.db, channelId, Date.parse('2026-03-05T09:00:00Z'));
    expect(versions.map((v) => [Number(v.value), v.superseded !== undefined])).toEqual([
      [270, true],
      [770, false],
    ]);
  });

  it('takes the four quarantined records once their meter is there, once', async () => {
    const replayed = { ...deps, random: cryptoRandom };
    const early = await replayQuarantine({ meter: 'GHOST-1' }, 'user:ana', replayed);
    expect(early.counts).toMatchObject({ offered: 4, quarantined: 4 });
    const ghost = await addChannel(t.db, 'GHOST-1');
    const later = { ...(await pipelineAt(t.db, END)), random: cryptoRandom };
    const both = await Promise.all(
      [1, 2].map(() => replayQuarantine({ code: 'METER_UNKNOWN' }, 'user:ana', later)),
    );
    expect(both.map((o) => o.counts.stored).sort()).toEqual([0, 4]);
    const rows = await t.db.query<Record<string, unknown>>(
      `SELECT q.state, q.settled_by, b.origin, b.actor, b.stored
       FROM quarantine q JOIN batch b ON b.id = q.replay_batch_id ORDER BY q.id`,
    );
    const row = { state: 'replayed', settled_by: 'user:ana', origin: 'http:k', actor: 'user:ana' };
    expect(rows).toEqual([
      { ...row, stored: 0 },
      { ...row, stored: 4 },
    ]);
    const [stored] = await t.db.query(
      'SELECT sum(value)::int AS s FROM reading WHERE channel_id = $1',
      [ghost],
    );
    expect(stored).toEqual({ s: 10 });
    const { counts, tables } = await ledgerOf(t.db);
    expect(tables['versions']).toBe(counts['stored']);
    const audit = await t.db.query(
      `SELECT 1 FROM audit WHERE chain = 'ingest' AND action = 'quarantine.replayed'`,
    );
    expect(audit).toHaveLength(2);
  });
});
