/** A month of time-of-use with a 23-hour day and a taxed tax: every figure worked out by hand. */
import { describe, expect, it } from 'vitest';
import { expectedInPeriod } from '../../billing/calendar/local.ts';
import { sumIntervals } from '../../billing/rating/determinant.ts';
import { makeRatingPlan } from '../../billing/rating/plan.ts';
import { rateByPlan } from '../../billing/rating/rate.ts';
import { acceptTariff } from '../../billing/tariffs/parse.ts';
import { load, QUARTER_HOURS } from './rating-load.ts';

const zone = 'Europe/Madrid';
const period = ['2026-03-01', '2026-04-01'] as const;

const tariff = acceptTariff({
  code: 'month-tou',
  name: 'Month of time-of-use',
  currency: 'EUR',
  minorDigits: 2,
  rounding: { mode: 'HALF_UP', place: 'line' },
  versions: [
    {
      from: '2026-01-01',
      dueDays: 20,
      calendar: {
        holidays: ['2026-03-19'],
        restDays: [6, 7],
        days: {
          weekday: [
            ['00:00', '08:00', 'P3'],
            ['08:00', '10:00', 'P2'],
            ['10:00', '14:00', 'P1'],
            ['14:00', '18:00', 'P2'],
            ['18:00', '22:00', 'P1'],
            ['22:00', '24:00', 'P2'],
          ],
          rest: [['00:00', '24:00', 'P3']],
        },
      },
      charges: [
        { code: 'energy.P1', kind: 'tou', period: 'P1', price: '0.187654', tags: ['energy'] },
        { code: 'energy.P2', kind: 'tou', period: 'P2', price: '0.124321', tags: ['energy'] },
        { code: 'energy.P3', kind: 'tou', period: 'P3', price: '0.081199', tags: ['energy'] },
        { code: 'power.P1', kind: 'per_kw_day', kw: '4.6', price: '0.073777', tags: ['power'] },
        { code: 'power.P2', kind: 'per_kw_day', kw: '4.6', price: '0.001911', tags: ['power'] },
        { code: 'rental', kind: 'per_day', price: '0.026557', tags: ['rental'] },
      ],
      taxes: [
        { code: 'iee', rate: '0.0511269632', base: ['energy', 'power'], tag: 'iee' },
        { code: 'iva', rate: '0.21', base: ['energy', 'power', 'rental', 'iee'] },
      ],
    },
  ],
});

// The correction of 5 March stands: 10:00 local there is 09:00Z, interval 40 of the day.
const rows = load({
  zone,
  from: period[0],
  to: period[1],
  minutes: 15,
  formula: ({ i, d, h }) =>
    180 + 15 * ((7 * i + 3 * d) % 11) + 160 * Number(h >= 19) * Number(h < 23),
}).map((row) =>
  row.startMs === Date.parse('2026-03-05T09:00:00Z') ? { ...row, value: 770 } : row,
);

const plan = makeRatingPlan(tariff, zone, period, QUARTER_HOURS);
const determinants = sumIntervals(plan.sums, rows);

describe('a month of time-of-use with a 23-hour day', () => {
  it('expects 2972 intervals, 92 on the short day', () => {
    expect(rows).toHaveLength(2_972);
    expect(expectedInPeriod(zone, ...period, 900)).toBe(2_972);
    expect(expectedInPeriod(zone, '2026-03-29', '2026-03-30', 900)).toBe(92);
  });

  it('sums the watt-hours of each period', () => {
    const found = determinants.map(({ period: p, count, intervals, expected, missing }) => ({
      p,
      count,
      intervals,
      expected,
      missing,
    }));
    expect(found).toEqual([
      { p: 'P1', count: 212_285n, intervals: 672, expected: 672, missing: 0 },
      { p: 'P2', count: 184_740n, intervals: 672, expected: 672, missing: 0 },
      { p: 'P3', count: 440_770n, intervals: 1_628, expected: 1_628, missing: 0 },
    ]);
    expect(determinants.reduce((sum, { count }) => sum + count, 0n)).toBe(837_795n);
  });

  it('prints the lines, taxes and totals to the cent', () => {
    const bill = rateByPlan(plan, { contract: {}, determinants });
    const printed = bill.lines.map(({ code, quantity, unit, price, amount }) =>
      [code, quantity, unit, price, amount].join(' '),
    );
    expect(printed).toEqual([
      'energy.P1 212.285 kWh 0.187654 39.84',
      'energy.P2 184.740 kWh 0.124321 22.97',
      'energy.P3 440.770 kWh 0.081199 35.79',
      'power.P1 142.600 kW.day 0.073777 10.52',
      'power.P2 142.600 kW.day 0.001911 0.27',
      'rental 31 day 0.026557 0.82',
    ]);
    expect(bill.net).toBe('110.21');
    expect(bill.taxes).toEqual([
      { code: 'iee', base: '109.39', rate: '0.0511269632', amount: '5.59' },
      { code: 'iva', base: '115.80', rate: '0.21', amount: '24.32' },
    ]);
    expect(bill.total).toBe('140.12');
  });

  it('keeps the exact amount beside the printed one', () => {
    const bill = rateByPlan(plan, { contract: {}, determinants });
    // 212.285 x 0.187654 = 39.83612939
    expect(bill.lines[0]?.exact).toBe('39.83612939');
    expect(bill.lines[0]?.determinants).toEqual(['import:P1:v0']);
  });

  it('does not care in which order the batches came', () => {
    const shuffled = [...rows].sort((a, b) => (a.startMs % 7_919) - (b.startMs % 7_919));
    expect(sumIntervals(plan.sums, shuffled)).toEqual(determinants);
  });

  it('gives preview and issue the same input hash, and another to another value', () => {
    const preview = rateByPlan(plan, { contract: {}, determinants });
    const again = rateByPlan(makeRatingPlan(tariff, zone, period, QUARTER_HOURS), {
      contract: {},
      determinants: [...determinants].reverse(),
    });
    expect(again).toEqual(preview);
    const before = rows.map((row) => (row.value === 770 ? { ...row, value: 270 } : row));
    const other = rateByPlan(plan, {
      contract: {},
      determinants: sumIntervals(plan.sums, before),
    });
    expect(other.inputHash).not.toBe(preview.inputHash);
    expect(other.resultHash).not.toBe(preview.resultHash);
  });
});
