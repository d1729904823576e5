/**
 * Goal: a gateway, two ingest processes, Redis and PostgreSQL, killed at random while meters and
 * head-ends push: what was acknowledged is stored once, as the meter gave it, and nothing else is.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { seededRandom } from '../../simulators/random.ts';
import { countKinds, type FaultKind, strikeAtRandom } from './support/injections.ts';
import { seedsOf } from './support/seeds.ts';
import { type Gateway, type Load, TestLine } from './support/test-line.ts';
import { balance, isClean, judgeLoad, type Settled, settle } from './support/verdict.ts';

const KINDS: readonly FaultKind[] = [
  'kill gateway',
  'kill worker',
  'kill both workers',
  'kill redis',
  'kill postgres',
  'kill everything',
];
const FAULTS_MS = 12_000;
const SETTLE_MS = 120_000;
const seeds = seedsOf('test/faults/line-kill.test.ts', 1, 2);

let line: TestLine;
let gateway: Gateway;
const loads = new Map<string, Load>();
let settled: Settled;

beforeAll(async () => {
  line = await TestLine.open('kill');
  line.startWorkers(2);
  gateway = await line.startGateway('gateway');
});

afterAll(() => line.remove());

describe('kill -9 at any moment', () => {
  it.each(seeds)('seed %s strikes', async (seed) => {
    const load = await line.startLoad(seed, gateway, { meters: 12, headEnds: 2, pace: 30 });
    loads.set(seed, load);
    const blows = await strikeAtRandom({ line, gateway }, seededRandom(seed), KINDS, FAULTS_MS);
    // The next seed strikes what this one has not finished.
    await load.stop();
    console.log(`seed ${seed}:`, countKinds(blows));
    expect(blows.length).toBeGreaterThan(2);
  });

  it('the dust settles', async () => {
    settled = await settle(line, [...loads.values()], SETTLE_MS);
    const { afterMs, books, verdicts } = settled;
    const sums = verdicts.map(({ emitted, acked, stored }) => ({ emitted, acked, stored }));
    console.log(`settled in ${Math.round(afterMs)} ms`, books, sums);
    expect(verdicts.every(isClean)).toBe(true);
  });

  it.each(seeds.map((seed, i) => [seed, i] as const))(
    'seed %s: nothing acknowledged is lost, nothing invented, doubled or altered',
    (_seed, i) => {
      const verdict = settled.verdicts[i];
      expect(verdict?.acked).toBeGreaterThan(300);
      expect(verdict).toMatchObject({ lost: [], invented: [], doubled: [], altered: [] });
      expect(verdict).toMatchObject({ unacknowledged: 0, failures: [] });
    },
  );

  it('each batch accounts for each of its records, and the tables hold what the batches say', () => {
    const { books, verdicts } = settled;
    expect(books).toMatchObject({ unbalanced: [], surplus: 0 });
    expect(books.stored).toBe(verdicts.reduce((sum, { stored }) => sum + stored, 0));
  });

  it('the judge would have seen one lost, invented, doubled or altered', async () => {
    const [load] = loads.values();
    if (load === undefined) throw new Error('no load');
    await line.db.query(TAMPER, [load.serials[0]]);
    const verdict = await judgeLoad(line.db, load);
    const counts = [verdict.lost, verdict.invented, verdict.doubled, verdict.altered];
    expect(counts.map((list) => list.length)).toEqual([1, 1, 1, 1]);
    const books = await balance(line.db);
    expect(books.surplus).toBe(1);
    expect(books.unbalanced.length).toBeGreaterThan(0);
  });
});

/** Four readings of one meter: removed, repeated in the history, changed, put where none was. */
const TAMPER = `
  WITH mine AS (
    SELECT r.channel_id, r.start_at, r.batch_id, row_number() OVER (ORDER BY r.start_at) AS n
    FROM reading r JOIN channel c ON c.id = r.channel_id JOIN meter m ON m.id = c.meter_id
    WHERE m.serial = $1),
  gone AS (
    DELETE FROM reading r USING mine WHERE mine.n = 1
      AND r.channel_id = mine.channel_id AND r.start_at = mine.start_at),
  twice AS (
    INSERT INTO reading_history (start_at, value, batch_id, channel_id, quality, flags,
                                 superseded_by, reason)
    SELECT r.start_at, r.value, r.batch_id, r.channel_id, r.quality, r.flags, r.batch_id, 'test'
    FROM reading r JOIN mine USING (channel_id, start_at) WHERE mine.n = 2),
  changed AS (
    UPDATE reading r SET value = r.value + 1000000 FROM mine WHERE mine.n = 3
      AND r.channel_id = mine.channel_id AND r.start_at = mine.start_at)
  INSERT INTO reading (start_at, value, batch_id, channel_id, quality, flags)
  SELECT start_at - interval '1 day', 1, batch_id, channel_id, 1, 0 FROM mine WHERE n = 1`;
