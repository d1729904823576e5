/**
 * Sealing plain APDUs and opening ciphered ones (Green Book, 9.2.7.2). Counters, keys and titles
 * come in, octets go out; nothing is remembered here. The caller
 * - takes a fresh counter from `nextInvocationCounter` and stores it BEFORE sending,
 * - passes what was opened through `acceptInvocationCounter`,
 * - compares `control` with what its policy demands: E only is not authentic.
 */
import { Fault } from '../../../../domain/index.ts';
import type { SecurityControl } from './body.ts';
import {
  type CipheredApdu,
  encodeCiphered,
  encodeHeader,
  type GeneralHeader,
  type GeneralSigned,
  type KeyInfo,
  type KeySet,
  serviceKind,
} from './ciphered.ts';
import { type GcmKeys, open, seal } from './gcm.ts';

export interface SealOptions {
  readonly keys: GcmKeys;
  /** Our own. */
  readonly systemTitle: Uint8Array;
  readonly invocationCounter: number;
  readonly control: Omit<SecurityControl, 'compressed'>;
  /**
   * `service`: glo- or ded- form of the service; `general`: general-glo or general-ded, when
   * general-protection was negotiated. Answer in the form the other side used.
   */
  readonly form: 'service' | 'general';
  readonly keySet?: KeySet | undefined;
}

/** A ciphered APDU. The InitiateRequest inside an AARQ always takes the service form. */
export function sealApdu(plain: Uint8Array, options: SealOptions): Uint8Array {
  const control = { ...options.control, compressed: false };
  const keySet = options.keySet ?? 'glo';
  const { keys, systemTitle, invocationCounter } = options;
  checkProtects(control);
  const sealed = seal({ control, keys, systemTitle, invocationCounter }, plain);
  const body = { control, invocationCounter, ...sealed };
  if (options.form === 'service') return encodeCiphered({ kind: serviceKind(plain, keySet), body });
  return encodeCiphered({ kind: `general-${keySet}-ciphering`, systemTitle, body });
}

/** general-ciphering: header fields are authenticated along. */
export function sealWithHeader(
  plain: Uint8Array,
  options: Omit<SealOptions, 'form' | 'keySet' | 'systemTitle'> & {
    readonly header: GeneralHeader;
    readonly keyInfo?: KeyInfo | undefined;
  },
): Uint8Array {
  const control = { ...options.control, compressed: false };
  const { keys, invocationCounter, header, keyInfo } = options;
  const systemTitle = header.originatorTitle;
  const input = { control, keys, systemTitle, invocationCounter, header: encodeHeader(header) };
  const body = { control, invocationCounter, ...seal(input, plain) };
  return encodeCiphered({ kind: 'general-ciphering', header, keyInfo, body });
}

export interface Opened {
  readonly plain: Uint8Array;
  readonly control: SecurityControl;
  readonly invocationCounter: number;
  /** Of the sender: in the APDU, else the one passed in. */
  readonly systemTitle: Uint8Array;
}

export interface OpenOptions {
  readonly keys: GcmKeys;
  /** The sender's, for forms that do not carry it. */
  readonly systemTitle: Uint8Array | undefined;
}

/**
 * The plain APDU inside. Throws DLMS_AUTHENTICITY when the tag is wrong and DLMS_SECURITY when a
 * service-specific form holds another service, or keys and suite do not fit.
 */
export function openApdu(
  ciphered: Exclude<CipheredApdu, GeneralSigned>,
  options: OpenOptions,
): Opened {
  const { control, invocationCounter, content, tag } = ciphered.body;
  const carried = carriedTitle(ciphered);
  const systemTitle = carried !== undefined && carried.length > 0 ? carried : options.systemTitle;
  if (systemTitle === undefined) {
    throw new Fault('DLMS_SECURITY', { detail: 'the sender’s system title is not known' });
  }
  const header = ciphered.kind === 'general-ciphering' ? encodeHeader(ciphered.header) : undefined;
  if (header === undefined) checkProtects(control);
  const { keys } = options;
  const input = { control, keys, systemTitle, invocationCounter, header };
  const plain = open(input, content, tag);
  checkService(ciphered, plain);
  return { plain, control, invocationCounter, systemTitle };
}

/** Only general-ciphering may carry an APDU without protection (Green Book, 9.2.7.3). */
function checkProtects({ authenticated, encrypted }: SecurityControl): void {
  if (authenticated || encrypted) return;
  throw new Fault('DLMS_SECURITY', { detail: 'neither authenticated nor encrypted' });
}

function carriedTitle(ciphered: Exclude<CipheredApdu, GeneralSigned>): Uint8Array | undefined {
  if ('systemTitle' in ciphered) return ciphered.systemTitle;
  return ciphered.kind === 'general-ciphering' ? ciphered.header.originatorTitle : undefined;
}

/** The name outside must be the name inside: only the inside is authenticated. */
function checkService(ciphered: Exclude<CipheredApdu, GeneralSigned>, plain: Uint8Array): void {
  if ('systemTitle' in ciphered || ciphered.kind === 'general-ciphering') return;
  const keySet = ciphered.kind.startsWith('ded') ? 'ded' : 'glo';
  if (serviceKind(plain, keySet) !== ciphered.kind) {
    throw new Fault('DLMS_SECURITY', { detail: `${ciphered.kind} holds another service` });
  }
}
