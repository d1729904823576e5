/** Goal: the close of a day as a pure function: gaps found whole, estimates by the book. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FLAG, QUALITY } from '../../domain/index.ts';
import { closeDay } from '../../ingest/vee/close-day.ts';
import { interpolate, linear } from '../../ingest/vee/estimators/linear.ts';
import { STANDARD_DAY_GROUP } from '../../ingest/vee/groups.ts';
import type { DayContext, GridValue } from '../../ingest/vee/types.ts';

const L = 900;
const STEP = L * 1_000;
const VALID = QUALITY.VALID.code;

function grid(fromMs: number, values: readonly (number | undefined)[]): GridValue[] {
  return values.map((value, i) => ({
    startMs: fromMs + i * STEP,
    value,
    quality: value === undefined ? undefined : VALID,
    flags: 0,
  }));
}

function day(values: readonly (number | undefined)[], more: Partial<DayContext> = {}): DayContext {
  const toMs = values.length * STEP;
  return {
    channelId: 1,
    localDate: '2026-03-08',
    fromMs: 0,
    toMs,
    intervalS: L,
    grid: grid(0, values),
    before: [],
    after: [],
    registers: undefined,
    intervalMax: undefined,
    ...more,
  };
}

describe('linear estimate', () => {
  it('gives the eight values of a two-hour gap, halves up', () => {
    // 90 + 132 * i / 9, i = 1..8: 104.67 119.33 134 148.67 163.33 178 192.67 207.33
    const values = [90, ...Array<undefined>(8).fill(undefined), 222];
    const { estimates, missing, estimated } = closeDay(day(values), STANDARD_DAY_GROUP);
    expect(estimates).toHaveLength(1);
    expect(estimates[0]?.intervals.map((v) => v.value)).toEqual([
      105, 119, 134, 149, 163, 178, 193, 207,
    ]);
    expect(estimates[0]?.estimate.quality).toBe(QUALITY.ESTIMATED_LINEAR.code);
    expect({ missing, estimated }).toEqual({ missing: 0, estimated: 8 });
  });

  it('does not fill one interval more than the limit, not even partly', () => {
    const values = [90, ...Array<undefined>(9).fill(undefined), 222];
    const result = closeDay(day(values), STANDARD_DAY_GROUP);
    expect(result.estimates).toEqual([]);
    expect(result.missing).toBe(9);
    expect(result.exceptions).toMatchObject([
      { rule: 'MISSING', severity: 'ISSUE', fromMs: STEP, toMs: 10 * STEP },
    ]);
  });

  it('measures a gap across midnight whole', () => {
    const after = grid(4 * STEP, [undefined, 50]);
    const { estimates } = closeDay(
      day([10, 20, undefined, undefined], { after }),
      STANDARD_DAY_GROUP,
    );
    // three intervals between 20 and 50; two of them are this day's: 27.5 -> 28, 35
    expect(estimates[0]?.intervals).toEqual([
      { startMs: 2 * STEP, value: 28 },
      { startMs: 3 * STEP, value: 35 },
    ]);
  });

  it('needs actual values on both sides', () => {
    expect(closeDay(day([undefined, 10]), STANDARD_DAY_GROUP).estimates).toEqual([]);
    expect(closeDay(day([10, undefined]), STANDARD_DAY_GROUP).estimates).toEqual([]);
  });

  it('is made anew from actuals, never from its own estimates', () => {
    const values = grid(0, [10, undefined, undefined, 40]);
    const estimated = { ...values[1]!, value: 20, quality: QUALITY.ESTIMATED_LINEAR.code };
    const again = closeDay(
      day([10, 20, undefined, 40], { grid: [values[0]!, estimated, values[2]!, values[3]!] }),
      STANDARD_DAY_GROUP,
    );
    // the estimate of 20 stands as it is; only the other interval is new
    expect(again.estimates[0]?.intervals).toEqual([{ startMs: 2 * STEP, value: 30 }]);
  });

  it('keeps what the source estimated', () => {
    const own = { ...grid(0, [7])[0]!, quality: QUALITY.ESTIMATED_SOURCE.code };
    const result = closeDay(day([7], { grid: [own] }), STANDARD_DAY_GROUP);
    expect(result).toMatchObject({ estimates: [], estimated: 1, missing: 0 });
  });

  it('lets nothing flow between two outages, and carries the good side past one', () => {
    const [a, gap, b] = grid(0, [0, undefined, 80]) as [GridValue, GridValue, GridValue];
    const off = { ...a, flags: FLAG.OUTAGE };
    const one = closeDay(day([0, undefined, 80], { grid: [off, gap, b] }), STANDARD_DAY_GROUP);
    expect(one.estimates[0]?.intervals[0]?.value).toBe(80);
    const both = closeDay(
      day([0, undefined, 80], { grid: [off, gap, { ...b, flags: FLAG.OUTAGE }] }),
      STANDARD_DAY_GROUP,
    );
    expect(both.estimates[0]?.intervals[0]?.value).toBe(0);
    expect(both.estimates[0]?.estimate.flags).toBe(FLAG.OUTAGE);
  });

  it('stays between its end points and averages to their mean', () => {
    const whole = fc.integer({ min: 0, max: 1_000_000 });
    fc.assert(
      fc.property(whole, whole, fc.integer({ min: 1, max: 8 }), (a, b, n) => {
        const values = Array.from({ length: n }, (_, i) => interpolate(a, b, i + 1, n + 1));
        for (const v of values) {
          expect(v).toBeGreaterThanOrEqual(Math.min(a, b));
          expect(v).toBeLessThanOrEqual(Math.max(a, b));
        }
        const sum = values.reduce((total, v) => total + v, 0);
        expect(Math.abs(sum - ((a + b) * n) / 2)).toBeLessThanOrEqual(n / 2);
      }),
    );
  });

  it('rounds halves away from zero on net channels too', () => {
    expect(interpolate(0, -5, 1, 2)).toBe(-3);
    expect(interpolate(0, 5, 1, 2)).toBe(3);
  });

  it('says which method gave it', () => {
    const gap = { startsMs: [0], intervalS: L, left: grid(0, [4])[0], right: grid(0, [8])[0] };
    expect(linear.estimate(gap)).toMatchObject({
      method: 'LINEAR',
      basis: { before: 4, after: 8 },
    });
  });
});

describe('sum check', () => {
  const registers = (previous: number, next: number, modulus?: number) => ({
    registers: { previous, next, modulus },
    intervalMax: 1_000,
  });
  const rules = (values: readonly (number | undefined)[], more: Partial<DayContext>) =>
    closeDay(day(values, more), STANDARD_DAY_GROUP).exceptions.map((e) => e.rule);

  it('passes within two units and through a rollover', () => {
    expect(rules([10, 20, 30], registers(100, 162))).toEqual([]);
    expect(rules([10, 20, 30], registers(9_950, 10, 10_000))).toEqual([]);
  });

  it('fails beyond, and on a fall that no rollover explains', () => {
    expect(rules([10, 20, 30], registers(100, 163))).toEqual(['SUM_CHECK']);
    expect(rules([10, 20, 30], registers(9_950, 10))).toEqual(['SUM_CHECK']);
    expect(rules([10, 20, 30], registers(5_000, 10, 10_000))).toEqual(['SUM_CHECK']);
  });

  it('is silent while an interval is missing', () => {
    expect(rules([10, undefined, undefined], registers(0, 999))).toEqual(['MISSING']);
  });
});

describe('physical limit', () => {
  it('names each interval beyond the service size', () => {
    const { exceptions } = closeDay(day([5, 11, 5, 12], { intervalMax: 10 }), STANDARD_DAY_GROUP);
    expect(exceptions.map((e) => [e.rule, e.fromMs / STEP])).toEqual([
      ['LIMIT_HIGH', 1],
      ['LIMIT_HIGH', 3],
    ]);
  });
});
