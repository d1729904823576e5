/** Closes one channel-day: rules, estimates for its gaps, rules on the result. Pure. */
import { qualityOf } from '../../domain/index.ts';
import { gapsOf } from './gaps.ts';
import type { DayGroup } from './groups.ts';
import type { DayContext, Estimate, Exception, GridValue } from './types.ts';

export interface GapEstimate {
  readonly fromMs: number;
  readonly toMs: number;
  /** Only the intervals of this day that change: value and start. */
  readonly intervals: readonly { readonly startMs: number; readonly value: number }[];
  readonly estimate: Estimate;
}

export interface DayResult {
  readonly exceptions: readonly Exception[];
  readonly estimates: readonly GapEstimate[];
  readonly received: number;
  readonly estimated: number;
  readonly edited: number;
  readonly missing: number;
}

export function closeDay(day: DayContext, group: DayGroup): DayResult {
  const exceptions = group.rules.flatMap((rule) => rule.check(day));
  const estimates: GapEstimate[] = [];
  const filled = new Map<number, GridValue>(day.grid.map((v) => [v.startMs, v]));
  for (const gap of gapsOf(day)) {
    const estimate = firstEstimate(group, gap);
    if (estimate === undefined) continue;
    const intervals = changedIntervals(gap.startsMs, estimate, filled);
    for (const { startMs, value } of intervals) {
      filled.set(startMs, { startMs, value, quality: estimate.quality, flags: estimate.flags });
    }
    if (intervals.length === 0) continue;
    const first = gap.startsMs[0] as number;
    const toMs = first + gap.startsMs.length * gap.intervalS * 1_000;
    estimates.push({ fromMs: first, toMs, intervals, estimate });
  }
  const after: DayContext = { ...day, grid: day.grid.map((v) => filled.get(v.startMs) ?? v) };
  exceptions.push(...group.afterwards.flatMap((rule) => rule.check(after)));
  return { exceptions, estimates, ...countOrigins(after.grid) };
}

function firstEstimate(group: DayGroup, gap: Parameters<DayGroup['estimators'][0]['estimate']>[0]) {
  for (const estimator of group.estimators) {
    const estimate = estimator.estimate(gap);
    if (estimate !== undefined) return estimate;
  }
  return undefined;
}

/** Intervals of this day whose estimate is new or differs from the one that stands. */
function changedIntervals(
  startsMs: readonly number[],
  estimate: Estimate,
  filled: ReadonlyMap<number, GridValue>,
) {
  return startsMs.flatMap((startMs, i) => {
    const value = estimate.values[i] as number;
    const now = filled.get(startMs);
    if (now === undefined) return [];
    const same = now.value === value && now.quality === estimate.quality;
    return same ? [] : [{ startMs, value }];
  });
}

function countOrigins(grid: readonly GridValue[]) {
  const counts = { received: 0, estimated: 0, edited: 0, missing: 0 };
  for (const { quality } of grid) {
    if (quality === undefined) counts.missing += 1;
    else if (qualityOf(quality).origin === 'estimated') counts.estimated += 1;
    else if (qualityOf(quality).origin === 'edited') counts.edited += 1;
    else counts.received += 1;
  }
  return counts;
}
