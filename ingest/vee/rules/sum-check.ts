/**
 * SUM_CHECK (vee.md 1.4): the day's intervals against the register's advance between two reads
 * exactly on the day's borders. Not evaluable while an interval is missing or estimated. Each of
 * the two truncated reads can hide almost one unit, hence a tolerance of two.
 */
import { registerDelta } from '../../../domain/index.ts';
import { isActual } from '../gaps.ts';
import type { DayContext, DayRule, Exception, Severity } from '../types.ts';

const ID = 'SUM_CHECK';
const VERSION = 1;
export const SUM_TOLERANCE_UNITS = 2;

export const sumCheck: DayRule = {
  id: ID,
  version: VERSION,
  check(day) {
    const { registers } = day;
    if (registers === undefined || !day.grid.every(isActual)) return [];
    const sum = day.grid.reduce((total, v) => total + (v.value ?? 0), 0);
    const plausibleMax = (day.intervalMax ?? Number.MAX_SAFE_INTEGER) * day.grid.length;
    const { previous, next, modulus } = registers;
    const judged = registerDelta(previous, next, modulus, plausibleMax);
    if (judged.kind === 'decrease') return [exception(day, 'ISSUE', { previous, next, sum })];
    const difference = Math.abs(sum - judged.delta);
    if (difference <= SUM_TOLERANCE_UNITS) return [];
    return [exception(day, 'ISSUE', { sum, delta: judged.delta, difference })];
  },
};

function exception(
  day: DayContext,
  severity: Severity,
  detail: Readonly<Record<string, string | number>>,
): Exception {
  return {
    rule: ID,
    ruleVersion: VERSION,
    severity,
    fromMs: day.fromMs,
    toMs: day.toMs,
    detail,
  };
}
