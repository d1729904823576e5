/** What must hold for any load, any tariff and any date: rating.md section 6 and more. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addDays, localDays } from '../../billing/calendar/local.ts';
import { type IntervalRow, sumIntervals } from '../../billing/rating/determinant.ts';
import { type Channels, makeRatingPlan } from '../../billing/rating/plan.ts';
import { type RatedBill, rateByPlan } from '../../billing/rating/rate.ts';
import type { Charge, Tariff } from '../../billing/tariffs/schema.ts';
import { formatScaled, QUALITY, scaledBigint } from '../../domain/index.ts';
import { tariffOf } from './rating-load.ts';

const channels: Channels = {
  import: { unit: 'Wh', exponent: 0, intervalS: 1_800 },
};

const zones = fc.constantFrom(
  ...['Europe/Madrid', 'America/Santiago', 'Australia/Lord_Howe', 'Asia/Kolkata', 'UTC'],
);
// Spans all changes of the clock of 2026 in every zone above.
const startDate = fc.integer({ min: 0, max: 330 }).map((day) => addDays('2026-01-01', day));
const price = fc.integer({ min: 0, max: 2_000_000 }).map((n) => formatScaled(n, 6));
const taxRate = fc.integer({ min: 0, max: 300_000 }).map((n) => formatScaled(n, 6));
const mode = fc.constantFrom('HALF_UP', 'HALF_EVEN', 'DOWN');

interface World {
  readonly zone: string;
  readonly from: string;
  readonly days: number;
  readonly prices: readonly string[];
  readonly rates: readonly string[];
  readonly mode: string;
  readonly seed: number;
}

const world: fc.Arbitrary<World> = fc.record({
  zone: zones,
  from: startDate,
  days: fc.integer({ min: 2, max: 12 }),
  prices: fc.tuple(price, price, price, price, price, price),
  rates: fc.tuple(taxRate, taxRate),
  mode,
  seed: fc.integer({ min: 0, max: 1_000_000 }),
});

function chargesOf(prices: readonly string[]): Charge[] {
  const at = (index: number) => prices[index] ?? '0';
  return [
    { code: 'low', kind: 'tou', period: 'low', price: at(0), tags: ['e'] },
    { code: 'high', kind: 'tou', period: 'high', price: at(1), tags: ['e'] },
    { code: 'levy', kind: 'energy', price: at(2), tags: ['e', 'l'] },
    { code: 'day', kind: 'per_day', price: at(3), tags: ['f'] },
    { code: 'kw', kind: 'per_kw_day', kw: '3.45', price: at(4), tags: ['f'] },
    {
      ...{ code: 'month', kind: 'per_month', price: at(5), tags: ['f'] },
      proration: 'actual_days',
    },
  ];
}

function tariffIn(w: World, charges = chargesOf(w.prices)): Tariff {
  const [first = '0', second = '0'] = w.rates;
  return tariffOf(
    charges,
    {
      calendar: {
        holidays: [addDays(w.from, 1)],
        restDays: [7],
        days: {
          weekday: [
            ['00:00', '02:30', 'low'],
            ['02:30', '21:30', 'high'],
            ['21:30', '24:00', 'low'],
          ],
          rest: [['00:00', '24:00', 'low']],
        },
      },
      taxes: [
        { code: 'a', rate: first, base: ['e', 'l'], tag: 'ta' },
        { code: 'b', rate: second, base: ['e', 'f', 'ta'] },
      ],
    },
    { rounding: { mode: w.mode, place: 'line' } },
  );
}

function rowsIn(w: World): IntervalRow[] {
  const to = addDays(w.from, w.days);
  return localDays(w.zone, w.from, to).flatMap(({ fromMs, toMs }) =>
    // Half hours on the UTC grid, as readings are.
    Array.from({ length: (toMs - fromMs) / 1_800_000 }, (_, i) => ({
      channelDirection: 'import' as const,
      startMs: fromMs + i * 1_800_000,
      value: (w.seed * 31 + i * i * 7 + fromMs / 1_800_000) % 5_000,
      batchId: 7 + i,
      quality: i % 9 === 0 ? QUALITY.ESTIMATED_LINEAR.code : QUALITY.VALID.code,
    })),
  );
}

function billIn(w: World, tariff: Tariff, rows: readonly IntervalRow[], from = w.from, n = w.days) {
  const plan = makeRatingPlan(tariff, w.zone, [from, addDays(from, n)], channels);
  return rateByPlan(plan, { contract: {}, determinants: sumIntervals(plan.sums, rows) });
}

const cents = (text: string) => scaledBigint(text, 2) as bigint;
const sum = (texts: readonly string[]) => texts.reduce((total, text) => total + cents(text), 0n);
const wh = (bill: RatedBill, code: string) =>
  bill.lines
    .filter((line) => line.code === code)
    .reduce((total, { quantity }) => total + (scaledBigint(quantity, 3) as bigint), 0n);

const check = (name: string, test: (w: World, extra: number) => void) =>
  it(name, () => {
    fc.assert(
      fc.property(world, fc.nat(), (w, extra) => test(w, extra)),
      { numRuns: 60 },
    );
  });

describe('any bill', () => {
  check('is the sum of what it prints', (w) => {
    const { lines, taxes, net, total } = billIn(w, tariffIn(w), rowsIn(w));
    expect(cents(net)).toBe(sum(lines.map(({ amount }) => amount)));
    expect(cents(total)).toBe(cents(net) + sum(taxes.map(({ amount }) => amount)));
  });

  check('bills each watt-hour once, on days of any length', (w) => {
    const rows = rowsIn(w);
    const bill = billIn(w, tariffIn(w), rows);
    const all = rows.reduce((total, { value }) => total + BigInt(value), 0n);
    expect(wh(bill, 'low') + wh(bill, 'high')).toBe(all);
    expect(wh(bill, 'levy')).toBe(all);
  });

  check('has the same energy when the period is cut at any date', (w, extra) => {
    const first = 1 + (extra % (w.days - 1));
    const [tariff, rows] = [tariffIn(w), rowsIn(w)];
    const whole = billIn(w, tariff, rows);
    const a = billIn(w, tariff, rows, w.from, first);
    const b = billIn(w, tariff, rows, addDays(w.from, first), w.days - first);
    for (const code of ['low', 'high', 'levy']) {
      expect(wh(a, code) + wh(b, code)).toBe(wh(whole, code));
    }
  });

  check('has the same energy when a version with the same prices begins inside it', (w, extra) => {
    const tariff = tariffIn(w);
    const cut = addDays(w.from, 1 + (extra % (w.days - 1)));
    const [version] = tariff.versions;
    const versions = [
      { ...version, to: cut },
      { ...version, from: cut },
    ] as Tariff['versions'];
    const rows = rowsIn(w);
    const whole = billIn(w, tariff, rows);
    const parts = billIn(w, { ...tariff, versions }, rows);
    for (const code of ['low', 'high', 'levy']) expect(wh(parts, code)).toBe(wh(whole, code));
    const days = parts.lines.filter(({ code }) => code === 'day').map((l) => Number(l.quantity));
    expect(days.reduce((total, n) => total + n, 0)).toBe(w.days);
    expect(parts.taxes).toHaveLength(2);
  });

  check('does not depend on the order of intervals or determinants', (w, extra) => {
    const [tariff, rows] = [tariffIn(w), rowsIn(w)];
    const mixed = rows
      .map((row, i) => ({ row, key: (i * 7_919 + extra) % 1_009 }))
      .sort((a, b) => a.key - b.key)
      .map(({ row }) => row);
    expect(billIn(w, tariff, mixed)).toEqual(billIn(w, tariff, rows));
  });

  check('never falls when a price rises', (w, extra) => {
    const rows = rowsIn(w);
    const place = extra % w.prices.length;
    const raised = w.prices.map((p, i) =>
      i === place
        ? formatScaled((scaledBigint(p, 6) as bigint) + BigInt(1 + (extra % 99_999)), 6)
        : p,
    );
    const before = billIn(w, tariffIn(w), rows);
    const after = billIn(w, tariffIn(w, chargesOf(raised)), rows);
    expect(cents(after.total)).toBeGreaterThanOrEqual(cents(before.total));
    expect(after.inputHash).not.toBe(before.inputHash);
  });

  check('is the same when made twice, from rows read anew', (w) => {
    const once = billIn(w, tariffIn(w), rowsIn(w));
    const twice = billIn(w, tariffIn(w), rowsIn(w));
    expect(twice).toEqual(once);
    expect(once.inputHash).toMatch(/^[0-9a-f]{64}$/);
  });

  check('changes its input hash when one version behind it changes', (w, extra) => {
    const rows = rowsIn(w);
    const place = extra % rows.length;
    const hash = (change: (row: IntervalRow) => IntervalRow) =>
      billIn(
        w,
        tariffIn(w),
        rows.map((row, i) => (i === place ? change(row) : row)),
      ).inputHash;
    const hashes = [
      hash((row) => row),
      hash((row) => ({ ...row, value: Number(row.value) + 1 })),
      hash((row) => ({ ...row, batchId: Number(row.batchId) + 1 })),
      hash((row) => ({ ...row, quality: QUALITY.EDITED.code })),
    ];
    expect(new Set(hashes).size).toBe(4);
  });

  check('is not moved by values of nought from another direction', (w) => {
    const rows = rowsIn(w);
    const noise = rows.map((row) => ({ ...row, channelDirection: 'export' as const, value: 0 }));
    expect(billIn(w, tariffIn(w), [...rows, ...noise])).toEqual(billIn(w, tariffIn(w), rows));
  });
});
