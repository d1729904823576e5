/** Goal: NEM12 records mean what the format says, and what breaks it is told with its line. */
import { describe, expect, it } from 'vitest';
import { FLAG, LIMITS, QUALITY } from '../../domain/index.ts';
import { day, nem12, outcomeOf, refusals } from './formats-support.ts';

const FLAT = new Array<string>(48).fill('0.5');

describe('a day', () => {
  it('starts at midnight UTC+10 and is named by its start', async () => {
    const { blocks, events } = await outcomeOf(nem12([day(FLAT)]));
    expect(blocks).toEqual([
      {
        kind: 'interval',
        multiplierApplied: true,
        meter: 'SERIAL1',
        channel: 'E1',
        startMs: Date.parse('2024-01-01T00:00:00+10:00'),
        intervalS: 1800,
        values: new Array(48).fill(500),
        unit: 'kWh',
        decimals: 3,
        quality: QUALITY.VALID.code,
        versionMs: Date.parse('2024-01-02T03:04:05+10:00'),
        at: 'line 3',
      },
    ]);
    expect(events[0]).toEqual({
      kind: 'stream',
      stream: {
        ...{ meter: 'SERIAL1', serial: 'SERIAL1', servicePoint: 'NMI1234567', channel: 'E1' },
        ...{ unit: 'kWh', decimals: 3, intervalS: 1800, localDays: false, line: 2 },
        ...{ direction: 'import', role: 'main' },
      },
    });
    expect(events.at(-1)).toEqual({
      kind: 'end',
      summary: { lines: 4, blocks: 1, intervals: 48, absent: 0, problems: 0 },
    });
  });

  it('keeps every digit: the finest value of a stream decides for all its days', async () => {
    const fine = ['0.1234567', ...FLAT.slice(1)];
    const { blocks } = await outcomeOf(nem12([day(FLAT), day(fine)]));
    expect(blocks.map((b) => [b.decimals, b.values[0]])).toEqual([
      [7, 5_000_000],
      [7, 1_234_567],
    ]);
  });

  it.each([
    ['kWh', 'kWh', 3],
    ['KWH', 'kWh', 3],
    ['mwh', 'MWh', 6],
    ['Wh', 'Wh', 1],
    ['VARH', 'varh', 1],
    ['pf', 'pf', 1],
  ])('in %s counts %s at %i decimals', async (uom, unit, decimals) => {
    const { blocks } = await outcomeOf(nem12([day(FLAT)], uom));
    expect(blocks[0]).toMatchObject({ unit, decimals, values: { 0: 5 * 10 ** (decimals - 1) } });
  });

  it('marked N is absent, not zero', async () => {
    const zeros = new Array<string>(48).fill('0');
    const lines = [day(zeros, 'V,,,20240102030405,'), '400,1,47,A,,', '400,48,48,N,,'];
    const { blocks, events } = await outcomeOf(nem12(lines));
    expect(blocks[0]?.values.slice(46)).toEqual([0, null]);
    expect(events.at(-1)).toMatchObject({ summary: { intervals: 48, absent: 1 } });
    const whole = await outcomeOf(nem12([day(zeros, 'N')]));
    expect(whole.blocks[0]?.values).toEqual(new Array(48).fill(null));
    const empty = await outcomeOf(nem12([day(new Array<string>(48).fill(''), 'N')]));
    expect(empty.blocks[0]?.values).toEqual(new Array(48).fill(null));
  });

  it('takes quality and events interval by interval from its 400 records', async () => {
    const ranges = ['400,1,10,A,79,', '400,11,11,A,89,', '400,12,20,S14,1,', '400,21,48,E52,,'];
    const { blocks } = await outcomeOf(nem12([day(FLAT, 'V'), ...ranges]));
    const [block] = blocks;
    expect([0, 10, 11, 20].map((i) => block?.qualities?.[i])).toEqual([
      QUALITY.VALID.code,
      QUALITY.VALID.code,
      QUALITY.ESTIMATED_SOURCE.code,
      QUALITY.PROJECTED.code,
    ]);
    expect([0, 10, 11].map((i) => block?.flags?.[i])).toEqual([FLAG.OUTAGE, FLAG.CLOCK_SET, 0]);
    expect(block).not.toHaveProperty('quality');
    expect(block).not.toHaveProperty('versionMs');
  });
});

describe('a file', () => {
  it('may carry a byte order mark, LF, blank lines and commas of a spreadsheet', async () => {
    const plain = await outcomeOf(nem12([day(FLAT)]));
    const dressed = nem12([day(FLAT)]).replaceAll('\r\n', ',,,,,,\n,,,\n\n');
    const { blocks, fatal } = await outcomeOf(`\ufeff${dressed},,,\r\n\r\n`);
    expect(fatal).toEqual([]);
    expect(blocks.map(({ at, ...block }) => block)).toEqual(
      plain.blocks.map(({ at, ...block }) => block),
    );
  });

  it('tells a channel once, however many 200 records it has', async () => {
    const text = nem12([day(FLAT), '200,NMI1234567,E1,,E1,,SERIAL1,KWH,30,', day(FLAT)]);
    const { events } = await outcomeOf(text);
    expect(events.map(({ kind }) => kind)).toEqual(['stream', 'block', 'block', 'end']);
  });

  it('without a serial names the meter by its service point', async () => {
    const text = nem12([day(FLAT)]).replace('SERIAL1', '');
    expect((await outcomeOf(text)).blocks[0]?.meter).toBe('NMI1234567');
  });

  it('with check and export channels says so', async () => {
    const streams = ['B1', 'C1', 'K1', 'N1', 'T1', 'D1'].map(async (suffix) => {
      const { events } = await outcomeOf(nem12([day(FLAT)]).replaceAll('E1', suffix));
      const event = events.find(({ kind }) => kind === 'stream');
      return event?.kind === 'stream' ? `${event.stream.direction}/${event.stream.role}` : '';
    });
    expect(await Promise.all(streams)).toEqual([
      ...['export/main', 'export/check', 'export/main', 'net/main'],
      ...['undefined/main', 'import/average'],
    ]);
  });
});

describe('what breaks the format is refused with its line', () => {
  const short = day(FLAT.slice(1));
  const V = day(FLAT, 'V');
  // biome-ignore format: a table reads best with one row a line
  it.each<[string, string, string[]]>([
    ['a value that is no number', nem12([day(['x1', ...FLAT.slice(1)])]), ["3: 'x1' is not a number"]],
    ['a negative value', nem12([day(['-1', ...FLAT.slice(1)])]), ["3: '-1' is negative"]],
    ['an exponent', nem12([day(['1e3', ...FLAT.slice(1)])]), ["3: '1e3' is not a number"]],
    ['an empty value', nem12([day(['', ...FLAT.slice(1)])]), ['3: value is empty and its quality is not N']],
    ['eleven decimals', nem12([day(['0.12345678901', ...FLAT.slice(1)])]), ["3: '0.12345678901' has too many decimals"]],
    ['a value beyond exact integers', nem12([day(['99999999999999', ...FLAT.slice(1)])]), ['3: 99999999999999 kWh at 3 decimals is beyond exact integers']],
    ['too few values', nem12([short]), ['3: a day of 30-minute intervals needs 48 values, the record has 47']],
    ['a wrapped record', nem12([`300,20240101,${FLAT.slice(0, 20)}`, `${FLAT.slice(20)},A`]), ['3: a day of 30-minute intervals needs 48 values, the record has 20', "4: '0.5' is no record; was a record wrapped over two lines?"]],
    ['a day that is none', nem12([day(FLAT).replace('20240101', '20240230')]), ["3: '20240230' is no Date8"]],
    ['a version that is none', nem12([day(FLAT, 'A,,,20240102036005,')]), ["3: '20240102036005' is no Date14"]],
    ['a missing quality', nem12([day(FLAT, ',,,,')]), ['3: QualityMethod is missing']],
    ['a quality that is none', nem12([day(FLAT, 'X')]), ["3: 'X' is no QualityMethod"]],
    ['V without 400', nem12([V]), ['3: V needs 400 records, there are none']],
    ['V in a 400', nem12([V, '400,1,48,V,,']), ['4: V is not allowed in a 400']],
    ['a gap between 400s', nem12([V, '400,1,10,A,,', '400,12,48,A,,']), ['5: intervals 11 to 11 are not covered']],
    ['400s that overlap', nem12([V, '400,1,10,A,,', '400,10,48,A,,']), ['5: interval 10 is covered twice, up to 10 it was said before']],
    ['a 400 that ends too early', nem12([V, '400,1,47,A,,']), ['4: 400 records cover intervals 1 to 47 of 48']],
    ['a 400 beyond the day', nem12([V, '400,1,49,A,,']), ['4: EndInterval 49 is beyond the 48 intervals of the day']],
    ['a 400 turned round', nem12([V, '400,48,1,A,,']), ['4: 48 to 1 is no range', '4: 400 records cover intervals 1 to 1 of 48']],
    ['a 400 after a 500', nem12([V, '400,1,48,A,,', '500,N,,20240102000000,1', '400,1,48,A,,']), ['6: 400 does not follow its 300']],
    ['a 400 first', nem12(['400,1,48,A,,', day(FLAT)]), ['3: 400 without a 300 before']],
    ['a 500 first', nem12(['500,N,,,', day(FLAT)]), ['3: 500 without a 300 before']],
    ['no unit', nem12([day(FLAT)], ''), ['2: UOM is mandatory and empty for suffix E1']],
    ['a unit that is none', nem12([day(FLAT)], 'kWx'), ["2: 'kWx' is no UOM"]],
    ['a length that is none', nem12([day(FLAT)], 'kWh', 7), ["2: '7' is no IntervalLength"]],
    ['a NEM13 record', nem12([day(FLAT), '250,NMI1234567']), ['4: NEM13 record 250 in a NEM12 file']],
    ['a second header', nem12([day(FLAT), '100,NEM12,202401011200,A,B']), ['4: a second 100 record']],
    ['a missing end', nem12([day(FLAT)]).replace('\r\n900', ''), ['3: record 900 is missing: the file is cut off']],
    ['a header date that is none', nem12([day(FLAT)]).replace('202401011200', '202413011200'), ["1: '202413011200' is no Date12"]],
    ['NEM13', '100,NEM13,202401011200,A,B\r\n250,NMI\r\n900', ['1: NEM13 accumulation data: not read yet']],
  ])('%s', async (_what, text, expected) => {
    const outcome = await outcomeOf(text);
    expect(refusals(outcome)).toEqual(expected);
    expect(outcome.survey.accepted).toBe(false);
    expect(outcome.blocks).toEqual([]);
  });

  it('lists a thousand problems, counts all and says that there are more', async () => {
    const bad = day(new Array<string>(48).fill('?'));
    const { events, survey } = await outcomeOf(nem12(new Array<string>(30).fill(bad)));
    expect(survey.summary.problems).toBe(30 * 48);
    expect(survey.problems).toHaveLength(LIMITS.importProblemsMax + 1);
    expect(survey.problems.at(-1)?.detail).toBe('440 more problems are not listed');
    expect(events.at(-1)).toMatchObject({ summary: { problems: 1440, blocks: 0 } });
  });
});

it('what is against the letter but clear is read, with a note', async () => {
  const lines = [day(FLAT, 'S14'), '500,Z,,2024,', '200,SHORT,B1,,E1,,S2,kWh,10,2024'];
  const { notes, fatal, blocks } = await outcomeOf(nem12(lines));
  expect(fatal).toEqual([]);
  expect(blocks).toHaveLength(1);
  expect(notes.map(({ line, field }) => `${line} ${field}`)).toEqual([
    '3 ReasonCode',
    '4 TransCode',
    '4 ReadDateTime',
    '5 NMI',
    '5 NMIConfiguration',
    '5 IntervalLength',
    '5 NextScheduledReadDate',
  ]);
});
