/**
 * Cost of a reading from a small fleet to a large one: every meter sends one interval, then the next.
 * Each fleet has a database and a line of its own; the same number of readings goes through both in
 * turn. `ours` and `limit` are microseconds a reading; their ratio is the row.
 */
import { createApiKey } from '../../db/api-keys.ts';
import { cryptoRandom, DAY_MS } from '../../domain/index.ts';
import { loadFleet, QUARTER_MS, readingsIn } from '../load.ts';
import { type Bench, type BenchContext, figure, median, type Row, rounded } from '../row.ts';
import { type Senders, startSenders } from '../senders/parent.ts';
import { openStage } from '../stage.ts';
import { untilStored } from '../wait.ts';

const SMALL = 10_000;
const LARGE = 100_000;
const REFERENCE = 500_000;
const PUSHERS = 4;
const TIMEOUT_MS = 300_000;

export const scaling: Bench = { names: ['scaling'], run };

async function run(context: BenchContext): Promise<Row[]> {
  const large = context.full ? REFERENCE : LARGE;
  const senders = startSenders();
  const fleets: Fleet[] = [];
  try {
    fleets.push(await openFleet(senders, SMALL, large));
    fleets.push(await openFleet(senders, large, large));
    const rounds = context.quick ? 1 : 3;
    const costs = fleets.map((): number[] => []);
    for (let n = 0; n <= rounds; n += 1) {
      for (const [i, fleet] of fleets.entries()) {
        const us = await fleet.round();
        if (n > 0) costs[i]?.push(us);
      }
      if (n === 0) continue; // warm-up
      const said = costs.map((all) => figure(all.at(-1) ?? 0)).join(' / ');
      context.say(`round ${n}: ${SMALL} / ${large} meters: ${said} µs a reading`);
    }
    const [small, big] = costs.map(median) as [number, number];
    return [
      {
        name: 'scaling',
        ours: rounded(big),
        limit: rounded(small),
        ratio: rounded(big / small),
        unit: `µs a reading, ${large / 1_000} k over ${SMALL / 1_000} k meters`,
        target: '<= 1.2 (500 k: --full)',
      },
    ];
  } finally {
    await senders.stop();
    for (const fleet of fleets) await fleet.close();
  }
}

interface Fleet {
  /** Sends the readings of one round; microseconds a reading until all are committed. */
  round(): Promise<number>;
  close(): Promise<void>;
}

async function openFleet(senders: Senders, meters: number, readings: number): Promise<Fleet> {
  const stage = await openStage(`scaling-${meters}`);
  await loadFleet(stage.db, meters);
  const key = { name: 'head-end', scopes: ['readings:push'] };
  const { token } = await createApiKey(stage.db, cryptoRandom, key);
  const line = await stage.startLine();
  const slots = readings / meters;
  let startMs = Math.floor(Date.now() / DAY_MS - 7) * DAY_MS;
  let stored = 0;
  return {
    async round() {
      const load = { firstMeter: 0, meters, startMs, slots, metersAPush: 5_000, slotsAPush: 1 };
      startMs += slots * QUARTER_MS;
      stored += readingsIn(load);
      const target = { url: line.httpUrl, token, key: `from-${load.startMs}`, pushers: PUSHERS };
      await senders.ask('preparePushes', { ...target, load });
      const started = performance.now();
      const pushed = senders.ask('push');
      const [, endMs] = await Promise.all([pushed, untilStored(stage.db, stored, TIMEOUT_MS)]);
      return ((endMs - started) / readingsIn(load)) * 1_000;
    },
    close: () => stage.close(),
  };
}
