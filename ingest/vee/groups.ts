/** Which rules and estimators run at the close of a day, in order. */
import { linear } from './estimators/linear.ts';
import { missing } from './rules/missing.ts';
import { physicalLimit } from './rules/physical-limit.ts';
import { sumCheck } from './rules/sum-check.ts';
import type { DayRule, Estimator } from './types.ts';

export interface DayGroup {
  readonly name: string;
  readonly version: number;
  /** Judged on what was received. */
  readonly rules: readonly DayRule[];
  /** Tried in order of preference for every gap. */
  readonly estimators: readonly Estimator[];
  /** Judged after estimation. */
  readonly afterwards: readonly DayRule[];
}

export const STANDARD_DAY_GROUP: DayGroup = {
  name: 'standard',
  version: 1,
  rules: [physicalLimit, sumCheck],
  estimators: [linear],
  afterwards: [missing],
};
