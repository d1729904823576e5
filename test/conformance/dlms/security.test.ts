/** Vectors of ciphered APDUs, HLS and key wrap: opened with their keys, and sealed again. */
import { describe, expect, test } from 'vitest';
import { isFault } from '../../../domain/index.ts';
import { decodeApdu, decodeApduPrefix } from '../../../gateway/protocols/dlms/apdu.ts';
import {
  decodeCiphered,
  encodeCiphered,
  type GeneralSigned,
} from '../../../gateway/protocols/dlms/security/ciphered.ts';
import { initialVector } from '../../../gateway/protocols/dlms/security/gcm.ts';
import {
  checkHlsAnswer,
  type HlsCredentials,
  hlsAnswer,
} from '../../../gateway/protocols/dlms/security/hls.ts';
import { unwrapKey, wrapKey } from '../../../gateway/protocols/dlms/security/keywrap.ts';
import { openApdu, sealApdu } from '../../../gateway/protocols/dlms/security/protection.ts';
import { describeApdu, describeCiphered } from './describe.ts';
import { bytes, hex, title, type Vector, vectorsOf } from './vectors.ts';

const key = (vector: Vector, name: string): Uint8Array => bytes(vector.keys?.[name] ?? '');

describe('ciphered', () => {
  const vectors = vectorsOf('ciphered');
  test.each(vectors.map((v) => [title(v), v] as const))('%s', (_, vector) => {
    const { plain, plainDecoded, ...wire } = vector.expected;
    const ciphered = decodeCiphered(bytes(vector.hex));
    expect(describeCiphered(ciphered)).toEqual(wire);
    expect(hex(encodeCiphered(ciphered))).toBe(vector.hex);
    if (plain === undefined) {
      // This vector brings no keys: the wire form is all it says.
      expect(vector.keys).toBeUndefined();
      return;
    }
    const keys = {
      encryption: key(vector, 'encryptionKey'),
      authentication: key(vector, 'authenticationKey'),
    };
    const systemTitle = key(vector, 'systemTitle');
    const inner = ciphered as Exclude<typeof ciphered, GeneralSigned>;
    const opened = openApdu(inner, { keys, systemTitle });
    expect(hex(opened.plain)).toBe(plain);
    const { control, invocationCounter } = opened;
    const form = inner.kind.startsWith('general') ? 'general' : 'service';
    const sealed = sealApdu(opened.plain, { keys, systemTitle, invocationCounter, control, form });
    expect(hex(sealed)).toBe(vector.hex);
    expectDecoded(opened.plain, plainDecoded);
  });
});

/** Garbage behind an APDU is told apart where the vector says so, and refused by the strict way. */
function expectDecoded(plain: Uint8Array, decoded: Record<string, unknown>): void {
  const { trailing, ...contents } = decoded;
  if (trailing === undefined) {
    expect(describeApdu(decodeApdu(plain))).toEqual(contents);
    return;
  }
  const prefix = decodeApduPrefix(plain);
  expect(describeApdu(prefix.apdu)).toEqual(contents);
  expect(hex(prefix.trailing)).toBe(trailing);
  expect(() => decodeApdu(plain)).toThrow(/followed by/);
}

describe('hls', () => {
  test.each(vectorsOf('hls').map((v) => [title(v), v] as const))('%s', (_, vector) => {
    const { mechanism, role, securityControl, invocationCounter, systemTitle, result, iv, aad } =
      vector.expected;
    expect({ mechanism, role }).toEqual({ mechanism: 5, role: 'client reply f(StoC)' });
    const keys = {
      encryption: key(vector, 'encryptionKey'),
      authentication: key(vector, 'authenticationKey'),
    };
    const own = bytes(systemTitle);
    const peer = bytes('4d4d4d0000bc614e');
    const client: HlsCredentials = {
      mechanism: 'high-gmac',
      suite: 0,
      keys,
      titles: { own, peer },
      invocationCounter,
    };
    const sToC = bytes(vector.hex);
    const cToS = bytes('4b35366956616759');
    const answer = hlsAnswer(client, { sent: cToS, received: sToC });
    expect(hex(answer)).toBe(result);
    expect(hex(answer.subarray(0, 1))).toBe(securityControl);
    expect(hex(initialVector(own, invocationCounter))).toBe(iv);
    expect(securityControl + hex(keys.authentication) + hex(sToC)).toBe(aad);
    const server: HlsCredentials = { ...client, titles: { own: peer, peer: own } };
    const checked = checkHlsAnswer(server, { sent: sToC, received: cToS }, answer);
    expect(checked).toEqual({ invocationCounter });
  });
});

describe('keywrap', () => {
  test.each(vectorsOf('keywrap').map((v) => [title(v), v] as const))('%s', (_, vector) => {
    const kek = key(vector, 'kek');
    const wrapped = wrapKey(kek, bytes(vector.hex));
    expect(hex(wrapped)).toBe(vector.expected.wrapped);
    expect(hex(unwrapKey(kek, wrapped))).toBe(vector.hex);
    const other = kek.slice().reverse();
    try {
      unwrapKey(other, wrapped);
      expect.unreachable();
    } catch (error) {
      expect(isFault(error, 'DLMS_AUTHENTICITY')).toBe(true);
    }
  });
});
