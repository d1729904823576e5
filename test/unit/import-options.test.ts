/** Goal: flags and mapping files of an import are understood or refused before a file is opened. */
import { describe, expect, it } from 'vitest';
import { elementRange } from '../../cli/import/json-place.ts';
import { encodeLocator, lineRangesOf } from '../../cli/import/locator.ts';
import { importOptions } from '../../cli/import/options.ts';
import { parseUnit } from '../../domain/index.ts';

const mapping = (text: string) => ({ file: 'm.yaml', text });

describe('options', () => {
  it('flags win over the mapping file', () => {
    const text = 'timeColumn: t\nunit: MWh\nlabel: end\nintervalS: 900\nnem12Units: { V1: V }';
    expect(importOptions({ unit: 'kWh', zone: 'Europe/Madrid' }, mapping(text))).toEqual({
      format: {
        series: {
          ...{ timeColumn: 't', unit: 'kWh', label: 'end', intervalS: 900 },
          zone: 'Europe/Madrid',
        },
        nem12Units: { V1: 'V' },
      },
      create: undefined,
      close: true,
    });
  });

  it.each([
    [{ zone: '+10:00' }, '', /no zone of the IANA list/],
    [{ zone: 'Mars/Olympus' }, '', /no zone/],
    [{ unit: 'furlong' }, '', /no unit/],
    [{ tariff: 'flat' }, '', /--create-meters/],
    [{}, 'colour: red', /'colour' is none of/],
    [{}, 'unit: 5', /unit is no text/],
    [{}, 'intervalS: 0', /intervalS/],
    [{}, 'label: middle', /label/],
    [{}, 'nem12Units: { V1: 3 }', /nem12Units/],
    [{}, '- a', /expected members/],
    [{}, 'a: [', /m\.yaml/],
  ])('%j %s is refused', (flags, text, why) => {
    const given = text === '' ? undefined : mapping(text);
    expect(() => importOptions(flags, given)).toThrow(why);
  });
});

describe('places', () => {
  it('lines in a locator, whatever the path', () => {
    const ranges = [
      { from: 2, to: 2 },
      { from: 7, to: 31 },
    ];
    expect(encodeLocator('in/a#L1.csv', ranges)).toBe('in/a#L1.csv#L2,L7-L31');
    expect(lineRangesOf('in/a#L1.csv#L2,L7-L31')).toEqual(ranges);
    expect(lineRangesOf('v1/M1/up/readings')).toBeUndefined();
  });

  it('elements of a list in JSON, with strings that look like structure', () => {
    const elements = ['{"a":"]}\\"[,"}', '[1,[2,{}]]', '-1.5e3', '"x\\\\"', 'null', '{}'];
    const json = `{ "x" : ["readings"], "r\\u0065adings":[0],"readings" :[ ${elements.join(' ,\n')} ] , "z":1}`;
    const bytes = Buffer.from(json);
    const found = elements.map((_, i) => {
      const range = elementRange(bytes, 'readings', i);
      return range && bytes.toString('utf8', range.from, range.to);
    });
    expect(found).toEqual(elements);
    expect(elementRange(bytes, 'readings', 6)).toBeUndefined();
    expect(elementRange(bytes, 'missing', 0)).toBeUndefined();
    expect(elementRange(Buffer.from('{"readings":[]}'), 'readings', 0)).toBeUndefined();
  });
});

it('mega and milli of small-letter units are told apart', () => {
  const exponents = ['Mvarh', 'MVARH', 'mvarh', 'MWh', 'MWH', 'mWh', 'kvar', 'KVAR'].map(
    (name) => parseUnit(name)?.exponent,
  );
  expect(exponents).toEqual([6, 6, -3, 6, 6, -3, 3, 3]);
  expect(parseUnit('pf')).toEqual({ unit: 'none', exponent: 0 });
});
