/**
 * Goal: a bill from a real file is exact. Each amount equals one worked out here from the second,
 * independent reading of the file; a file that cannot be billed is held for the reason seen in it.
 */
import { readFileSync } from 'node:fs';
import { Decimal } from 'decimal.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type BilledAgreement, billAgreements } from '../../../billing/invoices/bill-agreements.ts';
import { parseTariff } from '../../../billing/tariffs/parse.ts';
import { agreementIds } from '../../../db/supplies.ts';
import { saveTariff } from '../../../db/tariffs.ts';
import { type ImportWorld, importWorld } from '../../support/imports.ts';
import { sharedMissing } from '../shared.ts';
import {
  type IndependentStream,
  type Point,
  readNem12Independently,
  readSeriesIndependently,
  SCALE,
  textOf,
} from './independent.ts';
import { dataFiles } from './ours.ts';

const missing = sharedMissing();
const EXAMPLES = new URL('../../../billing/tariffs/examples/', import.meta.url);
const HOUR = 3_600_000;

/** An example tariff, in force since before the files were written. */
async function addTariff(world: ImportWorld, code: string): Promise<void> {
  const text = readFileSync(new URL(`${code}.yaml`, EXAMPLES), 'utf8');
  const tariff = parseTariff(text.replace(/- from: '\d{4}-\d\d-\d\d'/, "- from: '2003-01-01'"));
  await world.db.transaction((tx) => saveTariff(tx, code, tariff, 'test'));
}

async function preview(world: ImportWorld, account: string, from: string, to: string) {
  const ids = await agreementIds(world.db, from, to, { accountNumber: account });
  const order = { mode: 'preview', from, to, nowMs: Date.now(), actor: 'test' } as const;
  const bills = await billAgreements(world.db, { ...order, agreementIds: ids, runId: null });
  expect(bills).toHaveLength(1);
  return bills[0] as BilledAgreement;
}

function cents(value: Decimal): string {
  return value.toDecimalPlaces(2, Decimal.ROUND_HALF_UP).toFixed(2);
}

/** kWh of points, from whole counts of 10^-SCALE of the unit in the file. */
function kwh(points: readonly Point[], unit: string): Decimal {
  const sum = points.reduce((total, { value }) => total + (value ?? 0n), 0n);
  const inFile = new Decimal(sum.toString()).div(new Decimal(10).pow(SCALE));
  return unit === 'wh' ? inFile.div(1_000) : inFile;
}

function amountsOf(bill: BilledAgreement): Record<string, string> {
  const lines = bill.bill?.lines.map(({ code, amount }) => [code, amount] as const) ?? [];
  return Object.fromEntries([...lines, ['total', bill.bill?.total ?? '']]);
}

/** flat.yaml by hand: energy, 12.50 a month by days of the month, 4 % on the rounded lines. */
function flatAmounts(energy: Decimal, days: readonly string[]): Record<string, string> {
  const months = days.reduce((sum, date) => {
    const [year, month] = date.split('-').map(Number) as [number, number];
    return sum.plus(new Decimal(1).div(new Date(Date.UTC(year, month, 0)).getUTCDate()));
  }, new Decimal(0));
  const lines = { energy: cents(energy.mul('0.1462')), customer: cents(months.mul('12.50')) };
  const net = new Decimal(lines.energy).plus(lines.customer);
  return { ...lines, total: cents(net.plus(cents(net.mul('0.04')))) };
}

/** Wall clock of a zone as 'YYYY-MM-DD', minute of the day and weekday (0 = Sunday). */
function wall(ms: number, offsetMs: number) {
  const date = new Date(ms + offsetMs);
  const minute = date.getUTCHours() * 60 + date.getUTCMinutes();
  return { date: date.toISOString().slice(0, 10), minute, weekday: date.getUTCDay() };
}

/** au-tou.yaml's summer by hand, in market time. */
function summerPeriod(ms: number): 'peak' | 'shoulder' | 'offpeak' {
  const { minute, weekday } = wall(ms, 10 * HOUR);
  const [from, to] = [7 * 60, 22 * 60];
  if (weekday === 0 || minute < from || minute >= to) return 'offpeak';
  if (weekday === 6) return 'shoulder';
  return minute >= 14 * 60 + 30 && minute < 20 * 60 + 30 ? 'peak' : 'shoulder';
}

function dayAfter(date: string): string {
  return new Date(Date.parse(`${date}T00:00:00Z`) + 24 * HOUR).toISOString().slice(0, 10);
}

/** Market dates of all points, in order. */
function datesOf(streams: readonly IndependentStream[]): string[] {
  const dates = streams.flatMap((s) => s.points.map((p) => wall(p.startMs, 10 * HOUR).date));
  return [...new Set(dates)].sort();
}

/** What keeps a service point from being billed on one import price, seen in the file itself. */
function obstacle(streams: readonly IndependentStream[]): RegExp | undefined {
  const imports = streams.filter((s) => /^E/.test(s.suffix) && s.unit.endsWith('wh'));
  if (imports.length === 0) return /needs an import channel, and there is none/;
  const lengths = new Set(imports.map(({ intervalS }) => intervalS));
  if (lengths.size > 1) return /import channels differ in unit, resolution or interval length/;
  if (imports.length > 1) return /two import channels measure at the same time/;
  const [stream] = imports as [IndependentStream];
  const projected = stream.points.filter(({ letter }) => letter === 'E').length;
  const all = stream.points.length;
  if (projected > 0) return new RegExp(`${projected} of ${all} intervals may not be billed`);
  const perDay = 86_400 / stream.intervalS;
  const complete = datesOf(streams).length * perDay === stream.points.length;
  return complete && stream.points.every(({ value }) => value !== null) ? undefined : /missing/;
}

async function billsNem12(world: ImportWorld, path: string): Promise<string[]> {
  const units = { V1: 'V' };
  await world.import(
    path,
    { createMeters: true, tariff: 'flat', close: false },
    'nem12Units: { V1: V }',
  );
  const streams = [...readNem12Independently(textOf(path), units).values()];
  const said: string[] = [];
  for (const point of new Set(streams.map((s) => s.point))) {
    const own = streams.filter((s) => s.point === point);
    const dates = datesOf(own);
    const [from, last] = [dates[0] as string, dates.at(-1) as string];
    const bill = await preview(world, `A-${point}`, from, dayAfter(last));
    const why = obstacle(own);
    if (why === undefined) {
      const stream = own.find((s) => s.suffix.startsWith('E')) as IndependentStream;
      const energy = kwh(stream.points, stream.unit);
      expect(amountsOf(bill)).toEqual(flatAmounts(energy, dates));
    } else {
      expect(bill).toMatchObject({ state: 'held', reason: expect.stringMatching(why) });
    }
    said.push(why === undefined ? 'billed' : why.source.replace(/\d+ of \d+ /, ''));
  }
  return said;
}

if (missing !== undefined) {
  it(`the shared meter files are not here, so none is billed: ${missing}`, () => {
    expect(missing).toContain('METERLINE_SHARED');
  });
} else {
  const pathOf = (folder: string, name: string) =>
    dataFiles(folder).find((file) => file.name.includes(name))?.path as string;

  describe('a month of five minutes with solar, on time of use', () => {
    it('is billed to the cent', async () => {
      const world = await importWorld('solar_bill');
      try {
        await addTariff(world, 'au-tou');
        const path = pathOf('nem_examples', 'month_solar');
        const done = await world.import(path, { createMeters: true, tariff: 'au-tou' });
        expect(done.closed).toMatchObject({ laidOut: 62, complete: 62, estimated: 0, missing: 0 });
        const bill = await preview(world, 'A-NMI1234567', '2023-03-01', '2023-04-01');
        const streams = [...readNem12Independently(textOf(path)).values()];
        const [exported, imported] = streams as [IndependentStream, IndependentStream];
        expect([exported.suffix, imported.suffix]).toEqual(['B1', 'E1']);
        const used = (period: string) =>
          kwh(
            imported.points.filter((p) => summerPeriod(p.startMs) === period),
            'kwh',
          );
        const taxed = {
          'usage.peak': cents(used('peak').mul('0.4215')),
          'usage.shoulder': cents(used('shoulder').mul('0.2678')),
          'usage.offpeak': cents(used('offpeak').mul('0.1934')),
          supply: cents(new Decimal(31).mul('1.0945')),
        };
        const base = Object.values(taxed).reduce((sum, amount) => sum.plus(amount), new Decimal(0));
        const feedin = cents(kwh(exported.points, 'kwh').mul('-0.0480'));
        const total = cents(base.plus(feedin).plus(cents(base.mul('0.10'))));
        expect(amountsOf(bill)).toEqual({ ...taxed, feedin, total });
      } finally {
        await world.remove();
      }
    });
  });

  describe('households by the hour, on one price', () => {
    let world: ImportWorld;
    beforeAll(async () => {
      world = await importWorld('hourly_bills');
      await addTariff(world, 'flat');
    });
    afterAll(() => world.remove());

    // A month each with 31 full days, and those with 743 and 745 hours. Offsets told by hand.
    const CHICAGO = { file: 'il-electricity-cdd-hdd-hourly', zone: 'America/Chicago' };
    const LONDON = { file: 'uk-electricity-hdd-only-hourly', zone: 'Europe/London' };
    it.each([
      { ...CHICAGO, month: '2017-01', from: '-06:00', to: '-06:00', hours: 744 },
      { ...CHICAGO, month: '2017-03', from: '-06:00', to: '-05:00', hours: 743 },
      { ...CHICAGO, month: '2017-11', from: '-05:00', to: '-06:00', hours: 721 },
      { ...LONDON, month: '2021-06', from: '+01:00', to: '+01:00', hours: 720 },
      { ...LONDON, month: '2021-10', from: '+01:00', to: '+00:00', hours: 745 },
    ])('$file $month', async ({ file, zone, month, from, to, hours }) => {
      const path = pathOf('eemeter', file);
      const { counts } = await world.import(path, { createMeters: true, tariff: 'flat', zone });
      expect(counts.stored + counts.duplicate).toBe(counts.offered);
      const [year, number] = month.split('-').map(Number) as [number, number];
      const next = new Date(Date.UTC(year, number, 1)).toISOString().slice(0, 10);
      const fromMs = Date.parse(`${month}-01T00:00:00${from}`);
      const toMs = Date.parse(`${next}T00:00:00${to}`);
      const points = readSeriesIndependently(textOf(path)).filter(
        (p) => p.startMs >= fromMs && p.startMs < toMs,
      );
      expect(points).toHaveLength(hours);
      const days = Array.from(
        { length: new Date(Date.UTC(year, number, 0)).getUTCDate() },
        (_, i) => `${month}-${String(i + 1).padStart(2, '0')}`,
      );
      const name = path.replace(/^.*\//, '').replace('.csv.gz', '');
      const bill = await preview(world, `A-${name}`, `${month}-01`, next);
      expect(amountsOf(bill)).toEqual(flatAmounts(kwh(points, 'kwh'), days));
    });
  });

  describe('NEM12 files, on one price: billed, or held for what stands in the file', () => {
    let world: ImportWorld;
    const outcomes: string[] = [];
    beforeAll(async () => {
      world = await importWorld('nem12_bills');
      await addTariff(world, 'flat');
    });
    afterAll(() => world.remove());
    // The second file of a service point would be billed with the channels of the first.
    const files = dataFiles('nem12').filter(({ name }) => !/(07|000007)_/.test(name));
    it.each(files)('$name', async ({ path }) => {
      outcomes.push(...(await billsNem12(world, path)));
    });
    // Reconfigured from 15 to 30 minutes on the third day: before and after are billed.
    it.each(['A-NEM1205086', 'A-NEM1205088'])('%s by configuration', async (account) => {
      const name = account.endsWith('86') ? 'S05_INTEGM' : 'SCENARIO05';
      const file = textOf(pathOf('nem12', name));
      const streams = [...readNem12Independently(file).values()];
      expect(streams.map((s) => s.intervalS)).toEqual([900, 1_800]);
      for (const stream of streams) {
        const dates = datesOf([stream]);
        const last = dayAfter(dates.at(-1) as string);
        const bill = await preview(world, account, dates[0] as string, last);
        expect(amountsOf(bill)).toEqual(flatAmounts(kwh(stream.points, 'kwh'), dates));
      }
    });
    it('some are billed, and each obstacle occurs', () => {
      expect(outcomes.filter((o) => o === 'billed').length).toBeGreaterThan(5);
      expect(new Set(outcomes).size).toBe(5);
    });
  });
}
