/** LIMIT_HIGH (vee.md 1.6): more than the service can carry in one interval. */
import type { DayRule } from '../types.ts';

const ID = 'LIMIT_HIGH';
const VERSION = 1;

export const physicalLimit: DayRule = {
  id: ID,
  version: VERSION,
  check(day) {
    const { intervalMax } = day;
    if (intervalMax === undefined) return [];
    return day.grid
      .filter((v) => v.value !== undefined && v.value > intervalMax)
      .map((v) => ({
        rule: ID,
        ruleVersion: VERSION,
        severity: 'ISSUE' as const,
        fromMs: v.startMs,
        toMs: v.startMs + day.intervalS * 1_000,
        detail: { value: v.value as number, limit: intervalMax },
      }));
  },
};
