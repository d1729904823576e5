/**
 * Key agreement of suites 1 and 2 (Green Book, 9.2.3.4.6): elliptic curve Diffie-Hellman, then
 * the one-step key derivation of NIST SP 800-56A. Party U is whoever sends the message. Public
 * keys travel as both coordinates side by side, 64 or 96 octets.
 */
import { createHash, createPublicKey, diffieHellman, type KeyObject } from 'node:crypto';
import { Fault } from '../../../../domain/index.ts';
import type { KeyInfo } from './ciphered.ts';
import { type SigningKey, signOctets, verifyOctets } from './signing.ts';
import { type Suite, suiteOf } from './suites.ts';

/** What the agreed key is for: 2.16.756.5.8.3.n. */
export const AGREED_KEY_USES = { 'aes-gcm': 0, 'aes-wrap': 2 } as const;
const USE_OID = Uint8Array.of(0x60, 0x85, 0x74, 0x05, 0x08, 0x03);
const FIRST_ROUND = Uint8Array.of(0, 0, 0, 1);

const SCHEME_ONE_PASS = 0x01;
const CURVE_NAMES = { prime256v1: 'P-256', secp384r1: 'P-384' } as const;
const COORDINATE_BYTES = { prime256v1: 32, secp384r1: 48 } as const;

export interface Agreement {
  readonly suite: 1 | 2;
  readonly ownPrivate: KeyObject;
  readonly peerPublic: KeyObject;
  /** System title of the originator, with its nonce behind it where the scheme has one. */
  readonly partyU: Uint8Array;
  readonly partyV: Uint8Array;
  readonly use?: keyof typeof AGREED_KEY_USES | undefined;
}

/** The key both sides get. Throws DLMS_SECURITY when keys and suite do not fit. */
export function agreeKey(agreement: Agreement): Uint8Array {
  const suite = suiteOf(agreement.suite);
  const { curve, hash } = ellipticOf(suite);
  for (const key of [agreement.ownPrivate, agreement.peerPublic]) {
    if (key.asymmetricKeyDetails?.namedCurve !== curve) {
      throw new Fault('DLMS_SECURITY', { detail: `suite ${suite.id} agrees keys on ${curve}` });
    }
  }
  const { ownPrivate: privateKey, peerPublic: publicKey } = agreement;
  const secret = diffieHellman({ privateKey, publicKey });
  const use = AGREED_KEY_USES[agreement.use ?? 'aes-gcm'] + (suite.keyBytes === 32 ? 1 : 0);
  const digest = createHash(hash).update(FIRST_ROUND).update(secret).update(USE_OID);
  digest.update(Uint8Array.of(use)).update(agreement.partyU).update(agreement.partyV);
  return digest.digest().subarray(0, suite.keyBytes);
}

/** Both coordinates of a public key, or of the public half of a private one. */
export function publicKeyOctets(suite: 1 | 2, key: KeyObject): Uint8Array {
  const { curve } = ellipticOf(suiteOf(suite));
  const { x, y } = (key.type === 'private' ? createPublicKey(key) : key).export({ format: 'jwk' });
  if (key.asymmetricKeyDetails?.namedCurve !== curve || x === undefined || y === undefined) {
    throw new Fault('DLMS_SECURITY', { detail: `not a public key on ${curve}` });
  }
  return Buffer.concat([Buffer.from(x, 'base64url'), Buffer.from(y, 'base64url')]);
}

/** Throws DLMS_SECURITY when the octets are no point of the suite's curve. */
export function publicKeyFrom(suite: 1 | 2, octets: Uint8Array): KeyObject {
  const { curve } = ellipticOf(suiteOf(suite));
  const half = COORDINATE_BYTES[curve];
  const coordinate = (from: number): string =>
    Buffer.from(octets.subarray(from, from + half)).toString('base64url');
  try {
    if (octets.length !== 2 * half) throw new Error(`${octets.length} octets`);
    const key = { kty: 'EC', crv: CURVE_NAMES[curve], x: coordinate(0), y: coordinate(half) };
    return createPublicKey({ key, format: 'jwk' });
  } catch (error) {
    throw new Fault('DLMS_SECURITY', { detail: `not a public key on ${curve}` }, error);
  }
}

/** One-Pass Diffie-Hellman C(1e, 1s): our ephemeral public key, signed, as key info. */
export function offerEphemeralKey(ephemeral: KeyObject, signer: SigningKey): KeyInfo {
  const point = publicKeyOctets(signer.suite, ephemeral);
  const data = Buffer.concat([point, signOctets(signer, point)]);
  return { agreed: { parameters: Uint8Array.of(SCHEME_ONE_PASS), data } };
}

/**
 * The sender's ephemeral public key out of key info, its signature checked: without that check
 * anybody could put a key of their own in its place. Throws DLMS_AUTHENTICITY or DLMS_SECURITY.
 */
export function takeEphemeralKey(keyInfo: KeyInfo, verifier: SigningKey): KeyObject {
  if (!('agreed' in keyInfo) || keyInfo.agreed.parameters[0] !== SCHEME_ONE_PASS) {
    throw new Fault('DLMS_SECURITY', { detail: 'key info offers no ephemeral key' });
  }
  const { data } = keyInfo.agreed;
  const pointBytes = 2 * COORDINATE_BYTES[ellipticOf(suiteOf(verifier.suite)).curve];
  const point = data.subarray(0, pointBytes);
  if (!verifyOctets(verifier, point, data.subarray(pointBytes))) {
    throw new Fault('DLMS_AUTHENTICITY', { what: 'ephemeral key' });
  }
  return publicKeyFrom(verifier.suite, point);
}

function ellipticOf({ id, curve, hash }: Suite): {
  curve: 'prime256v1' | 'secp384r1';
  hash: 'sha256' | 'sha384';
} {
  if (curve !== undefined && hash !== undefined) return { curve, hash };
  throw new Fault('DLMS_SECURITY', { detail: `suite ${id} has no key agreement` });
}
