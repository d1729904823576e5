/** Goal: arrival rules and conversion, value by value: exact, or refused with the right code. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type Channel,
  LIMITS,
  QUALITY,
  type ReadingBlock,
  scaledBigint,
} from '../../domain/index.ts';
import { convertValue, convertValues, scaleOf } from '../../ingest/vee/arrival/convert.ts';
import { gridOffsetMs, midnightAfter, zoneOffsetMs } from '../../ingest/vee/arrival/grid.ts';
import {
  arrivalContext,
  DECLARED,
  FUTURE,
  SHAPE,
  TOO_OLD,
} from '../../ingest/vee/arrival/rules.ts';

const channel: Channel = {
  id: 1,
  meterId: 1,
  code: '1-0:1.8.0',
  kind: 'interval',
  direction: 'import',
  unit: 'Wh',
  exponent: 0,
  intervalS: 900,
  ratioNumerator: 1,
  ratioDenominator: 1,
};
const T0 = Date.parse('2026-03-02T00:00:00Z');
const block: ReadingBlock = {
  kind: 'interval',
  meter: 'M',
  channel: '1-0:1.8.0',
  startMs: T0,
  intervalS: 900,
  values: [1, 2, 3],
};
const entry = { serial: 'M', channel };
const convert = (
  value: number | string,
  given: Partial<ReadingBlock>,
  of: Partial<Channel> = {},
) => {
  const scale = scaleOf({ ...block, ...given }, { ...channel, ...of });
  return scale === undefined ? 'UNIT_MISMATCH' : convertValue(value, scale);
};

describe('conversion', () => {
  it.each([
    [7, {}, {}, 7],
    ['1.250', { unit: 'kWh', decimals: 0 }, {}, 1_250],
    [1_250, { unit: 'kWh', decimals: 3 }, {}, 1_250],
    [1_250, { unit: 'KWH', decimals: 2 }, {}, 12_500],
    [1_250, { unit: 'Wh', decimals: 0 }, { exponent: 1 }, 125],
    [1_255, { unit: 'Wh', decimals: 0 }, { exponent: 1 }, 'NOT_INTEGER'],
    [5, { unit: 'kWh' }, {}, 'UNIT_MISMATCH'],
    [5, { unit: 'varh' }, {}, 'UNIT_MISMATCH'],
    [3, {}, { ratioNumerator: 200, ratioDenominator: 5 }, 120],
    [3, {}, { ratioNumerator: 1, ratioDenominator: 3 }, 1],
    [4, {}, { ratioNumerator: 1, ratioDenominator: 3 }, 'NOT_INTEGER'],
    ['0.1', { unit: 'Wh', decimals: 0 }, { ratioNumerator: 10, ratioDenominator: 1 }, 1],
    [LIMITS.valueMax, {}, { ratioNumerator: 2 }, 'VALUE_RANGE'],
    ['9007199254740992', {}, {}, 'VALUE_RANGE'],
    ['1e3', {}, {}, 1_000],
    ['12 kWh', {}, {}, 'PAYLOAD_SCHEMA'],
    ['', {}, {}, 'PAYLOAD_SCHEMA'],
    ['1e99', {}, {}, 'VALUE_RANGE'],
    [0.5, {}, {}, 'NOT_INTEGER'],
  ] as const)('%s with %o on %o -> %s', (value, given, of, wanted) => {
    expect(convert(value, given, of)).toBe(wanted);
  });

  it('agrees with exact decimals, whatever the scale and the ratio', () => {
    const digits = fc.integer({ min: -1_000_000_000, max: 1_000_000_000 });
    const small = fc.integer({ min: 0, max: 6 });
    const ratio = fc.integer({ min: 1, max: 5_000 });
    const check = (n: number, decimals: number, text: boolean, num: number, den: number) => {
      const given = { unit: 'kWh', decimals };
      const of = { ratioNumerator: num, ratioDenominator: den };
      const exact = (scaledBigint(String(n), 12) as bigint) * 10n ** 3n * BigInt(num);
      const divisor = BigInt(den) * 10n ** BigInt(12 + decimals);
      const whole = exact % divisor === 0n ? Number(exact / divisor) : 'NOT_INTEGER';
      const wanted =
        typeof whole === 'number' && !Number.isSafeInteger(whole) ? 'VALUE_RANGE' : whole;
      expect(convert(text ? String(n) : n, given, of)).toBe(wanted);
    };
    fc.assert(fc.property(digits, small, fc.boolean(), ratio, ratio, check), { seed: 7 });
  });

  it('hands the list on untouched when nothing has to change, and never below zero', () => {
    const scale = scaleOf(block, channel);
    if (scale === undefined) throw new Error('no scale');
    const values = [1, null, 3];
    expect(convertValues(values, scale, false).values).toBe(values);
    expect(convertValues([1, -1], scale, false)).toEqual({
      values: [1, null],
      problems: [{ index: 1, code: 'NEGATIVE' }],
    });
    expect(convertValues([1, -1], scale, true).problems).toEqual([]);
  });
});

describe('grid', () => {
  it.each([
    ['2026-03-02T00:15:00Z', 900, undefined, 0],
    ['2026-03-02T00:15:03Z', 900, undefined, 3_000],
    ['2026-03-02T00:14:58Z', 900, undefined, -2_000],
    ['2026-03-02T00:00:00Z', 3_600, 'Europe/Madrid', 0],
    ['2026-03-02T00:30:00Z', 3_600, 'Asia/Kolkata', 0],
    ['2026-03-02T00:00:00Z', 3_600, 'Asia/Kolkata', -1_800_000],
    ['2026-03-01T18:15:00Z', 1_800, 'Asia/Kathmandu', 0],
    ['2026-03-01T23:00:00Z', 86_400, 'Europe/Madrid', 0],
    ['2026-03-01T22:00:00Z', 86_400, 'Europe/Madrid', -3_600_000],
    ['2026-03-01T22:00:00Z', 86_400, undefined, 0],
    ['2026-03-01T22:05:00Z', 86_400, undefined, 300_000],
  ])('%s every %s s in %s lies %s ms off', (start, intervalS, zone, off) => {
    const ms = gridOffsetMs(Date.parse(start), intervalS, zone);
    // Half a step is as far either way.
    expect(Math.abs(ms)).toBe(Math.abs(off));
    if (Math.abs(off) * 2 < intervalS * 1_000) expect(ms).toBe(off);
  });

  it('finds the next midnights across both changes of the clock', () => {
    const spring = Date.parse('2026-03-28T23:00:00Z');
    expect(midnightAfter(spring, 1, 'Europe/Madrid')).toBe(Date.parse('2026-03-29T22:00:00Z'));
    const autumn = Date.parse('2026-10-23T22:00:00Z');
    expect(midnightAfter(autumn, 2, 'Europe/Madrid')).toBe(Date.parse('2026-10-25T23:00:00Z'));
    expect(zoneOffsetMs('Australia/Lord_Howe', Date.parse('2026-01-01T00:00:00Z'))).toBe(
      39_600_000,
    );
  });
});

describe('window of acceptance', () => {
  const day = 86_400_000;
  it('refuses the beginning that is too old, but of no file', () => {
    const ctx = arrivalContext('mqtt', T0 + LIMITS.tooOldMs + 900_000);
    expect(TOO_OLD.check(block, entry, ctx)).toMatchObject([{ code: 'TOO_OLD', from: 0, to: 1 }]);
    expect(TOO_OLD.check(block, entry, arrivalContext('file:a.csv', T0 + 900 * day))).toEqual([]);
  });

  it('lets head-ends and files declare edits, but no meter', () => {
    const edited = { ...block, quality: QUALITY.EDITED.code };
    const found = DECLARED.check(edited, entry, arrivalContext('mqtt', T0));
    expect(found).toMatchObject([{ code: 'PAYLOAD_SCHEMA', from: 0, to: 3 }]);
    for (const origin of ['http:k', 'file:a.csv']) {
      expect(DECLARED.check(edited, entry, arrivalContext(origin, T0))).toEqual([]);
    }
    const doubted = { ...block, qualities: [0, 1, QUALITY.SUSPECT.code] };
    expect(DECLARED.check(doubted, entry, arrivalContext('mqtt', T0))).toEqual([]);
  });

  it('refuses the end that has not happened yet', () => {
    const ctx = arrivalContext('mqtt', T0 + 1_800_000 - LIMITS.futureToleranceMs);
    expect(FUTURE.check(block, entry, ctx)).toMatchObject([{ code: 'FUTURE', from: 2, to: 3 }]);
  });

  it.each([
    [{ startMs: 1 }],
    [{ startMs: Number.NaN }],
    [{ intervalS: 0.5 }],
    [{ quality: 99 }],
    [{ qualities: [1] }],
    [{ flags: [0, 0, 1e9] }],
    [{ kind: 'register' as const, intervalS: 0 }],
    [{ versionMs: -1 }],
  ])('refuses a block whose shape is broken: %o', (given) => {
    const found = SHAPE.check({ ...block, ...given }, entry, arrivalContext('mqtt', T0));
    expect(found).toMatchObject([{ code: 'PAYLOAD_SCHEMA', from: 0, to: 3 }]);
  });
});
