/**
 * Goal: a gateway, two ingest processes, Redis and PostgreSQL, killed at random while meters and
 * head-ends push: what was acknowledged is stored once, as the meter gave it, and nothing else is.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { seededRandom } from '../../simulators/random.ts';
import { countKinds, type FaultKind, strikeAtRandom } from './support/injections.ts';
import { seedsOf } from './support/seeds.ts';
import { type Gateway, type Load, TestLine } from './support/test-line.ts';
import { isClean, type Settled, settle } from './support/verdict.ts';

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
});
