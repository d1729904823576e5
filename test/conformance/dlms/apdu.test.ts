/** Vectors of plain APDUs: decoded contents against `expected`, and encoded back to the octets. */
import { expect } from 'vitest';
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
import {
  bytes,
  type Expected,
  eachVector,
  expectContents,
  expectSameOctets,
  hex,
} from './vectors.ts';

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

for (const layer of PLAIN_LAYERS) {
  eachVector(layer, (vector) => {
    const apdu = decodeApdu(bytes(vector.hex));
    expectContents(describeApdu(apdu), vector.expected);
    expectSameOctets(encodeApdu(apdu), vector, (octets) => describeApdu(decodeApdu(octets)));
  });
}

eachVector('acse', (vector) => {
  const apdu = decodeAcse(bytes(vector.hex));
  expectContents(describeAcse(apdu), vector.expected);
  expectSameOctets(encodeAcse(apdu), vector, (octets) => describeAcse(decodeAcse(octets)));
});

eachVector('axdr', (vector) => {
  const data = decodeData(bytes(vector.hex));
  expect(describeData(data)).toEqual(vector.expected);
  expectSameOctets(encodeData(data), vector, (octets) => describeData(decodeData(octets)));
});

eachVector('wrapper', (vector) => {
  const octets = bytes(vector.hex);
  const wpdu = decodeWpdu(octets);
  const described = {
    version: ((octets[0] ?? 0) << 8) | (octets[1] ?? 0),
    sourceWPort: wpdu.source,
    destinationWPort: wpdu.destination,
    length: wpdu.apdu.length,
    apdu: hex(wpdu.apdu),
  };
  expect(described).toEqual(vector.expected);
  expect(hex(encodeWpdu(wpdu))).toBe(vector.hex);
  const stream = new WrapperReader();
  const found = [...octets].flatMap((octet) => stream.push(Uint8Array.of(octet)));
  expect(found.map((w) => hex(w.apdu))).toEqual([vector.expected.apdu]);
});

eachVector('date-time', (vector) => {
  const value = decodeDateTime(bytes(vector.hex));
  expect(describeDateTime(value, vector.expected)).toEqual(vector.expected);
  expect(hex(encodeDateTime(value))).toBe(vector.hex);
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
