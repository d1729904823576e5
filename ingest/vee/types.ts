/**
 * The shape of validation, estimation and editing. Rules and estimators are pure: one file each,
 * listed in groups.ts, given everything they look at. Same input and versions, same result.
 */

export type Severity = 'INFO' | 'ISSUE' | 'TERMINATE';

/** One expected interval of the day under review. */
export interface GridValue {
  readonly startMs: number;
  /** Absent = nothing received. A safe integer in the channel's unit. */
  readonly value: number | undefined;
  readonly quality: number | undefined;
  readonly flags: number;
}

export interface RegisterPair {
  readonly previous: number;
  readonly next: number;
  readonly modulus: number | undefined;
}

/** Everything known about one channel and local day at its close. */
export interface DayContext {
  readonly channelId: number;
  readonly localDate: string;
  readonly fromMs: number;
  readonly toMs: number;
  readonly intervalS: number;
  /** The expected grid, in order; 92 to 100 quarter hours on the days of a clock change. */
  readonly grid: readonly GridValue[];
  /** What is known just outside the day, for gaps that touch its edges; in order. */
  readonly before: readonly GridValue[];
  readonly after: readonly GridValue[];
  /** Register reads exactly at both ends of the day, when both are there. */
  readonly registers: RegisterPair | undefined;
  /** The most that can flow in one interval; undefined = not known. */
  readonly intervalMax: number | undefined;
}

export interface Exception {
  readonly rule: string;
  readonly ruleVersion: number;
  readonly severity: Severity;
  readonly fromMs: number;
  readonly toMs: number;
  /** Numbers the rule saw, for people and for replay. */
  readonly detail: Readonly<Record<string, string | number>>;
}

export interface DayRule {
  readonly id: string;
  readonly version: number;
  check(day: DayContext): Exception[];
}

/** Consecutive intervals without an actual value, with what stands on both sides. */
export interface Gap {
  readonly startsMs: readonly number[];
  readonly intervalS: number;
  readonly left: GridValue | undefined;
  readonly right: GridValue | undefined;
}

export interface Estimate {
  readonly method: string;
  readonly methodVersion: number;
  readonly quality: number;
  readonly flags: number;
  readonly values: readonly number[];
  readonly basis: Readonly<Record<string, string | number>>;
}

/** Gives values for a gap, or undefined when the method does not apply to it. */
export interface Estimator {
  readonly id: string;
  readonly version: number;
  estimate(gap: Gap): Estimate | undefined;
}
