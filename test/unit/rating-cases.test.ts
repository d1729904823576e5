/** Bills worked out by hand; the arithmetic stands beside each. */
import { describe, expect, it } from 'vitest';
import type { Charge } from '../../billing/tariffs/schema.ts';
import { amounts, billOf, HOURS, load, QUARTER_HOURS, tariffOf } from './rating-load.ts';

const zone = 'Europe/Madrid';
const oneKwh = () => 1_000;

const nightDay = {
  holidays: [],
  restDays: [],
  days: {
    weekday: [
      ['00:00', '08:00', 'night'],
      ['08:00', '24:00', 'day'],
    ],
  },
};
const nightDayCharges: Charge[] = [
  { code: 'night', kind: 'tou', period: 'night', price: '0.10', tags: [] },
  { code: 'day', kind: 'tou', period: 'day', price: '0.25', tags: [] },
];

describe('days that are not 24 hours long', () => {
  const tariff = tariffOf(nightDayCharges, { calendar: nightDay });
  const bill = (from: string, to: string) => {
    const rows = load({ zone, from, to, minutes: 60, formula: oneKwh });
    return billOf({ tariff, period: [from, to], channels: HOURS, rows });
  };

  it('bill a night of seven hours in spring', () => {
    // 7 x 0.10 and 16 x 0.25
    expect(amounts(bill('2026-03-29', '2026-03-30'))).toEqual({ night: '0.70', day: '4.00' });
  });

  it('bill a night of nine hours in autumn', () => {
    // 9 x 0.10 and 16 x 0.25
    expect(amounts(bill('2026-10-25', '2026-10-26'))).toEqual({ night: '0.90', day: '4.00' });
  });
});

describe('a tariff that changes inside the period', () => {
  const charges = (energy: string, day: string): Charge[] => [
    { code: 'energy', kind: 'energy', price: energy, tags: ['n'] },
    { code: 'fixed', kind: 'per_day', price: day, tags: ['n'] },
  ];
  const vat = (rate: string) => [{ code: 'vat', rate, base: ['n'] }];
  const bill = (secondRate: string) => {
    const dueDays = 10;
    const versions = [
      { from: '2026-01-01', to: '2026-03-16', charges: charges('0.10', '0.5'), taxes: vat('0.21') },
      { from: '2026-03-16', charges: charges('0.12', '0.6'), taxes: vat(secondRate) },
    ].map((version) => ({ ...version, dueDays }));
    const tariff = tariffOf([], {}, { versions });
    const [from, to] = ['2026-03-01', '2026-04-01'];
    const rows = load({ zone, from, to, minutes: 60, formula: oneKwh });
    return billOf({ tariff, period: [from, to], channels: HOURS, rows });
  };

  it('bills intervals and days by the version they fall in', () => {
    // 15 days: 360 kWh x 0.10 = 36.00, 15 x 0.5 = 7.50
    // 16 days less an hour: 383 kWh x 0.12 = 45.96, 16 x 0.6 = 9.60
    const { lines, net } = bill('0.21');
    expect(lines.map((l) => [l.code, l.from, l.to, l.quantity, l.amount, l.tariffVersion])).toEqual(
      [
        ['energy', '2026-03-01', '2026-03-16', '360.000', '36.00', 0],
        ['fixed', '2026-03-01', '2026-03-16', '15', '7.50', 0],
        ['energy', '2026-03-16', '2026-04-01', '383.000', '45.96', 1],
        ['fixed', '2026-03-16', '2026-04-01', '16', '9.60', 1],
      ],
    );
    expect(net).toBe('99.06');
  });

  it('takes a tax that did not change once: 99.06 x 0.21 = 20.8026', () => {
    const { taxes, total } = bill('0.21');
    expect(taxes).toEqual([{ code: 'vat', base: '99.06', rate: '0.21', amount: '20.80' }]);
    expect(total).toBe('119.86');
  });

  it('takes a tax that changed on each side: 9.135 and 5.556', () => {
    const { taxes, total } = bill('0.10');
    expect(taxes).toEqual([
      { code: 'vat', base: '43.50', rate: '0.21', amount: '9.14' },
      { code: 'vat', base: '55.56', rate: '0.10', amount: '5.56' },
    ]);
    // 99.06 + 9.14 + 5.56
    expect(total).toBe('113.76');
  });
});

describe('months', () => {
  const monthly = (proration: 'actual_days' | 'days_30' | 'none'): Charge => ({
    code: 'fee',
    kind: 'per_month',
    price: '12.50',
    proration,
    tags: [],
  });
  const fee = (proration: 'actual_days' | 'days_30' | 'none', from: string, to: string) => {
    const [line] = billOf({ tariff: tariffOf([monthly(proration)]), period: [from, to] }).lines;
    return [line?.quantity, line?.amount];
  };

  it('of actual days: 17/31 + 12/28 = 0.976958..., x 12.50 = 12.2119...', () => {
    expect(fee('actual_days', '2026-01-15', '2026-02-13')).toEqual(['0.976959', '12.21']);
  });

  it('of actual days are one when whole, whatever their length', () => {
    for (const [from, to] of [
      ['2026-02-01', '2026-03-01'],
      ['2028-02-01', '2028-03-01'],
      ['2026-03-01', '2026-04-01'],
    ] as const) {
      expect(fee('actual_days', from, to)).toEqual(['1', '12.50']);
    }
    expect(fee('actual_days', '2026-01-01', '2027-01-01')).toEqual(['12', '150.00']);
  });

  it('of thirty days: 29/30 x 12.50 = 12.0833..., 31/30 x 12.50 = 12.9166...', () => {
    expect(fee('days_30', '2026-01-15', '2026-02-13')).toEqual(['0.966667', '12.08']);
    expect(fee('days_30', '2026-03-01', '2026-04-01')).toEqual(['1.033333', '12.92']);
  });

  it('without proration are charged once a period, also when the tariff changes in it', () => {
    expect(fee('none', '2026-01-15', '2026-02-13')).toEqual(['1', '12.50']);
    const rest = { charges: [monthly('none')], taxes: [], dueDays: 1 };
    const versions = [
      { from: '2026-01-01', to: '2026-02-01', ...rest },
      { from: '2026-02-01', ...rest },
    ];
    const tariff = tariffOf([], {}, { versions });
    const { lines } = billOf({ tariff, period: ['2026-01-15', '2026-02-13'] });
    expect(lines.map(({ from, amount }) => [from, amount])).toEqual([['2026-01-15', '12.50']]);
  });
});

describe('rounding', () => {
  const day = (price: string, mode: string, minorDigits = 2) => {
    const charge: Charge = { code: 'x', kind: 'per_day', price, tags: [] };
    const head = { rounding: { mode, place: 'line' }, minorDigits };
    return amounts(
      billOf({ tariff: tariffOf([charge], {}, head), period: ['2026-01-01', '2026-01-02'] }),
    )['x'];
  };

  it.each([
    ['HALF_UP', '0.125', '0.13'],
    ['HALF_EVEN', '0.125', '0.12'],
    ['DOWN', '0.125', '0.12'],
    ['HALF_UP', '0.135', '0.14'],
    ['HALF_EVEN', '0.135', '0.14'],
    ['DOWN', '0.139', '0.13'],
    ['HALF_EVEN', '0.12500000000000000001', '0.13'],
    ['HALF_UP', '0.12499999999999999999', '0.12'],
    ['HALF_UP', '-0.125', '-0.13'],
    ['HALF_EVEN', '-0.125', '-0.12'],
    ['DOWN', '-0.129', '-0.12'],
    ['HALF_UP', '-0.004', '0.00'],
  ])('%s makes %s to %s', (mode, price, printed) => {
    expect(day(price, mode)).toBe(printed);
  });

  it('goes to the minor unit of the currency', () => {
    expect(day('1149.5', 'HALF_UP', 0)).toBe('1150');
    expect(day('1.23456', 'HALF_UP', 3)).toBe('1.235');
  });

  it('rounds a sum once: 3 days x 0.335 = 1.005 is 1.01, not 3 x 0.34', () => {
    const charge: Charge = { code: 'x', kind: 'per_day', price: '0.335', tags: [] };
    const bill = billOf({ tariff: tariffOf([charge]), period: ['2026-01-01', '2026-01-04'] });
    expect(bill.net).toBe('1.01');
  });
});

describe('taxes', () => {
  it('are taken on taxes that carry a tag of their base, each rounded once', () => {
    // a: 10.05 x 0.1 = 1.005 -> 1.01; b: (10.05 + 1.01) x 0.05 = 0.553 -> 0.55;
    // c: (1.01 + 0.55) x 0.5 = 0.78; total 10.05 + 1.01 + 0.55 + 0.78
    const charge: Charge = { code: 'x', kind: 'per_day', price: '10.05', tags: ['n', 'm'] };
    const taxes = [
      { code: 'a', rate: '0.1', base: ['n', 'm'], tag: 'ta' },
      { code: 'b', rate: '0.05', base: ['n', 'ta'], tag: 'tb' },
      { code: 'c', rate: '0.5', base: ['ta', 'tb'] },
    ];
    const bill = billOf({
      tariff: tariffOf([charge], { taxes }),
      period: ['2026-01-01', '2026-01-02'],
    });
    expect(bill.taxes.map(({ base, amount }) => [base, amount])).toEqual([
      ['10.05', '1.01'],
      ['11.06', '0.55'],
      ['1.56', '0.78'],
    ]);
    expect(bill.total).toBe('12.39');
  });
});

describe('what is fed in', () => {
  const charges: Charge[] = [
    { code: 'energy', kind: 'energy', price: '0.20', tags: ['n'] },
    { code: 'surplus', kind: 'energy', direction: 'export', price: '0.06', tags: ['n'] },
  ];
  const taxes = [{ code: 'vat', rate: '0.21', base: ['n'] }];
  const [from, to] = ['2026-01-01', '2026-01-02'];
  const spec = { zone, from, to, minutes: 60 };
  const both = { ...HOURS, export: { unit: 'Wh', exponent: 0, intervalS: 3_600 } } as const;
  const imported = load({ ...spec, formula: oneKwh });
  const fedIn = (wh: number) => load({ ...spec, formula: () => wh, direction: 'export' });

  it('is a credit: 24 x 0.20 - 12 x 0.06 = 4.08, tax 0.8568', () => {
    const tariff = tariffOf(charges, { taxes });
    const rows = [...imported, ...fedIn(500)];
    const bill = billOf({ tariff, period: [from, to], channels: both, rows });
    expect(bill.lines[1]).toMatchObject({ quantity: '12.000', factor: '-1', amount: '-0.72' });
    expect([bill.net, bill.taxes[0]?.amount, bill.total]).toEqual(['4.08', '0.86', '4.94']);
  });

  it('may exceed what is taken, which is a bill in favour of the customer', () => {
    // 24 h x 5 kWh = 120 kWh x 0.06 = 7.20; 4.80 - 7.20 = -2.40; tax -0.504
    const tariff = tariffOf(charges, { taxes });
    const rows = [...imported, ...fedIn(5_000)];
    const bill = billOf({ tariff, period: [from, to], channels: both, rows });
    expect([bill.net, bill.taxes[0]?.amount, bill.total]).toEqual(['-2.40', '-0.50', '-2.90']);
  });

  it('never prints a negative zero', () => {
    const tariff = tariffOf(charges, { taxes });
    const rows = [...imported, ...fedIn(0)];
    const bill = billOf({ tariff, period: [from, to], channels: both, rows });
    expect(bill.lines[1]).toMatchObject({ quantity: '0.000', exact: '0', amount: '0.00' });
  });

  it('leaves no line where there is no generator', () => {
    const tariff = tariffOf(charges, { taxes });
    const bill = billOf({ tariff, period: [from, to], channels: HOURS, rows: imported });
    expect(bill.lines.map(({ code }) => code)).toEqual(['energy']);
  });

  it('can be priced by time of use and by a factor of its own', () => {
    // night 8 kWh x 0.10 x -0.5 = -0.40, day 16 kWh x 0.25 x -0.5 = -2.00
    const exported = nightDayCharges.map(
      (charge) => ({ ...charge, direction: 'export', factor: '-0.5' }) as Charge,
    );
    const tariff = tariffOf(exported, { calendar: nightDay });
    const bill = billOf({ tariff, period: [from, to], channels: both, rows: fedIn(1_000) });
    expect(amounts(bill)).toEqual({ night: '-0.40', day: '-2.00' });
  });
});

describe('quantities', () => {
  const energy: Charge = { code: 'e', kind: 'energy', price: '1', tags: [] };
  const printed = (unit: 'Wh' | 'L', exponent: number) => {
    const [from, to] = ['2026-01-01', '2026-01-02'];
    const rows = load({ zone, from, to, minutes: 60, formula: () => 7 });
    const channels = { import: { unit, exponent, intervalS: 3_600 } } as const;
    const [line] = billOf({ tariff: tariffOf([energy]), period: [from, to], channels, rows }).lines;
    return `${line?.quantity} ${line?.unit}`;
  };

  it('keep the resolution of the channel: 24 x 7 counts', () => {
    expect(printed('Wh', 0)).toBe('0.168 kWh');
    expect(printed('Wh', 2)).toBe('16.8 kWh');
    expect(printed('Wh', 3)).toBe('168 kWh');
    expect(printed('Wh', 4)).toBe('1680 kWh');
    expect(printed('Wh', -3)).toBe('0.000168 kWh');
    expect(printed('L', 0)).toBe('0.168 m3');
  });

  it('of contracted power come from the agreement: 5.75 kW x 3 days x 0.1 = 1.725', () => {
    const charge: Charge = {
      ...{ code: 'p', kind: 'per_kw_day', price: '0.1', tags: [] },
      kw: { contract: 'kw' },
    };
    const spec = { tariff: tariffOf([charge]), period: ['2026-01-01', '2026-01-04'] } as const;
    const bill = billOf({ ...spec, contract: { kw: '5.75' }, channels: QUARTER_HOURS });
    expect(bill.lines[0]).toMatchObject({ quantity: '17.250', unit: 'kW.day', amount: '1.73' });
  });
});
