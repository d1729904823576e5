/**
 * Head-end push against a bare COPY of the same rows. Ours: HTTP with a key, decoding, the journal's
 * fdatasync, 202, queue, checks, COPY, COMMIT, until the database has it all.
 */
import { createApiKey } from '../../db/api-keys.ts';
import type { Database } from '../../db/pool.ts';
import { cryptoRandom, DAY_MS } from '../../domain/index.ts';
import { bareCopy, bareHypertable } from '../bare.ts';
import { copiesOf, DAY_SLOTS, type Load, loadFleet, readingsIn } from '../load.ts';
import { type Bench, type BenchContext, figure, median, type Row, rounded } from '../row.ts';
import { type Senders, startSenders } from '../senders/parent.ts';
import { openStage } from '../stage.ts';
import { checkRows, untilStored } from '../wait.ts';

const METERS = 5_000;
/** Single intervals cost many times as much: a third of a day is enough of them. */
const BY_TIME_SLOTS = 32;
const PUSHERS = 4;
const TIMEOUT_MS = 120_000;
/** Rows a COPY of the limit; the faster one counts. */
const LIMITS_ROWS = [5_000, 50_000] as const;

interface Shape {
  readonly name: string;
  readonly metersAPush: number;
  readonly slotsAPush: number;
}

const BY_METER: Shape = { name: 'ingest-push', metersAPush: 50, slotsAPush: DAY_SLOTS };
const BY_TIME: Shape = { name: 'ingest-push-by-time', metersAPush: 5_000, slotsAPush: 1 };

export const ingestPush: Bench = benchOf(BY_METER);
export const ingestPushByTime: Bench = benchOf(BY_TIME);

function benchOf(shape: Shape): Bench {
  return { names: [shape.name], run: async (context) => [await run(shape, context)] };
}

async function run(shape: Shape, context: BenchContext): Promise<Row> {
  const stage = await openStage(shape.name);
  const senders = startSenders();
  try {
    await loadFleet(stage.db, METERS);
    for (const rows of LIMITS_ROWS) await bareHypertable(stage.db, `bare_${rows}`);
    const { token } = await createApiKey(stage.db, cryptoRandom, {
      name: 'head-end',
      scopes: ['readings:push'],
    });
    const line = await stage.startLine();
    const target = { url: line.httpUrl, token };
    const rounds = roundsOf(shape, context.quick ? 2 : 5);
    const ours: number[] = [];
    const limits = LIMITS_ROWS.map((): number[] => []);
    let stored = 0;
    for (const [n, load] of rounds.entries()) {
      stored += readingsIn(load);
      const took = await pushRound(stage.db, senders, { ...target, load }, stored);
      const bare: number[] = [];
      for (const rows of LIMITS_ROWS) {
        bare.push(await bareCopy(stage.db, `bare_${rows}`, copiesOf(load, rows)));
      }
      if (n === 0) continue; // warm-up
      const perS = (ms: number) => (readingsIn(load) / ms) * 1_000;
      ours.push(perS(took.ms));
      for (const [i, ms] of bare.entries()) limits[i]?.push(perS(ms));
      const said = [took.ms, ...bare].map((ms) => figure(perS(ms))).join(' / ');
      const cpu = figure((took.cpuMs / readingsIn(load)) * 1_000);
      context.say(`round ${n}: stored / COPY by 5,000 / by 50,000: ${said}; Node ${cpu} µs each`);
    }
    for (const table of ['reading', ...LIMITS_ROWS.map((rows) => `bare_${rows}`)]) {
      await checkRows(stage.db, table, stored);
    }
    const limit = Math.max(...limits.map(median));
    return {
      name: shape.name,
      ours: rounded(median(ours)),
      limit: rounded(limit),
      ratio: rounded(median(ours) / limit),
      unit: 'readings/s',
      target: shape === BY_METER ? '>= 0.8 and >= 150,000' : '>= 0.8',
    };
  } finally {
    await senders.stop();
    await stage.close();
  }
}

/** A day a round, the last one yesterday: young enough for every rule, never in the future. */
function roundsOf(shape: Shape, measured: number): Load[] {
  const today = Math.floor(Date.now() / DAY_MS) * DAY_MS;
  return Array.from({ length: measured + 1 }, (_, n) => ({
    ...shape,
    firstMeter: 0,
    meters: METERS,
    startMs: today - (measured + 1 - n) * DAY_MS,
    slots: shape === BY_METER ? DAY_SLOTS : BY_TIME_SLOTS,
  }));
}

async function pushRound(
  db: Database,
  senders: Senders,
  order: { readonly url: string; readonly token: string; readonly load: Load },
  storedAfter: number,
): Promise<{ ms: number; cpuMs: number }> {
  const key = `day-${order.load.startMs}`;
  await senders.ask('preparePushes', { ...order, key, pushers: PUSHERS });
  const started = performance.now();
  const cpuBefore = process.cpuUsage();
  const pushed = senders.ask('push');
  const [, endMs] = await Promise.all([pushed, untilStored(db, storedAfter, TIMEOUT_MS)]);
  const { user, system } = process.cpuUsage(cpuBefore);
  return { ms: endMs - started, cpuMs: (user + system) / 1_000 };
}
