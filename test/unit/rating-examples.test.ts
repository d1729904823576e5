/** The example tariffs billed for a few days, worked out by hand. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseTariff } from '../../billing/tariffs/parse.ts';
import { amounts, billOf, HOURS, load } from './rating-load.ts';

const zone = 'Europe/Madrid';
const oneKwh = () => 1_000;

describe('the example tariffs', () => {
  const example = (name: string) =>
    parseTariff(
      readFileSync(new URL(`../../billing/tariffs/examples/${name}`, import.meta.url), 'utf8'),
    );

  it('bill a Monday of Sydney in market time, an hour behind the wall in summer', () => {
    // The day lasts from 23:00 of Sunday to 23:00 in market time, 1 kWh an hour:
    // off-peak 23-24, 0-7 and 22-23: 9 x 0.1934 = 1.7406; shoulder 7-14:30 and 20:30-22:
    // 9 x 0.2678 = 2.4102; peak 14:30-20:30: 6 x 0.4215 = 2.529; supply 1.0945; GST 0.777
    const sydney = 'Australia/Sydney';
    const [from, to] = ['2026-01-05', '2026-01-06'];
    const rows = load({ zone: sydney, from, to, minutes: 30, formula: () => 500 });
    const channels = { import: { unit: 'Wh', exponent: 0, intervalS: 1_800 } } as const;
    const tariff = example('au-tou.yaml');
    const bill = billOf({ tariff, zone: sydney, period: [from, to], channels, rows });
    expect(amounts(bill)).toEqual({
      'usage.peak': '2.53',
      'usage.shoulder': '2.41',
      'usage.offpeak': '1.74',
      supply: '1.09',
    });
    expect([bill.net, bill.taxes[0]?.amount, bill.total]).toEqual(['7.77', '0.78', '8.55']);
  });

  it('bill New Year over a change of prices, with contracted power', () => {
    // Two holidays at 1 kWh an hour, all valley: 24 x 0.084302 is 2.02, 24 x 0.086911 is 2.09;
    // power 4.6 x 0.075901 = 0.349, 4.6 x 0.001987 = 0.009; then 4.6 x 0.077115, x 0.002014
    const [from, to] = ['2026-12-25', '2026-12-26'];
    const tariff = example('residential-tou.yaml');
    const contract = { kwP1: '4.6', kwP2: '4.6' };
    const bill = (start: string, end: string) =>
      billOf({
        ...{ tariff, period: [start, end], channels: HOURS, contract },
        rows: load({ zone, from: start, to: end, minutes: 60, formula: oneKwh }),
      });
    expect(amounts(bill(from, to))).toEqual({
      'energy.P3': '2.02',
      'power.P1': '0.35',
      'power.P2': '0.01',
      rental: '0.03',
    });
    const change = bill('2026-12-31', '2027-01-02').lines.filter((l) => l.code === 'energy.P3');
    // 31 December is a Thursday with 8 hours of valley: 8 x 0.084302 = 0.674416.
    expect(change.map(({ quantity, amount }) => [quantity, amount])).toEqual([
      ['8.000', '0.67'],
      ['24.000', '2.09'],
    ]);
  });
});
