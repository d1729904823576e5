/**
 * Key agreement and general-ciphering against the examples of the Green Book: the signature of
 * table C.1, the derived key of table C.2, the ciphered ACCESS request of table 41. Editions
 * differ in the derived keys they print; that of C.2 is proven by table 41, which it decrypts.
 */
import { createECDH, createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { decodeApdu } from '../../gateway/protocols/dlms/apdu.ts';
import {
  agreeKey,
  offerEphemeralKey,
  publicKeyFrom,
  publicKeyOctets,
  takeEphemeralKey,
} from '../../gateway/protocols/dlms/security/agreement.ts';
import { decodeCiphered, encodeCiphered } from '../../gateway/protocols/dlms/security/ciphered.ts';
import { openApdu } from '../../gateway/protocols/dlms/security/protection.ts';
import { verifyOctets } from '../../gateway/protocols/dlms/security/signing.ts';
import { refusal } from './dlms-refusal.ts';

const bytes = (hex: string): Uint8Array =>
  new Uint8Array(Buffer.from(hex.replace(/\s/g, ''), 'hex'));
const hex = (octets: Uint8Array): string => Buffer.from(octets).toString('hex');
const TITLE_U = bytes('4d4d4d0000bc614e');
const TITLE_V = bytes('4d4d4d0000000001');

function privateP256(scalar: string): KeyObject {
  const ecdh = createECDH('prime256v1');
  ecdh.setPrivateKey(bytes(scalar));
  const point = ecdh.getPublicKey();
  const part = (from: number, to: number) => point.subarray(from, to).toString('base64url');
  const d = Buffer.from(bytes(scalar)).toString('base64url');
  const key = { kty: 'EC', crv: 'P-256', x: part(1, 33), y: part(33, 65), d };
  return createPrivateKey({ key, format: 'jwk' });
}

const EPHEMERAL_U = `c323c2bd45711de4688637d919f92e9db8fb2dfc213a88d21c9dc8dcba917d81
  70511de1badb360d50058f794b0960ae11fa28d392cff907a62d13e3357b1dc0`;
const SIGNATURE_U = `b51be089d0b682863b2217201e73a1a9031968a9b4121dcbc3281a69739af874
  29f5b3ac5471e7b6a04a2c0f2f8a25fd772a317df97fc5463feac248eb8ab8be`;
const SIGNING_PUBLIC_U = `baaffde06a8cb1c9dae8d94023c601dbbb249254ba22edd827e820bca2bcc643
  62fbb83d86a82b87bb8b7161d2aab5521911a946b97a284a90f7785cd9047d25`;
const STATIC_PRIVATE_V = 'aad3fd0732e991cf52a74c66c1f2827ddc53522a2e0a169d7c4ffcc0fb5d6a4d';

/** Table 41: ACCESS request in general-ciphering, suite 1, key agreed by C(1e, 1s). */
const TABLE_41 = `dd 080102030405060708 084d4d4d0000bc614e 084d4d4d0000000001 00 00
  01 02 0101 8180 ${EPHEMERAL_U} ${SIGNATURE_U} 81eb 31 00000000
  f435069679270c5bf4425ee5777402a6c8d51c620eed52dbb188378b836e2857d5c053e6ddf27fa87409aef502cd96
  18ae47017c010224fd109cc0beb21e742d44ab40cd11908743ec90ec8c40e221d517f72228e1a26e827f43dc18ed27
  b5f458d66508b05a2a4cc6fed178c881afc3bc67064689be8bb41c80abb3c114a31f4cb03b8b64c7e0b4ce77b2399c
  93347858888f92239713b38df01c4858245827a92ef334172ea636b31cbbdf2a96ad5d035f66aa38f1a2d97d4bba99
  622e6b5f18789cecb2dfb3937d9f3e17f8b472098e6563238f37528374809836002aea6e7012d2adfaa7`;

describe('the examples of the Green Book', () => {
  test('table C.1: the signature over key id and ephemeral key', () => {
    const verifier = { suite: 1, key: publicKeyFrom(1, bytes(SIGNING_PUBLIC_U)) } as const;
    const signed = bytes(`00 2914d60e10ab705f62ed6cc349d7cb99b9ab3f3978e59278c7af595b3af98794
      1372dab6d5af1fa867e134167e6f23de664a6693e05f43414611058d1b48f894`);
    const signature = bytes(`06f0607702aa0e2435a183e2f6b1ecd19629712e389a213610c03f77b2590860
      ea840af5c3fa1f2bcdf055d4744e9a01ce9a0e55026bcaa4eebeb764ced64bb3`);
    expect(verifyOctets(verifier, signed, signature)).toBe(true);
  });

  test('tables 41 and C.2: the key is agreed, the request opens and is an ACCESS request', () => {
    const octets = bytes(TABLE_41);
    expect(octets).toHaveLength(401);
    const ciphered = decodeCiphered(octets);
    expect(hex(encodeCiphered(ciphered))).toBe(hex(octets));
    if (ciphered.kind !== 'general-ciphering' || ciphered.keyInfo === undefined) {
      throw new Error(ciphered.kind);
    }
    const verifier = { suite: 1, key: publicKeyFrom(1, bytes(SIGNING_PUBLIC_U)) } as const;
    const encryption = agreeKey({
      suite: 1,
      ownPrivate: privateP256(STATIC_PRIVATE_V),
      peerPublic: takeEphemeralKey(ciphered.keyInfo, verifier),
      partyU: TITLE_U,
      partyV: TITLE_V,
    });
    expect(hex(encryption)).toBe('59a71fd81c929a86a99438da17a66c05');
    // The authentication key of the example is not known here, so its tag is not checked.
    const keys = { encryption, authentication: new Uint8Array(16) };
    const { control, content } = ciphered.body;
    const body = {
      ...ciphered.body,
      control: { ...control, authenticated: false },
      tag: undefined,
    };
    expect(content).toHaveLength(218);
    const access = decodeApdu(
      openApdu({ ...ciphered, body }, { keys, systemTitle: undefined }).plain,
    );
    expect(access).toMatchObject({
      kind: 'access-request',
      invoke: { id: 0, confirmed: true },
      specifications: [
        { get: { classId: 1, instance: '0-0:96.1.0', attributeId: 2 } },
        { get: { classId: 8, instance: '0-0:1.0.0', attributeId: 2 } },
        { set: { classId: 20, instance: '0-0:13.0.0', attributeId: 7 } },
        { set: { classId: 20, instance: '0-0:13.0.0', attributeId: 8 } },
      ],
      data: [{ type: 'null-data' }, { type: 'null-data' }, { type: 'array' }, { type: 'array' }],
    });
  });
});

describe('one pass between two parties', () => {
  const curves = [
    [1, 'P-256'],
    [2, 'P-384'],
  ] as const;
  test.each(curves)(
    'suite %i: both get one key, and not with another signature',
    (suite, namedCurve) => {
      const pair = () => generateKeyPairSync('ec', { namedCurve });
      const [ephemeral, signing, receiver, stranger] = [pair(), pair(), pair(), pair()] as const;
      const keyInfo = offerEphemeralKey(ephemeral.privateKey, { suite, key: signing.privateKey });
      const taken = takeEphemeralKey(keyInfo, { suite, key: signing.publicKey });
      expect(hex(publicKeyOctets(suite, taken))).toBe(
        hex(publicKeyOctets(suite, ephemeral.publicKey)),
      );
      const parties = { suite, partyU: TITLE_U, partyV: TITLE_V };
      const atReceiver = agreeKey({
        ...parties,
        ownPrivate: receiver.privateKey,
        peerPublic: taken,
      });
      const atSender = agreeKey({
        ...parties,
        ownPrivate: ephemeral.privateKey,
        peerPublic: receiver.publicKey,
      });
      expect(hex(atReceiver)).toBe(hex(atSender));
      expect(atReceiver).toHaveLength(suite === 2 ? 32 : 16);
      const other = { suite, key: stranger.publicKey } as const;
      expect(refusal(() => takeEphemeralKey(keyInfo, other))).toBe('DLMS_AUTHENTICITY');
      const wrapping = agreeKey({
        ...parties,
        ownPrivate: receiver.privateKey,
        peerPublic: taken,
        use: 'aes-wrap',
      });
      expect(hex(wrapping)).not.toBe(hex(atReceiver));
    },
  );

  test('keys of another curve, points off the curve and other key info are refused', () => {
    const big = generateKeyPairSync('ec', { namedCurve: 'P-384' });
    const keys = { ownPrivate: big.privateKey, peerPublic: big.publicKey };
    const agreed = () => agreeKey({ suite: 1, ...keys, partyU: TITLE_U, partyV: TITLE_V });
    expect(refusal(agreed)).toBe('DLMS_SECURITY');
    expect(refusal(() => publicKeyFrom(1, new Uint8Array(64).fill(7)))).toBe('DLMS_SECURITY');
    expect(refusal(() => publicKeyFrom(1, new Uint8Array(63)))).toBe('DLMS_SECURITY');
    expect(refusal(() => publicKeyOctets(1, big.publicKey))).toBe('DLMS_SECURITY');
    const verifier = { suite: 2, key: big.publicKey } as const;
    expect(refusal(() => takeEphemeralKey({ identified: 'unicast' }, verifier))).toBe(
      'DLMS_SECURITY',
    );
  });
});
