/** Finds the gaps of a day: runs of intervals without an actual value, and what stands beside. */
import { QUALITY, qualityOf } from '../../domain/index.ts';
import type { DayContext, Gap, GridValue } from './types.ts';

/** Actual and not doubtful: may be an end point of interpolation (no estimate feeds an estimate). */
export function isActual(value: GridValue): boolean {
  if (value.value === undefined || value.quality === undefined) return false;
  const { origin, billable } = qualityOf(value.quality);
  return billable && (origin === 'actual' || origin === 'edited');
}

/**
 * Nothing there, or nothing better than our own estimate, which is made anew when the neighbours
 * change. What the source itself estimated stands.
 */
export function needsEstimate(value: GridValue): boolean {
  if (value.quality === undefined) return true;
  return qualityOf(value.quality).rank <= QUALITY.ESTIMATED_LINEAR.rank;
}

/**
 * Gaps that touch the day, whole: a run that goes on beyond midnight is followed into the days
 * beside it, so that its length and its estimates do not depend on which day is looked at.
 */
export function gapsOf(day: DayContext): Gap[] {
  const all = [...day.before, ...day.grid, ...day.after];
  const gaps: Gap[] = [];
  let at = 0;
  while (at < all.length) {
    if (!needsEstimate(all[at] as GridValue)) {
      at += 1;
      continue;
    }
    let end = at;
    while (end < all.length && needsEstimate(all[end] as GridValue)) end += 1;
    const run = all.slice(at, end);
    if (run.some((v) => v.startMs >= day.fromMs && v.startMs < day.toMs)) {
      gaps.push({
        startsMs: run.map((v) => v.startMs),
        intervalS: day.intervalS,
        left: actualOrNothing(all[at - 1]),
        right: actualOrNothing(all[end]),
      });
    }
    at = end;
  }
  return gaps;
}

function actualOrNothing(value: GridValue | undefined): GridValue | undefined {
  return value !== undefined && isActual(value) ? value : undefined;
}
