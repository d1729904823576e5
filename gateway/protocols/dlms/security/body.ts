/**
 * What every ciphered form carries (Green Book, 9.2.7.2.4.1): security control, invocation counter,
 * the protected APDU and, where authenticated, a tag of twelve octets.
 */
import { Fault } from '../../../../domain/index.ts';
import { Reader, Writer } from '../cursor.ts';
import type { Field } from '../schema.ts';

export const TAG_BYTES = 12;

/** Security control octet: bits 0-3 suite, 4 A, 5 E, 6 broadcast key, 7 compressed. */
export interface SecurityControl {
  readonly suite: number;
  readonly authenticated: boolean;
  readonly encrypted: boolean;
  readonly broadcastKey: boolean;
  readonly compressed: boolean;
}

export interface ProtectedBody {
  readonly control: SecurityControl;
  readonly invocationCounter: number;
  /** Cipher text when encrypted, else the APDU itself; the tag not included. */
  readonly content: Uint8Array;
  /** Twelve octets when authenticated. */
  readonly tag: Uint8Array | undefined;
}

export function encodeSecurityControl(control: SecurityControl): number {
  const { suite } = control;
  if (!Number.isInteger(suite) || suite < 0 || suite > 15) {
    throw new Fault('DLMS_SECURITY', { detail: `suite ${suite} is not known` });
  }
  return (
    suite |
    (control.authenticated ? 0x10 : 0) |
    (control.encrypted ? 0x20 : 0) |
    (control.broadcastKey ? 0x40 : 0) |
    (control.compressed ? 0x80 : 0)
  );
}

export function decodeSecurityControl(octet: number): SecurityControl {
  return {
    suite: octet & 0x0f,
    authenticated: (octet & 0x10) !== 0,
    encrypted: (octet & 0x20) !== 0,
    broadcastKey: (octet & 0x40) !== 0,
    compressed: (octet & 0x80) !== 0,
  };
}

/** Length, then control, counter, content and tag. */
export const protectedBody: Field<ProtectedBody> = {
  read: (outer) => {
    const reader = new Reader(outer.octets('ciphered content'));
    const control = decodeSecurityControl(reader.u8('security control'));
    const invocationCounter = reader.u32('invocation counter');
    const tagBytes = control.authenticated ? TAG_BYTES : 0;
    if (reader.remaining < tagBytes) reader.take(tagBytes, 'authentication tag');
    const content = reader.take(reader.remaining - tagBytes);
    const tag = control.authenticated ? reader.take(TAG_BYTES) : undefined;
    return { control, invocationCounter, content, tag };
  },
  write: (writer, { control, invocationCounter, content, tag }) => {
    if ((tag?.length ?? 0) !== (control.authenticated ? TAG_BYTES : 0)) {
      throw new Fault('DLMS_SECURITY', { detail: 'tag and security control do not agree' });
    }
    const body = new Writer();
    body.u8(encodeSecurityControl(control)).u32(invocationCounter).bytes(content);
    if (tag !== undefined) body.bytes(tag);
    writer.octets(body.done());
  },
};
