/** The month of the demo: meters deliver it slot by slot, the line takes it in, days close. */
import { addDays, localMidnightMs } from '../../billing/calendar/local.ts';
import { dueShards } from '../../db/ledger.ts';
import { HOUR_MS, LIMITS } from '../../domain/index.ts';
import { BAD_MONTH } from '../../simulators/faults.ts';
import { Fleet } from '../../simulators/fleet.ts';
import type { MeterLog, memoryLog } from '../../simulators/meter-log.ts';
import type { SimulatedClock } from '../clock.ts';
import type { Progress } from '../output/progress.ts';
import { thousands } from '../output/table.ts';
import type { Line } from '../roles/line.ts';
import { DEMO_FROM, DEMO_TO, DEMO_ZONE, type DemoOptions, fleetPlans } from './plan.ts';

export interface DemoWorld {
  readonly line: Line;
  readonly clock: SimulatedClock;
  readonly fleet: Fleet;
  readonly progress: Progress;
  /** The record of the meter that will be cut. */
  readonly unpaidLog: ReturnType<typeof memoryLog>;
}

const SLOT_MS = 4 * HOUR_MS;
const INTERVAL_MS = 900_000;

export function createFleet(
  line: Line,
  clock: SimulatedClock,
  options: DemoOptions,
  logOf: (serial: string) => MeterLog,
): Fleet {
  if (line.mqttUrl === undefined) throw new Error('the demo runs its own broker');
  return new Fleet({
    url: line.mqttUrl,
    clock,
    seed: options.seed,
    rates: BAD_MONTH,
    logOf,
    plans: fleetPlans(options, localMidnightMs(DEMO_ZONE, DEMO_FROM)),
  });
}

export interface MonthResult {
  /** Readings handed over in the month, repeated ones counted each time. */
  readonly offered: number;
  readonly streamMs: number;
  readonly settleMs: number;
}

export async function streamMonth(world: DemoWorld): Promise<MonthResult> {
  const { clock, fleet, progress } = world;
  const startedMs = performance.now();
  const days = datesOf(DEMO_FROM, DEMO_TO);
  clock.jumpTo(localMidnightMs(DEMO_ZONE, DEMO_FROM));
  await fleet.registers(localMidnightMs(DEMO_ZONE, DEMO_FROM));
  for (const [index, date] of days.entries()) {
    const fromMs = localMidnightMs(DEMO_ZONE, date);
    const toMs = localMidnightMs(DEMO_ZONE, addDays(date, 1));
    for (let at = fromMs; at < toMs; at += SLOT_MS) {
      const end = Math.min(at + SLOT_MS, toMs);
      clock.jumpTo(end);
      await fleet.slot(at, (end - at) / INTERVAL_MS);
    }
    await fleet.registers(toMs);
    const perSecond = (fleet.counts.offered / (performance.now() - startedMs)) * 1_000;
    const note = `${date}  ${thousands(Math.round(perSecond))} readings/s`;
    progress.step('meters stream October', index + 1, days.length, note);
  }
  await fleet.flush();
  const streamMs = performance.now() - startedMs;
  progress.finish(
    'meters stream October',
    `${thousands(fleet.counts.offered)} readings in ${thousands(fleet.counts.messages)} messages`,
  );
  const { offered } = fleet.counts;
  await settle(world);
  return {
    offered,
    streamMs,
    settleMs: performance.now() - startedMs - streamMs,
  };
}

/** Good days from `from` to `to`, one message a meter and day; the line takes them in meanwhile. */
export async function streamDays(world: DemoWorld, from: string, to: string): Promise<void> {
  const { clock, fleet, progress } = world;
  const dates = datesOf(from, to);
  for (const [index, date] of dates.entries()) {
    const fromMs = localMidnightMs(DEMO_ZONE, date);
    const toMs = localMidnightMs(DEMO_ZONE, addDays(date, 1));
    clock.jumpTo(toMs);
    await fleet.goodSlot(fromMs, (toMs - fromMs) / INTERVAL_MS);
    await fleet.registers(toMs);
    progress.step('days go by', index + 1, dates.length, date);
  }
}

function datesOf(from: string, to: string): string[] {
  const dates: string[] = [];
  for (let date = from; date < to; date = addDays(date, 1)) dates.push(date);
  return dates;
}

const SETTLE_MS_MAX = 120_000;

/** Polls until nothing is left, showing how much is; gives up in the end. */
async function wait(
  { clock, progress }: DemoWorld,
  what: string,
  left: () => Promise<number>,
): Promise<void> {
  const deadlineMs = performance.now() + SETTLE_MS_MAX;
  const all = Math.max(1, await left());
  for (let now = all; now > 0; now = await left()) {
    if (performance.now() > deadlineMs) throw new Error(`${what} did not come to rest`);
    progress.step(what, Math.max(0, all - now), all, `${thousands(now)} left`);
    await clock.sleep(150);
  }
}

/** Until every acknowledged message is committed in the database. */
export function untilCommitted(world: DemoWorld): Promise<void> {
  return wait(world, 'database commits', async () => {
    const stats = world.line.gateway?.journal.stats();
    return (stats?.uncommittedMessages ?? 0) + (stats?.outstanding ?? 0);
  });
}

/** Until the journal has handed everything on and every due day is closed. */
async function settle(world: DemoWorld): Promise<void> {
  const { line, clock, progress } = world;
  await untilCommitted(world);
  progress.finish('database commits', 'every acknowledged message is in TimescaleDB');
  clock.jumpTo(localMidnightMs(DEMO_ZONE, DEMO_TO) + LIMITS.collectionDeadlineMs + 60_000);
  await line.ingest?.ledger.tick();
  await wait(world, 'days close', async () => {
    const size = LIMITS.dayCloseChannelsPerShard;
    const shards = await dueShards(line.db, clock.nowMs(), LIMITS.collectionDeadlineMs, size);
    if (shards.length > 0) await line.ingest?.ledger.tick();
    return shards.reduce((sum, shard) => sum + shard.days, 0);
  });
  progress.finish('days close', `${datesOf(DEMO_FROM, DEMO_TO).length} days of every channel`);
}
