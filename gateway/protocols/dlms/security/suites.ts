/**
 * Security suites (Green Book, 9.2.3): what encrypts, wraps, signs and hashes.
 * V.44 compression of suites 1 and 2 is not implemented; a compressed APDU is refused.
 */
import { Fault } from '../../../../domain/index.ts';

export interface Suite {
  readonly id: 0 | 1 | 2;
  readonly gcm: 'aes-128-gcm' | 'aes-256-gcm';
  readonly ctr: 'aes-128-ctr' | 'aes-256-ctr';
  readonly wrap: 'id-aes128-wrap' | 'id-aes256-wrap';
  readonly keyBytes: 16 | 32;
  readonly curve: 'prime256v1' | 'secp384r1' | undefined;
  readonly hash: 'sha256' | 'sha384' | undefined;
}

const AES_128 = {
  gcm: 'aes-128-gcm',
  ctr: 'aes-128-ctr',
  wrap: 'id-aes128-wrap',
  keyBytes: 16,
} as const;
const AES_256 = {
  gcm: 'aes-256-gcm',
  ctr: 'aes-256-ctr',
  wrap: 'id-aes256-wrap',
  keyBytes: 32,
} as const;

export const SUITES: readonly [Suite, Suite, Suite] = [
  { id: 0, ...AES_128, curve: undefined, hash: undefined },
  { id: 1, ...AES_128, curve: 'prime256v1', hash: 'sha256' },
  { id: 2, ...AES_256, curve: 'secp384r1', hash: 'sha384' },
];

/** Throws DLMS_SECURITY for a suite that does not exist. */
export function suiteOf(id: number): Suite {
  const suite = SUITES[id];
  if (suite === undefined) throw new Fault('DLMS_SECURITY', { detail: `suite ${id} is not known` });
  return suite;
}

/** Throws DLMS_SECURITY when the key has not the length the suite asks for. */
export function checkKey(suite: Suite, what: string, key: Uint8Array): Uint8Array {
  if (key.length === suite.keyBytes) return key;
  const detail = `${what} has ${key.length} octets, suite ${suite.id} needs ${suite.keyBytes}`;
  throw new Fault('DLMS_SECURITY', { detail });
}
