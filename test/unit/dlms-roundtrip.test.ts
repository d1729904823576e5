/** Decode of encode is the same value, for every type, with arbitrary contents. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeAcse, encodeAcse } from '../../gateway/protocols/dlms/acse.ts';
import { decodeApdu, encodeApdu } from '../../gateway/protocols/dlms/apdu.ts';
import {
  allows,
  CONFORMANCE,
  type ConformanceName,
  conformanceNames,
  conformanceOf,
} from '../../gateway/protocols/dlms/conformance.ts';
import { decodeData, encodeData } from '../../gateway/protocols/dlms/data.ts';
import * as dates from '../../gateway/protocols/dlms/datetime.ts';
import { decodeCiphered, encodeCiphered } from '../../gateway/protocols/dlms/security/ciphered.ts';
import { encodeWpdu, WrapperReader } from '../../gateway/protocols/dlms/wrapper.ts';
import { APDU_KINDS, apduOf } from '../fuzz/dlms-arbitrary-apdus.ts';
import { data, normal } from '../fuzz/dlms-arbitrary-data.ts';
import { acse, ciphered } from '../fuzz/dlms-arbitrary-envelopes.ts';

function roundTrip<T>(
  arbitrary: fc.Arbitrary<T>,
  encode: (value: T) => Uint8Array,
  decode: (octets: Uint8Array) => T,
  numRuns: number,
): void {
  const property = fc.property(arbitrary, (value) => {
    const octets = encode(value);
    const back = decode(octets);
    expect(normal(back)).toEqual(normal(value));
    expect(Buffer.compare(encode(back), octets)).toBe(0);
  });
  fc.assert(property, { numRuns });
}

test('Data of every type, nested and compact', () => {
  roundTrip(data, encodeData, decodeData, 500);
});

test.each(APDU_KINDS)('%s', (kind) => {
  roundTrip(apduOf(kind), encodeApdu, decodeApdu, 40);
});

test('AARQ, AARE, RLRQ, RLRE', () => {
  roundTrip(acse, encodeAcse, decodeAcse, 300);
});

test('ciphered forms', () => {
  roundTrip(ciphered, encodeCiphered, decodeCiphered, 300);
});

describe('dates', () => {
  const octets = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });

  test('any octets of the right length decode, and encode back to themselves', () => {
    const same = (a: Uint8Array, b: Uint8Array): void => {
      expect(Buffer.compare(a, b)).toBe(0);
    };
    fc.assert(
      fc.property(octets(12), octets(5), octets(4), (dateTime, date, time) => {
        same(dates.encodeDateTime(dates.decodeDateTime(dateTime)), dateTime);
        same(dates.encodeDate(dates.decodeDate(date)), date);
        same(dates.encodeTime(dates.decodeTime(time)), time);
      }),
    );
  });

  test('an instant survives every deviation', () => {
    const ms = fc.integer({ min: 0, max: 4_102_444_800 }).map((s) => s * 1_000);
    const deviation = fc.integer({ min: -720, max: 720 });
    fc.assert(
      fc.property(ms, deviation, (instant, minutes) => {
        const value = dates.dateTimeAt(instant, minutes);
        expect(dates.instantMs(dates.decodeDateTime(dates.encodeDateTime(value)))).toBe(instant);
        expect(value.dayOfWeek).toBe(new Date(instant - minutes * 60_000).getUTCDay() || 7);
      }),
    );
  });

  test('days that no calendar has give no instant', () => {
    const day = dates.dateTimeAt(Date.UTC(2026, 1, 28), 0);
    expect(dates.instantMs({ ...day, dayOfMonth: 29 })).toBeUndefined();
    expect(dates.instantMs({ ...day, month: 13 })).toBeUndefined();
    expect(dates.instantMs({ ...day, hour: 24 })).toBeUndefined();
    expect(dates.instantMs({ ...day, month: 'dst-begin' })).toBeUndefined();
    expect(dates.instantMs({ ...day, deviationMinutes: undefined })).toBeUndefined();
    expect(dates.instantMs({ ...day, deviationMinutes: undefined }, -60)).toBe(
      Date.UTC(2026, 1, 27, 23),
    );
  });

  test('octets that are no date are refused', () => {
    expect(() => dates.decodeDateTime(new Uint8Array(11))).toThrow();
    expect(() => dates.decodeDateTime(new Uint8Array(13))).toThrow();
    expect(() => dates.dateTimeAt(Number.NaN, 0)).toThrow();
  });
});

describe('conformance', () => {
  test('names and bits go both ways', () => {
    const names = Object.keys(CONFORMANCE) as ConformanceName[];
    fc.assert(
      fc.property(fc.subarray(names), (some) => {
        const bits = conformanceOf(some);
        expect(conformanceNames(bits)).toEqual(some);
        expect(names.filter((name) => allows(bits, name))).toEqual(some);
      }),
    );
    expect(conformanceOf(['general-protection'])).toBe(1 << 22);
    expect(conformanceOf(['action'])).toBe(1);
  });
});

describe('wrapper', () => {
  const port = fc.integer({ min: 0, max: 0xffff });
  const wpdu = fc.record({
    source: port,
    destination: port,
    apdu: fc.uint8Array({ maxLength: 80 }),
  });

  test('split anywhere, the same WPDUs come out', () => {
    fc.assert(
      fc.property(
        fc.array(wpdu, { maxLength: 5 }),
        fc.array(fc.nat(), { maxLength: 9 }),
        (wpdus, places) => {
          const stream = Buffer.concat(wpdus.map(encodeWpdu));
          const cuts = [
            ...places.map((p) => p % (stream.length + 1)).sort((a, b) => a - b),
            stream.length,
          ];
          const reader = new WrapperReader();
          let at = 0;
          const found = cuts.flatMap((end) => {
            const chunk = stream.subarray(at, end);
            at = end;
            return reader.push(chunk);
          });
          expect(found.map(normal)).toEqual(wpdus.map(normal));
          expect(reader.heldOctets).toBe(0);
        },
      ),
    );
  });

  test('what is whole before the damage is handed out, then the stream is refused', () => {
    const good = encodeWpdu({ source: 1, destination: 16, apdu: Uint8Array.of(1, 2) });
    const reader = new WrapperReader();
    expect(reader.push(Buffer.concat([good, Uint8Array.of(0, 2)]))).toHaveLength(1);
    expect(() => reader.push(good)).toThrow(/wrapper/);
    expect(() => new WrapperReader().push(Uint8Array.of(0x7e))).toThrow(/wrapper/);
    expect(() => new WrapperReader().push(Uint8Array.of(0, 7))).toThrow(/wrapper/);
    expect(reader.heldOctets).toBe(0);
  });
});
