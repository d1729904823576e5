/** Goal: every shared meter file is read as a second, independent reading reads it, or refused. */
import { basename } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { FormatOptions, Problem } from '../../../ingest/formats/format.ts';
import { sharedMissing } from '../shared.ts';
import {
  bigDecimal,
  readNem12Independently,
  readSeriesIndependently,
  textOf,
  totalsOf,
} from './independent.ts';
import { dataFiles, pointsOf, readWhole } from './ours.ts';

const missing = sharedMissing();

async function agreesOnNem12(path: string, options: FormatOptions = {}): Promise<void> {
  const { survey, events, streams } = await readWhole(path, options);
  expect(survey.problems.filter((p) => p.fatal)).toEqual([]);
  const expected = readNem12Independently(textOf(path), options.nem12Units);
  const ours = new Map(
    streams.map(({ declaration: d, blocks }) => [
      [d.servicePoint, d.serial ?? '', d.channel, d.unit.toLowerCase(), d.intervalS].join('/'),
      { blocks, points: pointsOf(blocks) },
    ]),
  );
  expect([...ours.keys()]).toEqual([...expected.keys()]);
  for (const [key, theirs] of expected) {
    const { blocks, points } = ours.get(key) as NonNullable<ReturnType<typeof ours.get>>;
    expect(totalsOf(points)).toEqual(totalsOf(theirs.points));
    expect(points.map(({ startMs, value, letter }) => ({ startMs, value, letter }))).toEqual(
      theirs.points.map(({ startMs, value, letter }) => ({ startMs, value, letter })),
    );
    expect(points.map((p) => p.outage)).toEqual(theirs.points.map((p) => p.reason === '79'));
    expect(points.map((p) => p.clockSet)).toEqual(theirs.points.map((p) => p.reason === '89'));
    expect(Math.max(0, ...blocks.map((b) => b.versionMs ?? 0))).toBe(theirs.newestMs);
  }
  const all = [...expected.values()].flatMap((stream) => stream.points);
  const { intervals, absent } = totalsOf(all);
  expect(events.at(-1)).toMatchObject({ kind: 'end', summary: { intervals, absent } });
}

async function agreesOnSeries(path: string): Promise<void> {
  const { survey, events, streams } = await readWhole(path);
  expect(survey.accepted).toBe(true);
  expect(streams).toHaveLength(1);
  const points = pointsOf(streams[0]?.blocks ?? []);
  const theirs = readSeriesIndependently(textOf(path));
  expect(totalsOf(points)).toEqual(totalsOf(theirs));
  expect(points.map(({ startMs, value }) => ({ startMs, value }))).toEqual(
    theirs.map(({ startMs, value }) => ({ startMs, value })),
  );
  // These files have no gaps: every interval, a day of 23 or 25 hours too, ends where the next
  // one starts.
  expect(points.slice(0, -1).map((p) => p.endMs)).toEqual(theirs.slice(1).map((p) => p.startMs));
  // Taking away the traces of floating point moved the sum by less than 10^-12 a value.
  const digits = textOf(path).match(/(?<=,)\d[\d.]*/g) ?? [];
  const unrounded = digits.reduce((sum, text) => sum + bigDecimal(text, 20), 0n);
  const moved = totalsOf(points).sum * 10n ** 11n - unrounded;
  expect(moved < 0n ? -moved : moved).toBeLessThan(BigInt(digits.length) * 10n ** 8n);
  const { intervals, absent } = totalsOf(theirs);
  expect(events.at(-1)).toMatchObject({ kind: 'end', summary: { intervals, absent } });
}

/** What is wrong with a file: every fatal problem, and nothing of it is given. */
async function refusal(path: string): Promise<readonly [number, string][]> {
  const { survey, events } = await readWhole(path);
  expect(survey.accepted).toBe(false);
  expect(events.filter(({ kind }) => kind === 'stream' || kind === 'block')).toEqual([]);
  expect(events.at(-1)).toMatchObject({ kind: 'end', summary: { blocks: 0, intervals: 0 } });
  const fatal = events.filter((e): e is Problem => e.kind === 'problem' && e.fatal);
  return fatal.map(({ line, detail }) => [line, detail]);
}

const NO_HEADER = "record 100 is missing: the first record is '200'";
const SECOND_FILE = 'record 200 after the 900 that ends the file';
const NEM13 = [[1, 'NEM13 accumulation data: not read yet']] as const;

/** Told by looking at each file. Lines count from 1 with blank ones. */
// biome-ignore format: a table reads best with one row a line
const INVALID: Readonly<Record<string, readonly (readonly [number, string])[]>> = {
  'Example_NEM12_15min_200_30min_300.csv': [
    [3, 'a day of 15-minute intervals needs 96 values, the record has 48'],
    [5, '400 records cover intervals 1 to 48 of 96'],
  ],
  'Example_NEM12_15min_200_30min_400.csv': [[5, '400 records cover intervals 1 to 48 of 96']],
  'Example_NEM12_30min_200_15min_300.csv': [[3, 'a day of 30-minute intervals needs 48 values, the record has 96']],
  'Example_NEM12_30min_200_15min_400.csv': [
    [3, 'a day of 30-minute intervals needs 48 values, the record has 96'],
    [4, 'V is not allowed in a 400'],
    [5, 'EndInterval 96 is beyond the 48 intervals of the day'],
  ],
  'Example_NEM12_empty.csv': [[2, 'there is no 200 record: the file holds no metering data']],
  'Example_NEM12_incomplete_interval.csv': [[3, 'a day of 30-minute intervals needs 48 values, the record has 0']],
  'Example_NEM12_missing_header.csv': [[2, NO_HEADER]],
  'Example_NEM12_powercor.csv': [[2, NO_HEADER], [8, SECOND_FILE]],
  'Example_NEM12_powercor_missing_fields.csv': [[2, NO_HEADER], [8, SECOND_FILE]],
  'Example_empty_file.csv': [[1, 'file is empty']],
};

/** Called an example, but its 200 on line 6 leaves the mandatory UOM of suffix V1 empty. */
const WITHOUT_UOM = 'Example_NEM12_different_interval_length.csv';

if (missing !== undefined) {
  it(`the shared meter files are not here, so none is checked: ${missing}`, () => {
    expect(missing).toContain('METERLINE_SHARED');
  });
} else {
  describe('NEM12 between market participants', () => {
    it.each(dataFiles('nem12'))('$name', ({ path }) => agreesOnNem12(path));
  });

  describe('NEM examples', () => {
    const files = dataFiles('nem_examples');
    const nem13 = files.filter(({ name }) => name.includes('NEM13'));
    const nem12 = files.filter((file) => !nem13.includes(file) && file.name !== WITHOUT_UOM);
    it.each(nem12)('$name', ({ path }) => agreesOnNem12(path));
    it.each(nem13)('$name is refused: NEM13 is not read yet', async ({ path }) => {
      expect(await refusal(path)).toEqual(NEM13);
    });
    const odd = files.filter(({ name }) => name === WITHOUT_UOM);
    it.each(odd)('$name leaves a UOM empty: refused until told the unit', async ({ path }) => {
      expect(await refusal(path)).toEqual([[6, 'UOM is mandatory and empty for suffix V1']]);
      await agreesOnNem12(path, { nem12Units: { V1: 'V' } });
    });
  });

  describe('NEM12 that is invalid on purpose', () => {
    it.each(dataFiles('nem_invalid'))('$name is refused', async ({ name, path }) => {
      expect(await refusal(path)).toEqual(INVALID[basename(name)]);
    });
  });

  describe('series of households', () => {
    it.each(dataFiles('eemeter'))('$name', ({ path }) => agreesOnSeries(path));
  });
}
