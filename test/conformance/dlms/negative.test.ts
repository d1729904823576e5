/** Vectors that must be refused, each with the fault that names what is wrong with it. */
import { expect, test } from 'vitest';
import { type FaultCode, isFault } from '../../../domain/index.ts';
import { decodeAcse, isReleaseResponse } from '../../../gateway/protocols/dlms/acse.ts';
import { decodeApdu } from '../../../gateway/protocols/dlms/apdu.ts';
import { decodeData } from '../../../gateway/protocols/dlms/data.ts';
import { decodeDateTime } from '../../../gateway/protocols/dlms/datetime.ts';
import { decodeCiphered, isCiphered } from '../../../gateway/protocols/dlms/security/ciphered.ts';
import { openApdu } from '../../../gateway/protocols/dlms/security/protection.ts';
import { decodeWpdu } from '../../../gateway/protocols/dlms/wrapper.ts';
import { decodeAddress } from '../../../gateway/protocols/hdlc/address.ts';
import { Deframer } from '../../../gateway/protocols/hdlc/deframer.ts';
import { decodeFrame } from '../../../gateway/protocols/hdlc/frame.ts';
import { allVectors, bytes, eachVector, type Vector } from './vectors.ts';

interface Trial {
  readonly decode: (octets: Uint8Array) => unknown;
  /** What the refusal must say; without it any fault of the layer will do. */
  readonly codes?: readonly FaultCode[];
}

/** Which decoder a vector is for, by its first octets and what it says is wrong with it. */
function trial({ hex, name, keys, expected }: Vector): Trial {
  const error = String(expected.error);
  if (hex.startsWith('7e')) {
    const fcs = error === 'fcs' ? { codes: ['HDLC_CHECK'] as const } : {};
    return { decode: (octets) => decodeFrame(octets.subarray(1, -1)), ...fcs };
  }
  if (/wrapper/i.test(name)) return { decode: decodeWpdu };
  if (/address/i.test(name)) return { decode: decodeAddress };
  if (/date/i.test(name)) return { decode: decodeDateTime };
  const first = Number.parseInt(hex.slice(0, 2), 16);
  if (first >= 0x60 && first <= 0x63) {
    return {
      decode: decodeAcse,
      codes: ['DLMS_TRUNCATED', 'DLMS_TRAILING', 'DLMS_VALUE', 'DLMS_TAG'],
    };
  }
  if (isCiphered(bytes(hex))) return { decode: (octets) => open(octets, keys ?? {}) };
  const service = first >= 0xc0 && first < 0xf0;
  if (error === 'tag') return { decode: service ? decodeApdu : decodeData, codes: ['DLMS_TAG'] };
  return { decode: service || first === 0x0f ? decodeApdu : decodeData };
}

function open(octets: Uint8Array, keys: Readonly<Record<string, string>>): unknown {
  const ciphered = decodeCiphered(octets);
  if (ciphered.kind === 'general-signing') return ciphered;
  const encryption = bytes(keys['encryptionKey'] ?? '');
  const authentication = bytes(keys['authenticationKey'] ?? '');
  const systemTitle = bytes(keys['systemTitle'] ?? '');
  return openApdu(ciphered, { keys: { encryption, authentication }, systemTitle });
}

eachVector('negative', (vector) => {
  const { decode, codes } = trial(vector);
  try {
    decode(bytes(vector.hex));
    expect.unreachable('it was accepted');
  } catch (error) {
    if (!isFault(error)) throw error;
    if (codes !== undefined) expect(codes).toContain(error.code);
    else expect(error.code).toMatch(/^(DLMS|HDLC)_/);
  }
  if (vector.expected.error === 'fcs') {
    expect(new Deframer().push(bytes(vector.hex))).toEqual([]);
  }
  // The broken RLRE is refused as an APDU and still tells that the association is over.
  if (vector.hex.startsWith('63')) expect(isReleaseResponse(bytes(vector.hex))).toBe(true);
});

test('every layer of the file has its test', () => {
  const tested = [
    ...['hdlc', 'hdlc-address', 'hdlc-segmented-session', 'hdlc-reassembly', 'gbt-reassembly'],
    ...['initiate', 'get', 'set', 'action', 'data-notification', 'event-notification'],
    ...['exception', 'gbt', 'acse', 'axdr', 'wrapper', 'date-time'],
    ...['ciphered', 'hls', 'keywrap', 'negative'],
  ];
  const layers = new Set(allVectors().map((vector) => vector.layer));
  expect([...layers].filter((layer) => !tested.includes(layer))).toEqual([]);
  expect(layers.size).toBeGreaterThan(0);
});
