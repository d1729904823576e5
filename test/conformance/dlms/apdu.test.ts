/** Vectors of plain APDUs: decoded contents against `expected`, and encoded back to the octets. */
import { describe, expect, test } from 'vitest';
import { decodeAcse, encodeAcse } from '../../../gateway/protocols/dlms/acse.ts';
import { decodeApdu, encodeApdu } from '../../../gateway/protocols/dlms/apdu.ts';
import { decodeData, encodeData } from '../../../gateway/protocols/dlms/data.ts';
import {
  type CosemDateTime,
  decodeDateTime,
  encodeDateTime,
  instantMs,
  localMs,
} from '../../../gateway/protocols/dlms/datetime.ts';
import { decodeWpdu, encodeWpdu, WrapperReader } from '../../../gateway/protocols/dlms/wrapper.ts';
import { describeAcse, describeApdu, describeData } from './describe.ts';
import { bytes, type Expected, hex, title, vectorsOf } from './vectors.ts';

const PLAIN_LAYERS = [
  'initiate',
  'get',
  'set',
  'action',
  'data-notification',
  'event-notification',
  'exception',
  'gbt',
];

describe.each(PLAIN_LAYERS)('%s', (layer) => {
  test.each(vectorsOf(layer).map((v) => [title(v), v] as const))('%s', (_, vector) => {
    const apdu = decodeApdu(bytes(vector.hex));
    expect(describeApdu(apdu)).toEqual(vector.expected);
    expect(hex(encodeApdu(apdu))).toBe(vector.hex);
  });
});

describe('acse', () => {
  test.each(vectorsOf('acse').map((v) => [title(v), v] as const))('%s', (_, vector) => {
    const apdu = decodeAcse(bytes(vector.hex));
    expect(describeAcse(apdu)).toEqual(vector.expected);
    expect(hex(encodeAcse(apdu))).toBe(vector.hex);
  });
});

describe('axdr', () => {
  test.each(vectorsOf('axdr').map((v) => [title(v), v] as const))('%s', (_, vector) => {
    const data = decodeData(bytes(vector.hex));
    expect(describeData(data)).toEqual(vector.expected);
    expect(hex(encodeData(data))).toBe(vector.hex);
  });
});

describe('wrapper', () => {
  test.each(vectorsOf('wrapper').map((v) => [title(v), v] as const))('%s', (_, vector) => {
    const octets = bytes(vector.hex);
    const wpdu = decodeWpdu(octets);
    expect({
      version: octets[0] === 0 ? octets[1] : -1,
      sourceWPort: wpdu.source,
      destinationWPort: wpdu.destination,
      length: wpdu.apdu.length,
      apdu: hex(wpdu.apdu),
    }).toEqual(vector.expected);
    expect(hex(encodeWpdu(wpdu))).toBe(vector.hex);
    const stream = new WrapperReader();
    const found = [...octets].flatMap((octet) => stream.push(Uint8Array.of(octet)));
    expect(found.map((w) => hex(w.apdu))).toEqual([vector.expected.apdu]);
  });
});

describe('date-time', () => {
  test.each(vectorsOf('date-time').map((v) => [title(v), v] as const))('%s', (_, vector) => {
    const value = decodeDateTime(bytes(vector.hex));
    expect(describeDateTime(value, vector.expected)).toEqual(vector.expected);
    expect(hex(encodeDateTime(value))).toBe(vector.hex);
  });
});

const iso = (ms: number | undefined): string | null =>
  ms === undefined ? null : new Date(ms).toISOString().slice(0, 19);

/** Each of the words the vector uses, from our value; a word it does not use is not looked at. */
function describeDateTime(value: CosemDateTime, expected: Expected): Expected {
  const { deviationMinutes, status, ...calendar } = value;
  const utc = instantMs(value);
  const hundredths = value.hundredths;
  const fraction = hundredths === undefined ? '' : `.${String(hundredths).padStart(2, '0')}`;
  const words: Expected = {
    local: `${iso(localMs(value))}${expected.local?.includes('.') === true ? fraction : ''}`,
    utc: utc === undefined ? null : `${iso(utc)}Z`,
    year: value.year ?? null,
    month: value.month ?? null,
    dayOfMonth: value.dayOfMonth ?? null,
    dayOfWeek: value.dayOfWeek ?? null,
    hour: value.hour ?? null,
    hundredths: hundredths ?? null,
    deviationMinutes: deviationMinutes ?? null,
    status: (status ?? 0xff).toString(16).padStart(2, '0'),
    allUnspecified: Object.values(calendar).every((part) => part === undefined),
  };
  return Object.fromEntries(Object.keys(expected).map((word) => [word, words[word]]));
}
