/** Goal: a series in columns becomes exact blocks, or a reason with its line. */
import { describe, expect, it } from 'vitest';
import { LIMITS } from '../../domain/index.ts';
import type { SeriesMapping } from '../../ingest/formats/format.ts';
import { outcomeOf, refusals } from './formats-support.ts';

const rows = (...lines: string[]) => `start,value\n${lines.join('\n')}\n`;
const read = (text: string, series: SeriesMapping = {}) => outcomeOf(text, { series });
const shape = (outcome: Awaited<ReturnType<typeof read>>) =>
  outcome.blocks.map((b) => [new Date(b.startMs).toISOString(), b.intervalS, b.values, b.at]);

describe('rows', () => {
  it('of neighbours join; a gap stays a gap; no value is no zero', async () => {
    const text = rows(
      '2024-01-01T00:00:00Z,1.5',
      '2024-01-01 01:00:00+00:00,',
      '2024-01-01T02:00:00Z,nan',
      '2024-01-01T05:00:00Z,0.25',
      '2024-01-01T06:00:00Z,0',
    );
    const outcome = await read(text);
    expect(shape(outcome)).toEqual([
      ['2024-01-01T00:00:00.000Z', 3600, [1500, null, null], 'lines 2-4'],
      ['2024-01-01T05:00:00.000Z', 3600, [250, 0], 'lines 5-6'],
    ]);
    expect(outcome.events.at(-1)).toEqual({
      kind: 'end',
      summary: { lines: 6, blocks: 2, intervals: 5, absent: 2, problems: 0 },
    });
    expect(outcome.blocks[0]).toMatchObject({ meter: 'meter-1', channel: '1-0:1.8.0' });
  });

  it('keep their digits; traces of floating point are taken away with a note', async () => {
    const at = (hour: number, value: string) => `2024-01-01T0${hour}:00:00Z,${value}`;
    const values = ['0.078', '0.028999999999999998', '3.3139999', '-1e-05', '2.5e1'];
    const { blocks, notes } = await read(rows(...values.map((v, i) => at(i, v))));
    expect(blocks[0]).toMatchObject({
      decimals: 7,
      values: [780_000, 290_000, 33_139_999, -100, 250_000_000],
    });
    expect(notes.map(({ line }) => line)).toEqual([3]);
  });

  it('are split into blocks of a bounded size', async () => {
    const hour = (i: number) => new Date(Date.UTC(2024, 0, 1, i)).toISOString().slice(0, 19);
    const many = Array.from({ length: 2_500 }, (_, i) => `${hour(i)}Z,${i}`);
    const { blocks } = await read(rows(...many));
    expect(blocks.map((b) => b.values.length)).toEqual([
      LIMITS.importBlockValuesMax,
      LIMITS.importBlockValuesMax,
      500,
    ]);
    expect(blocks.flatMap((b) => b.values)).toEqual(many.map((_, i) => i * 1000));
  });
});

describe('a mapping', () => {
  it('names columns, unit, meter and channel; times in a zone repeat an hour by order', async () => {
    const text = [
      'meter;when;energy_wh',
      'x;2024-10-27 01:00;"1,5"',
      'x;2024-10-27 02:00;2',
      'x;2024-10-27 02:00;3',
      'x;2024-10-27 03:00;4',
    ].join('\r\n');
    const series = { timeColumn: 'when', meter: 'M7', channel: 'E1', zone: 'Europe/Berlin' };
    const outcome = await read(text, series);
    expect(shape(outcome)).toEqual([
      ['2024-10-26T23:00:00.000Z', 3600, [15, 20, 30, 40], 'lines 2-5'],
    ]);
    expect(outcome.blocks[0]).toMatchObject({
      meter: 'M7',
      channel: 'E1',
      unit: 'wh',
      decimals: 1,
    });
  });

  it('of end labels gives starts', async () => {
    const text = 'end,value (kWh)\n2024-01-01T00:15:00Z,1\n2024-01-01T00:30:00Z,2\n';
    expect(shape(await read(text))).toEqual([
      ['2024-01-01T00:00:00.000Z', 900, [1000, 2000], 'lines 2-3'],
    ]);
  });

  it('of days in a zone gives days of 23 and 25 hours, also beside a gap and at the end', async () => {
    const text = rows('2024-03-30,1', '2024-03-31,2', '2024-04-02,3', '2024-04-03,4');
    const outcome = await read(`${text}2024-10-27,5`, { zone: 'Europe/Berlin' });
    expect(shape(outcome).map(([, s, values]) => [s, values])).toEqual([
      [86_400, [1000]],
      [82_800, [2000]],
      [86_400, [3000, 4000]],
      [90_000, [5000]],
    ]);
  });
});

describe('what cannot be understood is refused', () => {
  const two = ['2024-01-01T00:00:00Z,1', '2024-01-01T01:00:00Z,1'];
  // biome-ignore format: a table reads best with one row a line
  it.each<[string, string, SeriesMapping, string[]]>([
    ['no offset and no zone', rows('2024-01-01T00:00:00,1'), {}, ["2: '2024-01-01T00:00:00' has no offset; give a zone", '1: the file holds no rows']],
    ['a skipped hour', rows('2024-03-31 01:00,1', '2024-03-31 02:00,1', '2024-03-31 03:00,1'), { zone: 'Europe/Berlin' }, ["3: '2024-03-31 02:00' does not exist in the zone"]],
    ['a zone that is none', rows(...two), { zone: 'Mars/Olympus' }, ["1: 'Mars/Olympus' is no time zone"]],
    ['a value that is none', rows(...two, '2024-01-01T02:00:00Z,1.2.3'), {}, ["4: '1.2.3' is not a number"]],
    ['too many decimals', rows(...two, '2024-01-01T02:00:00Z,0.1234567891'), {}, ["4: '0.1234567891' has more than 9 decimals"]],
    ['a number beyond exact integers', rows(...two, '2024-01-01T02:00:00Z,9007199254741.5'), {}, ['4: 9007199254742 at 3 decimals is beyond exact integers']],
    ['an instant that is none', rows(...two, '2024-02-30T02:00:00Z,1'), {}, ["4: '2024-02-30T02:00:00Z' is no time"]],
    ['a time between the intervals', rows(...two, '2024-01-01T02:00:00Z,1', '2024-01-01T02:10:00Z,1'), {}, ['5: one row is 10 min after the row before, no multiple of 60 min']],
    ['one row and no length', rows('2024-01-01T00:00:00Z,1'), {}, ['2: no interval length can be seen; give intervalS']],
    ['a column that is missing', rows(...two, '2024-01-01T02:00:00Z'), {}, ['4: the row has 1 columns only']],
    ['an open quote', rows(...two, '"2024-01-01T02:00:00Z,1'), {}, ['4: a quote is not closed']],
    ['a gap of days over a change of offset', rows('2024-03-29T00:00:00+01:00,1', '2024-03-30T00:00:00+01:00,1', '2024-04-02T00:00:00+02:00,1'), {}, ['4: one row is 3 days after the row before with another offset; give a zone']],
    ['days named by their end', rows('2024-03-30T00:00:00+01:00,1', '2024-03-31T00:00:00+01:00,1', '2024-04-01T00:00:00+02:00,1', '2024-04-02T00:00:00+02:00,1'), { label: 'end' }, ['2: local days must be named by their start']],
  ])('%s', async (_what, text, series, expected) => {
    const outcome = await read(text, series);
    expect(refusals(outcome)).toEqual(expected);
    expect(outcome.blocks).toEqual([]);
  });

  it('by any reader when no format is seen', async () => {
    expect(refusals(await outcomeOf('hello\nworld'))).toEqual([
      '1: no known format; known are nem12, series',
    ]);
  });
});

it('a row that repeats a time is kept, with a note', async () => {
  const text = rows('2024-01-01T00:00:00Z,1', '2024-01-01T01:00:00Z,1', '2024-01-01T01:00:00Z,2');
  const { notes, blocks } = await read(text);
  expect(notes.map(({ line, detail }) => [line, detail])).toEqual([
    [4, 'one row is at the time of the row before'],
  ]);
  expect(blocks.map((b) => b.values)).toEqual([[1000, 1000], [2000]]);
});
