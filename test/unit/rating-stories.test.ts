/** Months of other countries: estimates that become actuals, and pesos without cents. */
import { describe, expect, it } from 'vitest';
import type { IntervalRow } from '../../billing/rating/determinant.ts';
import type { Charge } from '../../billing/tariffs/schema.ts';
import { QUALITY } from '../../domain/index.ts';
import { billOf, type Formula, HOURS, load, QUARTER_HOURS, tariffOf } from './rating-load.ts';

describe('a month billed on estimates and again on actuals', () => {
  const zone = 'America/New_York';
  const tou = (code: string, price: string): Charge => ({
    ...{ code: `energy.${code}`, kind: 'tou', period: code, price, tags: ['net'] },
  });
  const tariff = tariffOf(
    [
      tou('night', '0.0683'),
      tou('off', '0.1139'),
      tou('peak', '0.2471'),
      { code: 'customer', kind: 'per_day', price: '0.5613', tags: ['net'] },
    ],
    {
      calendar: {
        holidays: [],
        restDays: [6, 7],
        days: {
          weekday: [
            ['00:00', '03:00', 'night'],
            ['03:00', '16:00', 'off'],
            ['16:00', '21:00', 'peak'],
            ['21:00', '24:00', 'off'],
          ],
          rest: [
            ['00:00', '03:00', 'night'],
            ['03:00', '24:00', 'off'],
          ],
        },
      },
      taxes: [
        { code: 'state', rate: '0.04', base: ['net'] },
        { code: 'city', rate: '0.02375', base: ['net'] },
      ],
    },
    { currency: 'USD' },
  );
  // The curve counts its days from 1 February; what lies before the period is passed over.
  const actual = load({
    zone,
    from: '2026-02-01',
    to: '2026-04-01',
    minutes: 15,
    formula: ({ i, d, h }) => 90 + 12 * ((5 * i + 2 * d) % 17) + 40 * Number(h >= 17 && h < 22),
  });
  const estimates = new Map<number, number>();
  const fill = (from: string, values: number[]) => {
    for (const [k, value] of values.entries()) estimates.set(Date.parse(from) + k * 900_000, value);
  };
  fill('2026-03-08T06:00:00Z', [105, 119, 134, 149, 163, 178, 193, 207]);
  fill('2026-03-18T19:00:00Z', [150, 210, 202, 126, 186, 246, 170, 162, 262]);
  const estimated: IntervalRow[] = actual.map((row) => {
    const value = estimates.get(row.startMs);
    if (value === undefined) return row;
    return { ...row, value, quality: QUALITY.ESTIMATED_LINEAR.code };
  });
  const bill = (rows: readonly IntervalRow[]) =>
    billOf({ tariff, zone, period: ['2026-03-01', '2026-04-01'], channels: QUARTER_HOURS, rows });
  const print = (rows: readonly IntervalRow[]) => {
    const { lines, taxes, net, total } = bill(rows);
    return [
      ...lines.map(({ code, quantity, amount }) => `${code} ${quantity} ${amount}`),
      ...taxes.map(({ code, base, amount }) => `${code} ${base} ${amount}`),
      `${net} ${total}`,
    ];
  };

  it('prints the estimates', () => {
    expect(print(estimated)).toEqual([
      'energy.night 68.367 4.67',
      'energy.off 412.961 47.04',
      'energy.peak 96.192 23.77',
      'customer 31 17.40',
      'state 92.88 3.72',
      'city 92.88 2.21',
      '92.88 98.81',
    ]);
    expect(bill(estimated).estimated).toBe(17);
  });

  it('prints the actuals', () => {
    expect(print(actual)).toEqual([
      'energy.night 68.616 4.69',
      'energy.off 413.104 47.05',
      'energy.peak 95.968 23.71',
      'customer 31 17.40',
      'state 92.85 3.71',
      'city 92.85 2.21',
      '92.85 98.77',
    ]);
    expect(bill(actual).estimated).toBe(0);
  });
});

describe('three months in whole pesos, over a change of the clock at midnight', () => {
  const zone = 'America/Santiago';
  const head = { currency: 'CLP', minorDigits: 0 };
  const taxes = [{ code: 'iva', rate: '0.19', base: ['n'] }];
  const fixed: Charge = {
    ...{ code: 'fixed', kind: 'per_month', price: '1150', tags: ['n'] },
    proration: 'actual_days',
  };
  const calendar = {
    holidays: [],
    restDays: [],
    days: {
      weekday: [
        ['00:00', '18:00', 'base'],
        ['18:00', '23:00', 'peak'],
        ['23:00', '24:00', 'base'],
      ],
      rest: [],
    },
  };
  const byTime = tariffOf(
    [
      { code: 'energy.base', kind: 'tou', period: 'base', price: '128.774', tags: ['n'] },
      { code: 'energy.peak', kind: 'tou', period: 'peak', price: '245.318', tags: ['n'] },
      fixed,
    ],
    { calendar, taxes },
    head,
  );
  const flat = tariffOf(
    [{ code: 'energy', kind: 'energy', price: '167.905', tags: ['n'] }, fixed],
    { taxes },
    head,
  );
  const small: Formula = ({ i, d }) => 180 + 15 * ((5 * i + d) % 12);
  const large: Formula = ({ i, d, h }) => 640 + 45 * ((7 * i + 2 * d) % 10) + 300 * Number(h >= 20);
  const rowsOf = (formula: Formula) =>
    load({ zone, from: '2026-03-01', to: '2026-06-01', minutes: 60, formula });
  const rows = { small: rowsOf(small), large: rowsOf(large) };

  it.each([
    ['2026-03-01', '2026-04-01', '36948', '124954', '133990', '40391'],
    ['2026-04-01', '2026-05-01', '35842', '121204', '130006', '39197'],
    ['2026-05-01', '2026-06-01', '36946', '125070', '134062', '40391'],
  ])('totals of %s to %s', (from, to, ...totals) => {
    const spec = { zone, period: [from, to] as const, channels: HOURS };
    const bills = [
      billOf({ ...spec, tariff: byTime, rows: rows.small }),
      billOf({ ...spec, tariff: byTime, rows: rows.large }),
      billOf({ ...spec, tariff: flat, rows: rows.large }),
      billOf({ ...spec, tariff: flat, rows: rows.small }),
    ];
    expect(bills.map(({ total }) => total)).toEqual(totals);
  });
});
