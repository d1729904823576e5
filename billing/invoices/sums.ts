/** The database's way to determinants: the same numbers as interval by interval, tested so. */
import { type SlotPlan, type SumRow, sumWindows } from '../../db/determinants.ts';
import type { Queryable } from '../../db/pool.ts';
import { BILLABLE_CODES, ESTIMATED_CODES } from '../../domain/index.ts';
import { type Determinant, determinantOf, type Tally } from '../rating/determinant.ts';
import { joinFingerprints } from '../rating/fingerprint.ts';
import type { RatingPlan } from '../rating/plan.ts';
import type { ChannelDirection } from '../tariffs/schema.ts';
import type { PlannedSupply } from './supply-plan.ts';

const DIRECTIONS: readonly ChannelDirection[] = ['import', 'export'];
const billable = new Set<number>(BILLABLE_CODES);
const estimated = new Set<number>(ESTIMATED_CODES);
/** Slots are no coarser than this, so that a border of a period falls on a border of a slot. */
const SLOT_S_MAX = 900;

/** Determinants of each supply, in the order given. All supplies of a call may differ in plan. */
export async function sumSupplies(
  db: Queryable,
  supplies: readonly PlannedSupply[],
): Promise<Determinant[][]> {
  const tallies = supplies.map((s) => s.plan.sums.map(emptyTally));
  const byPlan = new Map<RatingPlan, number[]>();
  supplies.forEach(({ plan }, index) => {
    byPlan.set(plan, [...(byPlan.get(plan) ?? []), index]);
  });
  for (const [plan, indexes] of byPlan) {
    for (const direction of DIRECTIONS) {
      await sumDirection(db, plan, direction, supplies, indexes, tallies);
    }
  }
  return supplies.map(({ plan }, i) =>
    plan.sums.map((sum, n) => determinantOf(sum, tallies[i]?.[n] ?? emptyTally())),
  );
}

async function sumDirection(
  db: Queryable,
  plan: RatingPlan,
  direction: ChannelDirection,
  supplies: readonly PlannedSupply[],
  indexes: readonly number[],
  tallies: Tally[][],
): Promise<void> {
  const slots = slotPlan(plan, direction);
  if (slots === undefined) return;
  const windows = indexes.flatMap((index) =>
    (supplies[index] as PlannedSupply).windows
      .filter((w) => w.direction === direction)
      .map(({ channel, fromMs, toMs }) => ({
        window: index,
        channelId: channel.channelId,
        fromMs,
        toMs,
      })),
  );
  if (windows.length === 0) return;
  for (const row of await sumWindows(db, slots, windows)) {
    const own = tallies[row.window] as Tally[];
    own[row.sum] = addTally(own[row.sum] as Tally, row);
  }
}

function emptyTally(): Tally {
  return { count: 0n, intervals: 0, estimated: 0, unbillable: 0, fingerprint: '0:0:0:0:0' };
}

function addTally(tally: Tally, row: SumRow): Tally {
  const { quality, count, weighed_value, weighed_batch, weights } = row;
  const intervals = Number(row.intervals);
  const weighedQuality = BigInt(weights) * BigInt(quality);
  const fingerprint = [intervals, count, weighed_value, weighed_batch, weighedQuality].join(':');
  return {
    count: tally.count + BigInt(count),
    intervals: tally.intervals + intervals,
    estimated: tally.estimated + (estimated.has(quality) ? intervals : 0),
    unbillable: tally.unbillable + (billable.has(quality) ? 0 : intervals),
    fingerprint: joinFingerprints(tally.fingerprint, fingerprint),
  };
}

const slotCache = new WeakMap<RatingPlan, Map<ChannelDirection, SlotPlan | undefined>>();

/** The billing period as a row of slots, each with the number of its sum. */
export function slotPlan(plan: RatingPlan, direction: ChannelDirection): SlotPlan | undefined {
  const known = slotCache.get(plan) ?? new Map<ChannelDirection, SlotPlan | undefined>();
  slotCache.set(plan, known);
  if (!known.has(direction)) known.set(direction, makeSlots(plan, direction));
  return known.get(direction);
}

function makeSlots(plan: RatingPlan, direction: ChannelDirection): SlotPlan | undefined {
  const sums = plan.sums.filter((sum) => sum.channelDirection === direction);
  const first = sums[0];
  if (first === undefined) return undefined;
  const slotS = divisor(first.intervalS, SLOT_S_MAX);
  const baseMs = Math.min(...sums.map((sum) => sum.fromMs));
  const endMs = Math.max(...sums.map((sum) => sum.toMs));
  const slots = new Array<number>(Math.ceil((endMs - baseMs) / (slotS * 1_000))).fill(-1);
  plan.sums.forEach((sum, index) => {
    if (sum.channelDirection !== direction) return;
    for (const { fromMs, toMs } of sum.segments) {
      const from = Math.ceil((fromMs - baseMs) / (slotS * 1_000));
      const to = Math.ceil((toMs - baseMs) / (slotS * 1_000));
      slots.fill(index, from, to);
    }
  });
  return { baseMs, intervalS: slotS, slots };
}

function divisor(a: number, b: number): number {
  return b === 0 ? a : divisor(b, a % b);
}
