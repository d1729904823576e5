/**
 * Goal: what the database holds after an import is what a second, independent reading finds in the
 * file, value by value; a refused file leaves nothing; the same file again adds nothing.
 */
import { basename } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ImportFlags } from '../../../cli/import/options.ts';
import { storedRows } from '../../../db/conservation.ts';
import { QUALITY } from '../../../domain/index.ts';
import { accountsOf, type ImportWorld, importWorld, storedChannel } from '../../support/imports.ts';
import { sharedMissing } from '../shared.ts';
import {
  type Point,
  readNem12Independently,
  readSeriesIndependently,
  SCALE,
  textOf,
  totalsOf,
} from './independent.ts';
import { dataFiles } from './ours.ts';

const missing = sharedMissing();
/** Files alone: no estimates beside them. */
const CREATE: ImportFlags = { createMeters: true, close: false };

const LETTERS: ReadonlyMap<number, string> = new Map([
  [QUALITY.VALID.code, 'A'],
  [QUALITY.PROJECTED.code, 'E'],
  [QUALITY.SUBSTITUTED_FINAL.code, 'F'],
  [QUALITY.SUBSTITUTED.code, 'S'],
  [QUALITY.ESTIMATED_SOURCE.code, 'S'],
]);

/** The power of ten in a unit's name, told without the product. */
function prefixOf(unit: string): number {
  return /^m(?!3)/i.test(unit) ? 6 : unit.toLowerCase().startsWith('k') ? 3 : 0;
}

/** A channel in the database against the points of the file: each one, and the sums. */
async function agrees(
  world: ImportWorld,
  [serial, code]: readonly [string, string],
  unit: string,
  points: readonly Point[],
): Promise<void> {
  const channel = await storedChannel(world.db, serial, code);
  if (channel === undefined) throw new Error(`there is no channel ${serial} ${code}`);
  expect(channel.unit.toLowerCase()).toBe(unit.slice(prefixOf(unit) === 0 ? 0 : 1).toLowerCase());
  const toBase = 10n ** BigInt(SCALE + channel.exponent);
  const ours = channel.readings.map(({ startMs, value, quality }) => ({
    startMs,
    value: value * toBase,
    letter: LETTERS.get(quality) ?? `? ${quality}`,
  }));
  const fromUnit = 10n ** BigInt(prefixOf(unit));
  const theirs = points
    .filter((p): p is Point & { value: bigint } => p.value !== null)
    .map(({ startMs, value, letter }) => ({ startMs, value: value * fromUnit, letter }))
    .sort((a, b) => a.startMs - b.startMs);
  expect(totalsOf(ours)).toEqual(totalsOf(theirs));
  expect(lettersOf(ours)).toEqual(lettersOf(theirs));
  expect(ours).toEqual(theirs);
}

function lettersOf(points: readonly { letter: string }[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { letter } of points) counts[letter] = (counts[letter] ?? 0) + 1;
  return counts;
}

/** The import's own report and the rows in the tables tell of the same intervals. */
async function adds(world: ImportWorld, path: string, points: readonly Point[], flags = CREATE) {
  const done = await world.import(path, flags, MAPPING[basename(path)]);
  const absent = points.filter(({ value }) => value === null).length;
  const offered = points.length - absent;
  const nothing = { duplicate: 0, rejected: 0, quarantined: 0 };
  expect(done).toMatchObject({ intervals: points.length, absent });
  expect(done.counts).toEqual({ offered, stored: offered, ...nothing });
  const accounts = await accountsOf(world.db, `file:${basename(path)}`);
  expect(accounts).toMatchObject({ broken: 0, stored: offered, readings: offered, history: 0 });
}

/** Its 200 on line 6 leaves the mandatory UOM empty; a person has to say what it measures. */
const WITHOUT_UOM = 'Example_NEM12_different_interval_length.csv';
const MAPPING: Readonly<Record<string, string>> = { [WITHOUT_UOM]: 'nem12Units: { V1: V }' };

async function nem12(world: ImportWorld, path: string): Promise<void> {
  const expected = readNem12Independently(textOf(path), { V1: 'V' });
  await adds(
    world,
    path,
    [...expected.values()].flatMap((stream) => stream.points),
  );
  const seen = new Set<string>();
  for (const { point, serial, suffix, unit, intervalS, points } of expected.values()) {
    const plain = serial === '' ? point : serial;
    // After a change of interval length it counts as another meter.
    const meter = seen.has(`${plain} ${suffix}`) ? `${plain}@${intervalS / 60}min` : plain;
    seen.add(`${plain} ${suffix}`);
    await agrees(world, [meter, suffix], unit, points);
    expect((await storedChannel(world.db, meter, suffix))?.intervalS).toBe(intervalS);
  }
}

/** The same file once more: all duplicates, and not one row more or less. */
async function again(world: ImportWorld, path: string, flags = CREATE): Promise<void> {
  const before = await storedRows(world.db);
  const { counts, absent, intervals } = await world.import(path, flags, MAPPING[basename(path)]);
  expect(counts).toMatchObject({ stored: 0, rejected: 0, quarantined: 0 });
  expect(counts.duplicate).toBe(intervals - absent);
  expect(await storedRows(world.db)).toEqual(before);
  expect(before.rows).toBe(before.claimed);
}

const ZONES: Readonly<Record<string, string>> = {
  il: 'America/Chicago',
  uk: 'Europe/London',
};

if (missing !== undefined) {
  it(`the shared meter files are not here, so none is imported: ${missing}`, () => {
    expect(missing).toContain('METERLINE_SHARED');
  });
} else {
  describe('NEM12 between market participants', () => {
    let world: ImportWorld;
    beforeAll(async () => {
      world = await importWorld('nem12');
    });
    afterAll(() => world.remove());
    const files = dataFiles('nem12');
    it.each(files)('$name', ({ path }) => nem12(world, path));
    const twice = files.filter(({ name }) => /SCENARIO(08|10)|000005|S09/.test(name));
    it.each(twice)('$name again', ({ path }) => again(world, path));
  });

  describe('NEM examples', () => {
    const files = dataFiles('nem_examples').filter(({ name }) => !name.includes('NEM13'));
    // They share NMIs and serials, so each has a database of its own.
    it.each(files)('$name', async ({ name, path }) => {
      const world = await importWorld(name.slice(0, 30));
      try {
        await nem12(world, path);
        if (/solar|quality|Western/.test(name)) await again(world, path);
      } finally {
        await world.remove();
      }
    });
  });

  describe('NEM12 that is invalid on purpose', () => {
    let world: ImportWorld;
    beforeAll(async () => {
      world = await importWorld('invalid');
    });
    afterAll(() => world.remove());
    it.each(dataFiles('nem_invalid'))('$name is refused and leaves nothing', async ({ path }) => {
      const outcome = await world.take(path, CREATE);
      if (outcome.state !== 'refused') throw new Error('it was taken');
      const [first] = outcome.problems.filter(({ fatal }) => fatal);
      expect(first?.line).toBeGreaterThan(0);
      expect(first?.detail.length).toBeGreaterThan(10);
      const [rows] = await world.db.query<{ n: bigint }>(
        `SELECT (SELECT count(*) FROM batch) + (SELECT count(*) FROM reading)
           + (SELECT count(*) FROM quarantine) + (SELECT count(*) FROM meter)
           + (SELECT count(*) FROM service_point) AS n`,
      );
      expect(rows?.n).toBe(0n);
    });
  });

  describe('series of households', () => {
    let world: ImportWorld;
    beforeAll(async () => {
      world = await importWorld('series');
    });
    afterAll(() => world.remove());
    const files = dataFiles('eemeter').map((file) => {
      const zone = ZONES[file.name.slice(0, 2)] as string;
      return { ...file, flags: { ...CREATE, zone } };
    });
    it.each(files)('$name', async ({ name, path, flags }) => {
      const points = readSeriesIndependently(textOf(path));
      await adds(world, path, points, flags);
      const meter = name.replace('.csv.gz', '');
      await agrees(world, [meter, '1-0:1.8.0'], 'kWh', points);
      if (/daily|gas/.test(name)) await again(world, path, flags);
    });
  });
}
