/** Vectors of ciphered APDUs, HLS and key wrap: opened with their keys, and sealed again. */
import { expect } from 'vitest';
import { isFault } from '../../../domain/index.ts';
import { MECHANISMS } from '../../../gateway/protocols/dlms/acse.ts';
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
import { bytes, eachVector, expectContents, hex, type Vector } from './vectors.ts';

const key = (vector: Vector, name: string): Uint8Array => bytes(vector.keys?.[name] ?? '');

eachVector('ciphered', (vector) => {
  const { plain, plainDecoded, ...wire } = vector.expected;
  const ciphered = decodeCiphered(bytes(vector.hex));
  expectContents(describeCiphered(ciphered), wire);
  expect(hex(encodeCiphered(ciphered))).toBe(vector.hex);
  if (plain === undefined) {
    // Without keys the wire form is all a vector can say.
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
  expectDecoded(opened.plain, plainDecoded);
  if (inner.kind === 'general-ciphering') return;
  const { control, invocationCounter } = opened;
  const carriesTitle = 'systemTitle' in inner;
  const sealed = sealApdu(opened.plain, {
    keys,
    systemTitle: opened.systemTitle,
    invocationCounter,
    control,
    form: carriesTitle ? 'general' : 'service',
    keySet: /ded/.test(inner.kind) ? 'ded' : 'glo',
  });
  // Some meters leave their title out of the general form; we never do.
  const blank = carriesTitle && inner.systemTitle.length === 0;
  if (!blank) expect(hex(sealed)).toBe(vector.hex);
});

/** Garbage behind an APDU is told apart where the vector says so, and refused by the strict way. */
function expectDecoded(plain: Uint8Array, decoded: Record<string, unknown> | undefined): void {
  if (decoded === undefined) return;
  const { trailing, ...contents } = decoded;
  if (trailing === undefined) {
    expectContents(describeApdu(decodeApdu(plain)), contents);
    return;
  }
  const prefix = decodeApduPrefix(plain);
  expectContents(describeApdu(prefix.apdu), contents);
  expect(hex(prefix.trailing)).toBe(trailing);
  expect(() => decodeApdu(plain)).toThrow(/followed by/);
}

/** `hex` is the challenge answered; `systemTitle` that of the side that answers. */
eachVector('hls', (vector) => {
  const { mechanism, systemTitle, result, iv, aad, invocationCounter, securityControl } =
    vector.expected;
  expect(mechanism).toBe(MECHANISMS['high-gmac']);
  const keys = {
    encryption: key(vector, 'encryptionKey'),
    authentication: key(vector, 'authenticationKey'),
  };
  const own = bytes(systemTitle);
  const peer = bytes('4d4d4d5045455231');
  const suite = Number.parseInt(securityControl, 16) & 0x0f;
  const answering: HlsCredentials = {
    mechanism: 'high-gmac',
    suite,
    keys,
    titles: { own, peer },
    invocationCounter,
  };
  const received = bytes(vector.hex);
  const sent = new Uint8Array(received.length).fill(0x5a);
  const answer = hlsAnswer(answering, { sent, received });
  expect(hex(answer)).toBe(result);
  expect(hex(answer.subarray(0, 1))).toBe(securityControl);
  expect(hex(initialVector(own, invocationCounter))).toBe(iv);
  expect(securityControl + hex(keys.authentication) + hex(received)).toBe(aad);
  const checking: HlsCredentials = { ...answering, titles: { own: peer, peer: own } };
  const checked = checkHlsAnswer(checking, { sent: received, received: sent }, answer);
  expect(checked).toEqual({ invocationCounter });
});

eachVector('keywrap', (vector) => {
  const kek = key(vector, 'kek');
  const wrapped = wrapKey(kek, bytes(vector.hex));
  expect(hex(wrapped)).toBe(vector.expected.wrapped);
  expect(hex(unwrapKey(kek, wrapped))).toBe(vector.hex);
  const other = new Uint8Array(kek).reverse();
  try {
    unwrapKey(other, wrapped);
    expect.unreachable();
  } catch (error) {
    expect(isFault(error, 'DLMS_AUTHENTICITY')).toBe(true);
  }
});
