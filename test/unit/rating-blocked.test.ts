/** What must be there before a bill is made, and what a plan asks for. */
import { describe, expect, it } from 'vitest';
import { type Determinant, sumIntervals } from '../../billing/rating/determinant.ts';
import { ratingObstacles } from '../../billing/rating/obstacles.ts';
import {
  bordersInsideIntervals,
  type Channels,
  determinantPlan,
  makeRatingPlan,
} from '../../billing/rating/plan.ts';
import { rate, rateByPlan } from '../../billing/rating/rate.ts';
import type { Charge, Tariff } from '../../billing/tariffs/schema.ts';
import { type Fault, isFault, QUALITY } from '../../domain/index.ts';
import { HOURS, load, tariffOf } from './rating-load.ts';

const zone = 'Europe/Madrid';
const period = ['2026-01-05', '2026-01-12'] as const;
const calendar = {
  holidays: ['2026-01-06'],
  restDays: [6, 7],
  days: {
    weekday: [
      ['00:00', '08:30', 'low'],
      ['08:30', '24:00', 'high'],
    ],
    rest: [['00:00', '24:00', 'low']],
  },
};
const charges: Charge[] = [
  { code: 'low', kind: 'tou', period: 'low', price: '0.1', tags: [] },
  { code: 'high', kind: 'tou', period: 'high', price: '0.2', tags: [] },
  { code: 'kw', kind: 'per_kw_day', kw: { contract: 'kw' }, price: '0.1', tags: [] },
];
const tariff = tariffOf(charges, { calendar });
const contract = { kw: '4.6' };
const rows = load({ zone, from: period[0], to: period[1], minutes: 60, formula: () => 100 });
const plan = makeRatingPlan(tariff, zone, period, HOURS);
const whole = sumIntervals(plan.sums, rows);

/** The reasons, through the exception a caller sees. */
function reasons(
  given: { determinants?: readonly Determinant[]; contract?: Record<string, string> },
  p = plan,
): string[] {
  const supply = { contract, determinants: whole, ...given };
  const found = ratingObstacles(p, supply.contract, supply.determinants);
  if (found.length > 0) {
    expect(() => rateByPlan(p, { ...supply, account: 'A-1' })).toThrow(
      expect.toSatisfy((error) => isFault(error, 'BILL_BLOCKED')),
    );
  }
  return found.map(({ reason, what }) => `${reason} ${what}`);
}

describe('a bill is blocked', () => {
  it('by nothing when all is there', () => {
    expect(reasons({})).toEqual([]);
  });

  it('by a missing interval, and says how many and where', () => {
    const determinants = sumIntervals(plan.sums, rows.slice(2));
    expect(reasons({ determinants })).toEqual(['INTERVALS_MISSING import:low:v0']);
    expect(() => rateByPlan(plan, { account: 'A-1', contract, determinants })).toThrow(
      /account A-1 .* import:low:v0: 2 of \d+ intervals are missing from 2026-01-04T23:00:00Z/,
    );
  });

  it('by a value that may not be billed', () => {
    const suspect = rows.map((row, i) =>
      i === 9 ? { ...row, quality: QUALITY.SUSPECT.code } : row,
    );
    const determinants = sumIntervals(plan.sums, suspect);
    expect(reasons({ determinants })).toEqual(['INTERVALS_UNBILLABLE import:high:v0']);
  });

  it('by an interval that is there twice', () => {
    const determinants = sumIntervals(plan.sums, [...rows, ...rows.slice(0, 1)]);
    expect(reasons({ determinants })).toEqual(['INTERVALS_SURPLUS import:low:v0']);
  });

  it('by determinants that are absent, of another plan, or given twice', () => {
    expect(reasons({ determinants: whole.slice(1) })).toEqual([
      'DETERMINANT_ABSENT import:high:v0',
    ]);
    const other = makeRatingPlan(tariff, zone, ['2026-01-05', '2026-01-13'], HOURS);
    expect(reasons({ determinants: sumIntervals(other.sums, rows) })[0]).toBe(
      'DETERMINANT_ALIEN import:high:v0',
    );
    expect(reasons({ determinants: [...whole, ...whole.slice(1)] })).toEqual([
      'DETERMINANT_ALIEN import:low:v0',
    ]);
  });

  it('by a figure the agreement lacks or does not write as a decimal', () => {
    expect(reasons({ contract: {} })).toEqual(['CONTRACT_TERM kw']);
    expect(reasons({ contract: { kw: '4,6' } })).toEqual(['CONTRACT_TERM kw']);
  });

  it('by dates for which the tariff has no version', () => {
    const { versions } = tariff;
    const ends = { ...tariff, versions: versions.map((v) => ({ ...v, to: '2026-01-10' })) };
    const short = makeRatingPlan(ends, zone, period, HOURS);
    const determinants = sumIntervals(short.sums, rows);
    expect(reasons({ determinants }, short)).toEqual(['NO_TARIFF_VERSION 2026-01-10/2026-01-12']);
  });

  it('by a missing price, should a tariff have slipped through the linter', () => {
    const [version] = tariff.versions;
    const bad = {
      ...tariff,
      versions: [{ ...version, charges: charges.slice(1) }],
    } as unknown as Tariff;
    const leaky = makeRatingPlan(bad, zone, period, HOURS);
    expect(reasons({ determinants: sumIntervals(leaky.sums, rows) }, leaky)).toEqual([
      'NO_PRICE import:low:v0',
    ]);
  });

  it('by a supply without import channel, or one that counts volts', () => {
    const none = makeRatingPlan(tariff, zone, period, {});
    expect(reasons({ determinants: [] }, none)).toEqual(['NO_IMPORT_CHANNEL low']);
    const volts: Channels = { import: { unit: 'V', exponent: 0, intervalS: 3_600 } };
    const odd = makeRatingPlan(tariff, zone, period, volts);
    expect(reasons({ determinants: sumIntervals(odd.sums, rows) }, odd)).toEqual([
      'UNIT_NOT_BILLED low',
      'UNIT_NOT_BILLED high',
    ]);
  });

  it('with every reason at once, and a bounded sentence', () => {
    const versions = Array.from({ length: 30 }, (_, day) => ({
      ...{ from: `2026-01-${String(day + 1).padStart(2, '0')}`, taxes: [], dueDays: 1, charges },
      ...(day < 29 ? { to: `2026-01-${String(day + 2).padStart(2, '0')}` } : {}),
      calendar,
    }));
    const many = tariffOf([], {}, { versions });
    const input = { tariff: many, zone, channels: HOURS, contract: {}, determinants: [] };
    let blocked: unknown;
    try {
      rate({ ...input, period: ['2026-01-01', '2026-01-31'] });
    } catch (error) {
      blocked = error;
    }
    expect((blocked as Fault).detail['detail']).toMatch(/figure kw .* and \d+ more$/);
  });
});

describe('a plan', () => {
  it('has one sum for each period that comes, with its segments in UTC', () => {
    const [high, low] = plan.sums;
    expect([high?.code, high?.expected, low?.code, low?.expected]).toEqual([
      // Monday, Wednesday to Friday: 4 x 16 hours start at 08:30 or later; 168 in all.
      ...['import:high:v0', 60, 'import:low:v0', 108],
    ]);
    expect(high?.segments[0]).toEqual({
      fromMs: Date.parse('2026-01-05T07:30:00Z'),
      toMs: Date.parse('2026-01-05T23:00:00Z'),
    });
  });

  it('refuses a zone and a period that are none', () => {
    const plans = [
      () => makeRatingPlan(tariff, 'Mars/Olympus', period, HOURS),
      () => makeRatingPlan(tariff, zone, ['2026-02-01', '2026-01-01'], HOURS),
      () => makeRatingPlan(tariff, zone, ['2026-02-01', '2026-02-30'], HOURS),
    ];
    for (const make of plans) {
      expect(make).toThrow(expect.toSatisfy((error) => isFault(error, 'BAD_REQUEST')));
    }
  });

  it('tells borders that fall inside an interval', () => {
    expect(bordersInsideIntervals(plan.sums)).toHaveLength(4);
    const quarters: Channels = { import: { unit: 'Wh', exponent: 0, intervalS: 900 } };
    expect(bordersInsideIntervals(determinantPlan(tariff, zone, period, quarters))).toEqual([]);
  });

  it('asks for one sum where the time does not matter', () => {
    const flat = tariffOf([{ code: 'e', kind: 'energy', price: '1', tags: [] }], { calendar });
    expect(determinantPlan(flat, zone, period, HOURS).map(({ code }) => code)).toEqual([
      'import:all:v0',
    ]);
  });

  it('keeps its hash when what cannot move the bill changes', () => {
    const [version] = tariff.versions;
    const renamed = { ...tariff, name: 'Another name' };
    const holidays = [...calendar.holidays, '2026-12-25'];
    const later = tariffOf(
      [],
      {},
      {
        versions: [
          { ...version, to: '2027-01-01', calendar: { ...calendar, holidays } },
          { ...version, from: '2027-01-01', charges: charges.slice(0, 2) },
        ],
      },
    );
    for (const same of [renamed, later]) {
      expect(makeRatingPlan(same, zone, period, HOURS).hash).toBe(plan.hash);
    }
  });

  it('changes its hash with a holiday inside the period, a price, a zone or a day', () => {
    const moved = tariffOf(charges, { calendar: { ...calendar, holidays: ['2026-01-07'] } });
    const [first, ...rest] = charges;
    const dearer = tariffOf([{ ...first, price: '0.11' } as Charge, ...rest], { calendar });
    const hashes = [
      plan,
      makeRatingPlan(moved, zone, period, HOURS),
      makeRatingPlan(dearer, zone, period, HOURS),
      makeRatingPlan(tariff, 'Europe/London', period, HOURS),
      makeRatingPlan(tariff, zone, ['2026-01-05', '2026-01-13'], HOURS),
    ].map(({ hash }) => hash);
    expect(new Set(hashes).size).toBe(5);
  });

  it('does not hash figures of the agreement that no charge asks for', () => {
    const bill = (terms: Record<string, string>) =>
      rateByPlan(plan, { contract: terms, determinants: whole });
    expect(bill({ kw: '4.6', colour: '7' })).toEqual(bill({ kw: '4.6' }));
    expect(bill({ kw: '4.7' }).inputHash).not.toBe(bill({ kw: '4.6' }).inputHash);
  });
});
