/** Billing determinants: the sums a bill is priced from, and the interval-by-interval way to them. */
import { BILLABLE_CODES, ESTIMATED_CODES, Fault, type Unit } from '../../domain/index.ts';
import { segmentAt } from '../calendar/segments.ts';
import type { ChannelDirection } from '../tariffs/schema.ts';
import {
  addRow,
  type FingerprintRow,
  type FingerprintSums,
  fingerprintText,
  newFingerprint,
  wideTotal,
} from './fingerprint.ts';

/** Half-open range of instants. */
export interface TimeRange {
  readonly fromMs: number;
  readonly toMs: number;
}

/** Which sum it is and of what: the same before and after it was computed. */
interface SumOf {
  readonly code: string;
  readonly channelDirection: ChannelDirection;
  /** Time-of-use period; 'all' where the tariff does not look at the time. */
  readonly period: string;
  readonly versionIndex: number;
  /** Bounds of the tariff part the sum belongs to. */
  readonly fromMs: number;
  readonly toMs: number;
  readonly unit: Unit;
  /** The sum counts 10^exponent of `unit`. */
  readonly exponent: number;
  readonly expected: number;
}

/** A sum to be computed: all current interval versions that start inside the segments. */
export interface PlannedSum extends SumOf {
  /** How rows become the determinant; other aggregates will have their own word. */
  readonly aggregate: 'sum';
  readonly intervalS: number;
  /** In order, disjoint. */
  readonly segments: readonly TimeRange[];
}

/** What was found for a planned sum. Rows of every quality count; unbillable ones are told apart. */
export interface Tally {
  readonly count: bigint;
  readonly intervals: number;
  readonly estimated: number;
  readonly unbillable: number;
  readonly fingerprint: string;
}

export interface Determinant extends SumOf, Tally {
  /** expected - intervals; negative would be a row too many. */
  readonly missing: number;
}

/** One current interval version, as read for billing. */
export interface IntervalRow extends FingerprintRow {
  readonly channelDirection: ChannelDirection;
}

export function determinantOf(planned: PlannedSum, tally: Tally): Determinant {
  return {
    code: planned.code,
    channelDirection: planned.channelDirection,
    period: planned.period,
    versionIndex: planned.versionIndex,
    fromMs: planned.fromMs,
    toMs: planned.toMs,
    count: tally.count,
    unit: planned.unit,
    exponent: planned.exponent,
    intervals: tally.intervals,
    expected: planned.expected,
    missing: planned.expected - tally.intervals,
    estimated: tally.estimated,
    unbillable: tally.unbillable,
    fingerprint: tally.fingerprint,
  };
}

interface Running {
  readonly sums: FingerprintSums;
  estimated: number;
  unbillable: number;
}

interface Slot extends TimeRange {
  readonly running: Running;
}

const billable = new Set<number>(BILLABLE_CODES);
const estimated = new Set<number>(ESTIMATED_CODES);

/**
 * Fills a plan from intervals in any order, one determinant for each planned sum. An interval
 * belongs where it starts; intervals outside the plan are passed over.
 */
export function sumIntervals(
  plan: readonly PlannedSum[],
  rows: Iterable<IntervalRow>,
): Determinant[] {
  const running = plan.map(() => ({ sums: newFingerprint(), estimated: 0, unbillable: 0 }));
  const slots = {
    import: slotsOf(plan, running, 'import'),
    export: slotsOf(plan, running, 'export'),
  };
  for (const row of rows) {
    const slot = segmentAt(slots[row.channelDirection], row.startMs);
    if (slot !== undefined) addInterval(slot.running, row);
  }
  return plan.map((planned, index) => determinantOf(planned, tallyOf(running[index] as Running)));
}

function slotsOf(
  plan: readonly PlannedSum[],
  running: readonly Running[],
  direction: ChannelDirection,
): Slot[] {
  return plan
    .flatMap((planned, index) =>
      planned.channelDirection === direction
        ? planned.segments.map(({ fromMs, toMs }) => ({
            fromMs,
            toMs,
            running: running[index] as Running,
          }))
        : [],
    )
    .sort((a, b) => a.fromMs - b.fromMs);
}

function addInterval(running: Running, row: IntervalRow): void {
  if (typeof row.value === 'number' && !Number.isSafeInteger(row.value)) {
    throw new Fault('VALUE_RANGE', { value: row.value });
  }
  addRow(running.sums, row);
  if (estimated.has(row.quality)) running.estimated += 1;
  if (!billable.has(row.quality)) running.unbillable += 1;
}

function tallyOf(running: Running): Tally {
  return {
    count: wideTotal(running.sums.value),
    intervals: running.sums.rows,
    estimated: running.estimated,
    unbillable: running.unbillable,
    fingerprint: fingerprintText(running.sums),
  };
}
