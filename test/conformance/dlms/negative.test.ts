/** Vectors that must be refused, each with the fault that names what is wrong with it. */
import { describe, expect, test } from 'vitest';
import { type FaultCode, isFault } from '../../../domain/index.ts';
import { decodeAcse, isReleaseResponse } from '../../../gateway/protocols/dlms/acse.ts';
import { decodeApdu } from '../../../gateway/protocols/dlms/apdu.ts';
import { decodeData } from '../../../gateway/protocols/dlms/data.ts';
import { Deframer } from '../../../gateway/protocols/hdlc/deframer.ts';
import { decodeFrame } from '../../../gateway/protocols/hdlc/frame.ts';
import { allVectors, bytes, title, type Vector, vectorsOf } from './vectors.ts';

const inFlags = (octets: Uint8Array) => decodeFrame(octets.subarray(1, -1));

/** Which decoder a vector is for, by what it says is wrong, and the fault it must meet. */
function trial(vector: Vector): { decode: (octets: Uint8Array) => unknown; codes: FaultCode[] } {
  if (vector.hex.startsWith('7e')) return { decode: inFlags, codes: ['HDLC_CHECK'] };
  if (vector.hex.startsWith('6')) {
    return { decode: decodeAcse, codes: ['DLMS_TRUNCATED', 'DLMS_TRAILING'] };
  }
  if (vector.expected.error === 'tag') return { decode: decodeData, codes: ['DLMS_TAG'] };
  return { decode: decodeApdu, codes: ['DLMS_TRAILING', 'DLMS_TRUNCATED', 'DLMS_TAG'] };
}

describe('negative', () => {
  test.each(vectorsOf('negative').map((v) => [title(v), v] as const))('%s', (_, vector) => {
    const { decode, codes } = trial(vector);
    try {
      decode(bytes(vector.hex));
      expect.unreachable('it was accepted');
    } catch (error) {
      expect(isFault(error) ? error.code : error).toSatisfy((code) => codes.includes(code));
    }
    if (vector.hex.startsWith('7e')) {
      expect(new Deframer().push(bytes(vector.hex))).toEqual([]);
    }
    // The broken RLRE is refused as an APDU and still tells that the association is over.
    if (vector.hex.startsWith('63')) expect(isReleaseResponse(bytes(vector.hex))).toBe(true);
  });
});

test('every layer of the file has its test', () => {
  const tested = [
    ...['hdlc', 'hdlc-address', 'hdlc-segmented-session', 'hdlc-reassembly', 'gbt-reassembly'],
    ...['initiate', 'get', 'set', 'action', 'data-notification', 'event-notification'],
    ...['exception', 'gbt', 'acse', 'axdr', 'wrapper', 'date-time'],
    ...['ciphered', 'hls', 'keywrap', 'negative'],
  ];
  expect([...new Set(allVectors().map((v) => v.layer))].sort()).toEqual(tested.sort());
});
