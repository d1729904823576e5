/**
 * Point-to-point interpolation (vee.md 2.1): est_i = a + (b - a) * i / (n + 1). Only up to a limit
 * of elapsed time; a gap one interval over the limit is not partly filled. End points must be
 * actual; when the power was off on one side the good side is carried flat, on both sides nothing
 * flowed.
 */
import { FLAG, LIMITS, QUALITY } from '../../../domain/index.ts';
import type { Estimate, Estimator, Gap, GridValue } from '../types.ts';

const ID = 'LINEAR';
const VERSION = 1;

export const linear: Estimator = {
  id: ID,
  version: VERSION,
  estimate(gap) {
    const { left, right } = gap;
    const spanMs = gap.startsMs.length * gap.intervalS * 1_000;
    if (left === undefined || right === undefined || spanMs > LIMITS.linearGapMsMax) {
      return undefined;
    }
    const out = (end: GridValue) => (end.flags & (FLAG.OUTAGE | FLAG.PARTIAL)) !== 0;
    if (out(left) && out(right)) return flat(gap, 0, 'outage on both sides', FLAG.OUTAGE);
    if (out(left)) return flat(gap, right.value as number, 'outage before', 0);
    if (out(right)) return flat(gap, left.value as number, 'outage after', 0);
    return between(gap, left.value as number, right.value as number);
  },
};

function between(gap: Gap, a: number, b: number): Estimate {
  const n = gap.startsMs.length;
  const values = gap.startsMs.map((_, i) => interpolate(a, b, i + 1, n + 1));
  return result(QUALITY.ESTIMATED_LINEAR.code, 0, values, { before: a, after: b });
}

/** a + (b - a) * i / n in whole units, halves away from zero, without fractions of a float. */
export function interpolate(a: number, b: number, i: number, n: number): number {
  const numerator = BigInt(a) * BigInt(n) + (BigInt(b) - BigInt(a)) * BigInt(i);
  const sign = numerator < 0n ? -1n : 1n;
  const divisor = BigInt(n);
  return Number((sign * (2n * numerator * sign + divisor)) / (2n * divisor));
}

function flat(gap: Gap, value: number, why: string, flags: number): Estimate {
  const values = gap.startsMs.map(() => value);
  return result(QUALITY.ESTIMATED_FLAT.code, flags, values, { value, why });
}

function result(
  quality: number,
  flags: number,
  values: readonly number[],
  basis: Estimate['basis'],
): Estimate {
  return { method: ID, methodVersion: VERSION, quality, flags, values, basis };
}
