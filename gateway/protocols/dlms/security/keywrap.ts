/**
 * AES key wrap (RFC 3394; Green Book, 9.2.3.3.8): how keys travel in key_transfer of the security
 * setup, under the master key (KEK).
 */
import { createCipheriv, createDecipheriv } from 'node:crypto';
import { Fault } from '../../../../domain/index.ts';

const INITIAL_VALUE = Buffer.alloc(8, 0xa6);
const CIPHERS = new Map([
  [16, 'id-aes128-wrap'],
  [32, 'id-aes256-wrap'],
]);

/** Eight octets longer than the key. Throws DLMS_SECURITY for lengths AES does not have. */
export function wrapKey(kek: Uint8Array, key: Uint8Array): Uint8Array {
  if (key.length < 16 || key.length % 8 !== 0) {
    throw new Fault('DLMS_SECURITY', { detail: `a key of ${key.length} octets cannot be wrapped` });
  }
  const cipher = createCipheriv(cipherFor(kek), kek, INITIAL_VALUE);
  return Buffer.concat([cipher.update(key), cipher.final()]);
}

/** Throws DLMS_AUTHENTICITY when it was not wrapped under this KEK. */
export function unwrapKey(kek: Uint8Array, wrapped: Uint8Array): Uint8Array {
  const cipher = cipherFor(kek);
  if (wrapped.length < 24 || wrapped.length % 8 !== 0) {
    throw new Fault('DLMS_SECURITY', { detail: `wrapped key of ${wrapped.length} octets` });
  }
  try {
    const decipher = createDecipheriv(cipher, kek, INITIAL_VALUE);
    return Buffer.concat([decipher.update(wrapped), decipher.final()]);
  } catch (error) {
    throw new Fault('DLMS_AUTHENTICITY', { what: 'wrapped key' }, error);
  }
}

function cipherFor(kek: Uint8Array): string {
  const cipher = CIPHERS.get(kek.length);
  if (cipher !== undefined) return cipher;
  throw new Fault('DLMS_SECURITY', { detail: `KEK of ${kek.length} octets` });
}
