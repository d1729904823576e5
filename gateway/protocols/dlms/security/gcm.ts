/**
 * AES-GCM as DLMS uses it (Green Book, 9.2.3.3.7): IV = system title (8) and invocation counter
 * (4), tag of twelve octets. Authenticated data: security control, authentication key, any
 * header, and the APDU itself when it is not encrypted. Encrypted only: no tag at all, so whoever
 * opens it must not take it for authentic.
 */
import { createCipheriv, createDecipheriv } from 'node:crypto';
import { Fault } from '../../../../domain/index.ts';
import { encodeSecurityControl, type SecurityControl, TAG_BYTES } from './body.ts';
import { checkKey, suiteOf } from './suites.ts';

export interface GcmKeys {
  /** GUEK, GBEK or dedicated key. */
  readonly encryption: Uint8Array;
  /** GAK, also with a dedicated key. */
  readonly authentication: Uint8Array;
}

export interface GcmInput {
  readonly control: SecurityControl;
  readonly keys: GcmKeys;
  /** The sender's, eight octets. */
  readonly systemTitle: Uint8Array;
  readonly invocationCounter: number;
  /** Header fields of general-ciphering, with their lengths. */
  readonly header?: Uint8Array | undefined;
}

const NOTHING = new Uint8Array(0);
const TITLE_BYTES = 8;

/** Content and tag for the wire. Throws DLMS_SECURITY for wrong keys, titles or suites. */
export function seal(
  input: GcmInput,
  plain: Uint8Array,
): { content: Uint8Array; tag: Uint8Array | undefined } {
  const { control, suite, iv, key } = prepare(input);
  if (!control.authenticated) {
    return {
      content: control.encrypted ? stream(suite.ctr, key, iv, plain) : plain,
      tag: undefined,
    };
  }
  const cipher = createCipheriv(suite.gcm, key, iv, { authTagLength: TAG_BYTES });
  cipher.setAAD(authenticatedData(input, plain));
  const content = Buffer.concat([
    cipher.update(control.encrypted ? plain : NOTHING),
    cipher.final(),
  ]);
  return { content: control.encrypted ? content : plain, tag: cipher.getAuthTag() };
}

/** The plain APDU. Throws DLMS_AUTHENTICITY when the tag is wrong. */
export function open(
  input: GcmInput,
  content: Uint8Array,
  tag: Uint8Array | undefined,
): Uint8Array {
  const { control, suite, iv, key } = prepare(input);
  if (!control.authenticated) {
    return control.encrypted ? stream(suite.ctr, key, iv, content) : content;
  }
  if (tag?.length !== TAG_BYTES) throw new Fault('DLMS_AUTHENTICITY', { what: 'APDU without tag' });
  const cipher = createDecipheriv(suite.gcm, key, iv, { authTagLength: TAG_BYTES });
  cipher.setAAD(authenticatedData(input, content));
  cipher.setAuthTag(tag);
  try {
    const body = control.encrypted ? content : NOTHING;
    const plain = Buffer.concat([cipher.update(body), cipher.final()]);
    return control.encrypted ? plain : content;
  } catch (error) {
    throw new Fault('DLMS_AUTHENTICITY', { what: 'APDU' }, error);
  }
}

function prepare(input: GcmInput): {
  control: SecurityControl;
  suite: ReturnType<typeof suiteOf>;
  iv: Uint8Array;
  key: Uint8Array;
} {
  const { control, keys } = input;
  if (control.compressed) {
    throw new Fault('DLMS_SECURITY', { detail: 'V.44 compression is not supported' });
  }
  const suite = suiteOf(control.suite);
  const key = checkKey(suite, 'encryption key', keys.encryption);
  if (control.authenticated) checkKey(suite, 'authentication key', keys.authentication);
  return { control, suite, iv: initialVector(input.systemTitle, input.invocationCounter), key };
}

export function initialVector(systemTitle: Uint8Array, invocationCounter: number): Uint8Array {
  if (systemTitle.length !== TITLE_BYTES) {
    throw new Fault('DLMS_SECURITY', { detail: `system title of ${systemTitle.length} octets` });
  }
  const iv = Buffer.alloc(12);
  iv.set(systemTitle);
  iv.writeUInt32BE(invocationCounter, TITLE_BYTES);
  return iv;
}

function authenticatedData(input: GcmInput, apdu: Uint8Array): Uint8Array {
  return Buffer.concat([
    Uint8Array.of(encodeSecurityControl(input.control)),
    input.keys.authentication,
    input.header ?? NOTHING,
    input.control.encrypted ? NOTHING : apdu,
  ]);
}

/** GCM without its tag is counter mode from block 2 on (NIST SP 800-38D, 7.1). */
function stream(cipher: string, key: Uint8Array, iv: Uint8Array, input: Uint8Array): Uint8Array {
  const ctr = createCipheriv(cipher, key, Buffer.concat([iv, Uint8Array.of(0, 0, 0, 2)]));
  return Buffer.concat([ctr.update(input), ctr.final()]);
}
