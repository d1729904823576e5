/** Signatures, counters and wrapped keys. */
import { generateKeyPairSync } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  decodeCiphered,
  type GeneralSigned,
} from '../../gateway/protocols/dlms/security/ciphered.ts';
import {
  acceptInvocationCounter,
  NO_COUNTER,
  nextInvocationCounter,
} from '../../gateway/protocols/dlms/security/counters.ts';
import { unwrapKey, wrapKey } from '../../gateway/protocols/dlms/security/keywrap.ts';
import {
  openSigned,
  type SigningKey,
  signApdu,
  signOctets,
  verifyOctets,
} from '../../gateway/protocols/dlms/security/signing.ts';
import { refusal } from './dlms-refusal.ts';

const bytes = (hex: string): Uint8Array => new Uint8Array(Buffer.from(hex, 'hex'));
const hex = (octets: Uint8Array): string => Buffer.from(octets).toString('hex');
const CLIENT_TITLE = bytes('4d4d4d0000000001');
const SERVER_TITLE = bytes('4d4d4d0000bc614e');
const PLAIN = bytes('c001c100080000010000ff0200');

describe('signatures', () => {
  const pair = generateKeyPairSync('ec', { namedCurve: 'P-384' });
  const signer: SigningKey = { suite: 2, key: pair.privateKey };
  const verifier: SigningKey = { suite: 2, key: pair.publicKey };
  const empty = new Uint8Array(0);
  const header = {
    transactionId: empty,
    originatorTitle: CLIENT_TITLE,
    recipientTitle: SERVER_TITLE,
    dateTime: empty,
    otherInformation: empty,
  };

  test('general-signing opens, and not when content or header changed', () => {
    const apdu = decodeCiphered(signApdu(signer, header, PLAIN)) as GeneralSigned;
    expect(apdu.signature).toHaveLength(96);
    expect(hex(openSigned(verifier, apdu))).toBe(hex(PLAIN));
    const other = { ...apdu, content: bytes('c002c100000001') };
    expect(refusal(() => openSigned(verifier, other))).toBe('DLMS_AUTHENTICITY');
    const moved = { ...apdu, header: { ...header, recipientTitle: CLIENT_TITLE } };
    expect(refusal(() => openSigned(verifier, moved))).toBe('DLMS_AUTHENTICITY');
  });

  test('signatures of any octets are refused, not thrown over', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 110 }), (signature) => {
        expect(verifyOctets(verifier, PLAIN, signature)).toBe(false);
      }),
    );
  });

  test('a key of another curve is refused', () => {
    const small = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const code = refusal(() => signOctets({ suite: 2, key: small.privateKey }, PLAIN));
    expect(code).toBe('DLMS_SECURITY');
  });
});

describe('counters and keys', () => {
  test('counters only grow; the first may be 0; the last is the last', () => {
    expect(acceptInvocationCounter(NO_COUNTER, 0)).toBe(0);
    expect(acceptInvocationCounter(4, 9)).toBe(9);
    expect(refusal(() => acceptInvocationCounter(9, 9))).toBe('DLMS_REPLAY');
    expect(nextInvocationCounter(NO_COUNTER)).toBe(0);
    expect(nextInvocationCounter(0xfffffffe)).toBe(0xffffffff);
    expect(refusal(() => nextInvocationCounter(0xffffffff))).toBe('DLMS_COUNTER_SPENT');
  });

  test('RFC 3394, 4.6: 256 bits of key under a KEK of 256 bits', () => {
    const kek = bytes('000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f');
    const key = bytes('00112233445566778899aabbccddeeff000102030405060708090a0b0c0d0e0f');
    const wrapped =
      '28c9f404c4b810f4cbccb35cfb87f8263f5786e2d80ed326cbc7f0e71a99f43bfb988b9b7a02dd21';
    expect(hex(wrapKey(kek, key))).toBe(wrapped);
    expect(hex(unwrapKey(kek, bytes(wrapped)))).toBe(hex(key));
  });

  test('lengths that AES does not have', () => {
    expect(refusal(() => wrapKey(new Uint8Array(16), new Uint8Array(17)))).toBe('DLMS_SECURITY');
    expect(refusal(() => wrapKey(new Uint8Array(15), new Uint8Array(16)))).toBe('DLMS_SECURITY');
    expect(refusal(() => unwrapKey(new Uint8Array(16), new Uint8Array(23)))).toBe('DLMS_SECURITY');
  });
});
