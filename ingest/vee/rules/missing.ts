/** MISSING (vee.md 1.1): intervals that no estimator could give; they block the bill. */
import { needsEstimate } from '../gaps.ts';
import type { DayRule } from '../types.ts';

const ID = 'MISSING';
const VERSION = 1;

export const missing: DayRule = {
  id: ID,
  version: VERSION,
  check(day) {
    const absent = day.grid.filter((v) => v.quality === undefined && needsEstimate(v));
    const first = absent[0];
    const last = absent.at(-1);
    if (first === undefined || last === undefined) return [];
    return [
      {
        rule: ID,
        ruleVersion: VERSION,
        severity: 'ISSUE',
        fromMs: first.startMs,
        toMs: last.startMs + day.intervalS * 1_000,
        detail: { missing: absent.length, expected: day.grid.length },
      },
    ];
  },
};
