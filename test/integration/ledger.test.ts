/** Goal: every expected interval has a state; days close once, and again when something changes. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { storedRows } from '../../db/conservation.ts';
import { intervalStates } from '../../db/ledger.ts';
import { LIMITS, QUALITY } from '../../domain/index.ts';
import { closeAllDue, layOutDays } from '../../ingest/ledger/worker.ts';
import {
  openPipeline,
  type PipelineDeps,
  processBatch,
} from '../../ingest/pipeline/process-batch.ts';
import { freshDatabase, type TestDatabase } from '../support/database.ts';
import { batchOf, fixedClock, home, intervals, load, seededBytes } from '../support/world.ts';

const HOUR = 3_600_000;
const DAY_AFTER = Date.parse('2026-03-31T12:00:00Z');
/** Madrid loses 02:00..03:00 on this day: 92 quarter hours from 23:00Z. */
const SPRING = Date.parse('2026-03-28T23:00:00Z');

describe('interval ledger', () => {
  let t: TestDatabase;
  let pipeline: PipelineDeps;
  const clock = fixedClock(Date.parse('2026-03-29T12:00:00Z'));
  let channelId = 0;
  const deps = () => ({ pipeline, random: seededBytes(1) });
  const days = () =>
    t.db.query<{ local_date: string; expected: number; state: string; dirty: boolean }>(
      `SELECT local_date, expected, state, dirty, received, estimated, missing FROM channel_day
       WHERE local_date BETWEEN '2026-03-28' AND '2026-03-30' ORDER BY 1`,
    );

  beforeAll(async () => {
    t = await freshDatabase('ledger');
    await load(
      t.db,
      home('1', { installedAt: '2026-03-28T09:07:00Z', register: { modulus: 1e8 } }),
    );
    pipeline = openPipeline(t.db, clock);
    const [row] = await t.db.query<{ id: number }>(
      "SELECT id FROM channel WHERE kind = 'interval'",
    );
    channelId = row?.id ?? 0;
  });
  afterAll(() => t.drop());

  it('lays out whole intervals between local midnights, a part of the first day', async () => {
    await layOutDays(deps());
    await layOutDays(deps());
    expect(await days()).toMatchObject([
      // installed at 10:07 local: from 10:15 on, 13 h 45 min
      { local_date: '2026-03-28', expected: 55, state: 'open' },
      { local_date: '2026-03-29', expected: 92, state: 'open' },
      { local_date: '2026-03-30', expected: 96, state: 'open' },
    ]);
  });

  it('knows expected from late, and stores what comes', async () => {
    clock.set(SPRING + 23 * HOUR);
    const values = Array.from({ length: 92 }, (_, i) => (i >= 20 && i < 28 ? null : 100 + i));
    await processBatch(
      batchOf([intervals('1', SPRING, values)], { receivedMs: clock.nowMs() }),
      pipeline,
    );
    const states = await intervalStates(t.db, {
      channelId,
      fromMs: SPRING,
      toMs: SPRING + 24 * HOUR,
      nowMs: SPRING + 23 * HOUR + LIMITS.collectionDeadlineMs,
      deadlineMs: LIMITS.collectionDeadlineMs,
    });
    expect(states.slice(0, 92).map((s) => s.state)).toEqual(
      Array.from({ length: 92 }, (_, i) => (i >= 20 && i < 28 ? 'late' : 'received')),
    );
    expect(states[92]?.state).toBe('expected');
  });

  it('closes after the deadline: short gaps are estimated, long ones stay and say so', async () => {
    clock.set(SPRING + 23 * HOUR + LIMITS.collectionDeadlineMs);
    const counts = await closeAllDue(deps());
    expect(counts).toMatchObject({ estimated: 8, missing: 55, examined: 2 });
    expect(await days()).toMatchObject([
      { state: 'closed', received: 0, missing: 55 },
      { state: 'closed', received: 84, estimated: 8, missing: 0 },
      { state: 'open' },
    ]);
    const [basis] = await t.db.query(`SELECT method, basis FROM estimation`);
    expect(basis).toMatchObject({ method: 'LINEAR', basis: { before: 119, after: 128 } });
    const exceptions = await t.db.query('SELECT rule FROM vee_exception WHERE resolved_at IS NULL');
    expect(exceptions).toEqual([{ rule: 'MISSING' }]);
    expect(await closeAllDue(deps())).toMatchObject({ examined: 0, complete: 0 });
  });

  it('is made dirty by a late actual, keeps the estimate in history, and closes again', async () => {
    clock.set(DAY_AFTER);
    const late = intervals('1', SPRING + 20 * 900_000, [7, 7, 7, 7]);
    await processBatch(batchOf([late], { receivedMs: clock.nowMs() }), pipeline);
    expect((await days())[1]).toMatchObject({ dirty: true });
    const told = await t.db.query(`SELECT key FROM outbox WHERE topic = 'interval.changed'`);
    expect(told).toEqual([{ key: `${channelId}/2026-03-29` }]);
    await closeAllDue(deps());
    expect((await days())[1]).toMatchObject({ dirty: false, received: 88, estimated: 4 });
    const [again] = await t.db.query<{ basis: unknown }>(
      'SELECT basis FROM estimation ORDER BY id DESC LIMIT 1',
    );
    // the end point is now the late actual, not the estimate that stood there
    expect(again?.basis).toMatchObject({ before: 7, after: 128 });
    const [history] = await t.db.query<{ n: bigint }>(
      `SELECT count(*) AS n FROM reading_history WHERE quality = ${QUALITY.ESTIMATED_LINEAR.code}`,
    );
    expect(history?.n).toBe(8n); // four replaced by actuals, four estimated anew
  });

  it('judges complete days too: sum check, service size, and what is mended is resolved', async () => {
    const rules = () =>
      t.db
        .query<{ rule: string }>(
          `SELECT rule FROM vee_exception WHERE resolved_at IS NULL
           AND from_at >= '2026-03-29T22:00:00Z' ORDER BY rule`,
        )
        .then((rows) => rows.map((r) => r.rule));
    const day = Date.parse('2026-03-29T22:00:00Z'); // 30 March in Madrid
    const register = (atMs: number, value: number) => ({
      ...intervals('1', atMs, [value], { kind: 'register', intervalS: 0 }),
    });
    const send = (...blocks: Parameters<typeof batchOf>[0]) =>
      processBatch(batchOf(blocks, { receivedMs: clock.nowMs() }), pipeline);
    await t.db.query('UPDATE channel SET interval_max = 1000');
    // 96 x 10 = 960, and the register turns over in between
    await send(
      intervals(
        '1',
        day,
        Array.from({ length: 96 }, () => 10),
      ),
      register(day, 1e8 - 500),
      register(day + 24 * HOUR, 460),
    );
    clock.set(day + 30 * HOUR);
    expect((await closeAllDue(deps())).examined).toBe(1); // a rollover is looked at
    expect(await rules()).toEqual([]);
    await send(intervals('1', day, [2_000]));
    await closeAllDue(deps());
    expect(await rules()).toEqual(['LIMIT_HIGH', 'SUM_CHECK']);
    await send(intervals('1', day, [10]));
    await closeAllDue(deps());
    expect(await rules()).toEqual([]);
  });

  it('balances the books of every batch', async () => {
    const wrong = await t.db.query(
      'SELECT id FROM batch WHERE offered <> stored + duplicate + rejected + quarantined',
    );
    expect(wrong).toEqual([]);
    const { rows, claimed } = await storedRows(t.db);
    expect(rows).toBe(claimed);
  });
});
