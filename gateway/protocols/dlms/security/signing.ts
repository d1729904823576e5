/**
 * ECDSA signatures of suites 1 and 2 (Green Book, 9.2.3.4.5): r and s side by side, 64 or 96
 * octets; and general-signing (9.2.7.2.5): lengths and
 * values of all fields before the signature are signed.
 */
import { type KeyObject, sign, verify } from 'node:crypto';
import { Fault } from '../../../../domain/index.ts';
import {
  encodeCiphered,
  type GeneralHeader,
  type GeneralSigned,
  signedOctets,
} from './ciphered.ts';
import { type Suite, suiteOf } from './suites.ts';

const ENCODING = 'ieee-p1363';

export interface SigningKey {
  readonly suite: 1 | 2;
  readonly key: KeyObject;
}

/** Throws DLMS_SECURITY when the key is not one of the suite's curve. */
export function signOctets({ suite, key }: SigningKey, octets: Uint8Array): Uint8Array {
  return sign(checkCurve(suiteOf(suite), key), octets, { key, dsaEncoding: ENCODING });
}

export function verifyOctets(
  { suite, key }: SigningKey,
  octets: Uint8Array,
  signature: Uint8Array,
): boolean {
  return verify(checkCurve(suiteOf(suite), key), octets, { key, dsaEncoding: ENCODING }, signature);
}

/** A general-signing APDU around `content`, plain or ciphered. */
export function signApdu(key: SigningKey, header: GeneralHeader, content: Uint8Array): Uint8Array {
  const signature = signOctets(key, signedOctets({ header, content }));
  return encodeCiphered({ kind: 'general-signing', header, content, signature });
}

/** The content, once its signature holds. Throws DLMS_AUTHENTICITY when it does not. */
export function openSigned(key: SigningKey, apdu: GeneralSigned): Uint8Array {
  if (verifyOctets(key, signedOctets(apdu), apdu.signature)) return apdu.content;
  throw new Fault('DLMS_AUTHENTICITY', { what: 'signature' });
}

function checkCurve(suite: Suite, key: KeyObject): string {
  const curve = key.asymmetricKeyDetails?.namedCurve;
  if (suite.hash !== undefined && curve === suite.curve) return suite.hash;
  throw new Fault('DLMS_SECURITY', { detail: `suite ${suite.id} does not sign with ${curve}` });
}
