/**
 * Association control in BER (Green Book, 9.4.2; ISO/IEC 8650-1): AARQ 60, AARE 61, RLRQ 62,
 * RLRE 63. Elements are read by tag, in any order, unknown ones skipped: servers put optional
 * elements where they like. Lengths are not forgiven; see `isReleaseResponse`.
 */
import { Fault } from '../../../domain/index.ts';
import { type Element, elements, readElements, writeElements } from './ber.ts';
import { Reader, Writer } from './cursor.ts';

export const APPLICATION_CONTEXTS = { LN: 1, SN: 2, 'LN-ciphered': 3, 'SN-ciphered': 4 } as const;
export const MECHANISMS = {
  lowest: 0,
  low: 1,
  high: 2,
  'high-md5': 3,
  'high-sha1': 4,
  'high-gmac': 5,
  'high-sha256': 6,
  'high-ecdsa': 7,
} as const;

export type MechanismName = keyof typeof MECHANISMS;
/** `oid-` and hex for object identifiers that are not DLMS's own: a server must answer those too. */
export type ApplicationContext = keyof typeof APPLICATION_CONTEXTS | `oid-${string}`;
export type Mechanism = MechanismName | `oid-${string}`;

export interface Aarq {
  readonly kind: 'aarq';
  /** BIT STRING as unused bits and octets: 07 80 is version 1. */
  readonly protocolVersion?: Uint8Array | undefined;
  readonly applicationContext: ApplicationContext;
  readonly calledApTitle?: Uint8Array | undefined;
  readonly calledAeQualifier?: Uint8Array | undefined;
  readonly calledApInvocationId?: number | undefined;
  readonly calledAeInvocationId?: number | undefined;
  /** The client's system title; needed when ciphered and with mechanisms 5 to 7. */
  readonly callingApTitle?: Uint8Array | undefined;
  /** The client's certificate, suites 1 and 2. */
  readonly callingAeQualifier?: Uint8Array | undefined;
  readonly callingApInvocationId?: number | undefined;
  /** The user of the client (Blue Book, association LN, current_user). */
  readonly callingAeInvocationId?: number | undefined;
  /** BIT STRING; 07 80 asks for the authentication unit, needed from mechanism 1 on. */
  readonly acseRequirements?: Uint8Array | undefined;
  readonly mechanism?: Mechanism | undefined;
  /** LLS password, or the challenge CtoS. */
  readonly authenticationValue?: Uint8Array | undefined;
  readonly implementationInformation?: Uint8Array | undefined;
  /** An InitiateRequest, plain or ciphered. */
  readonly userInformation?: Uint8Array | undefined;
}

export const ASSOCIATION_RESULTS = {
  accepted: 0,
  rejectedPermanent: 1,
  rejectedTransient: 2,
} as const;

export interface Diagnostic {
  readonly source: 'acse-service-user' | 'acse-service-provider';
  readonly code: number;
}

/** 14 with result accepted: the association is pending until HLS has passed. */
export const AUTHENTICATION_REQUIRED = 14;

export interface Aare {
  readonly kind: 'aare';
  readonly protocolVersion?: Uint8Array | undefined;
  readonly applicationContext: ApplicationContext;
  readonly result: number;
  readonly diagnostic: Diagnostic;
  /** The server's system title. */
  readonly respondingApTitle?: Uint8Array | undefined;
  readonly respondingAeQualifier?: Uint8Array | undefined;
  readonly respondingApInvocationId?: number | undefined;
  readonly respondingAeInvocationId?: number | undefined;
  readonly acseRequirements?: Uint8Array | undefined;
  readonly mechanism?: Mechanism | undefined;
  /** The challenge StoC. */
  readonly authenticationValue?: Uint8Array | undefined;
  readonly implementationInformation?: Uint8Array | undefined;
  /** An InitiateResponse or ConfirmedServiceError, plain or ciphered; may miss in a refusal. */
  readonly userInformation?: Uint8Array | undefined;
}

interface Release<K extends 'rlrq' | 'rlre'> {
  readonly kind: K;
  /** 0 normal; 1 urgent (RLRQ) or not finished (RLRE); 30 user defined. */
  readonly reason?: number | undefined;
  readonly userInformation?: Uint8Array | undefined;
}

export type Rlrq = Release<'rlrq'>;
export type Rlre = Release<'rlre'>;
export type AcseApdu = Aarq | Aare | Rlrq | Rlre;

const TAGS = { aarq: 0x60, aare: 0x61, rlrq: 0x62, rlre: 0x63 } as const;

const { bitString, context, graphic, integer, mechanism, octetsIn, reason, diagnostic, value } =
  elements(APPLICATION_CONTEXTS, MECHANISMS);

/** Elements in the order they are sent. */
const AARQ_ELEMENTS: readonly Element[] = [
  [0x80, 'protocolVersion', bitString],
  [0xa1, 'applicationContext', context],
  [0xa2, 'calledApTitle', octetsIn],
  [0xa3, 'calledAeQualifier', octetsIn],
  [0xa4, 'calledApInvocationId', integer],
  [0xa5, 'calledAeInvocationId', integer],
  [0xa6, 'callingApTitle', octetsIn],
  [0xa7, 'callingAeQualifier', octetsIn],
  [0xa8, 'callingApInvocationId', integer],
  [0xa9, 'callingAeInvocationId', integer],
  [0x8a, 'acseRequirements', bitString],
  [0x8b, 'mechanism', mechanism],
  [0xac, 'authenticationValue', value],
  [0xbd, 'implementationInformation', graphic],
  [0xbe, 'userInformation', octetsIn],
];
const AARE_ELEMENTS: readonly Element[] = [
  [0x80, 'protocolVersion', bitString],
  [0xa1, 'applicationContext', context],
  [0xa2, 'result', integer],
  [0xa3, 'diagnostic', diagnostic],
  [0xa4, 'respondingApTitle', octetsIn],
  [0xa5, 'respondingAeQualifier', octetsIn],
  [0xa6, 'respondingApInvocationId', integer],
  [0xa7, 'respondingAeInvocationId', integer],
  [0x88, 'acseRequirements', bitString],
  [0x89, 'mechanism', mechanism],
  [0xaa, 'authenticationValue', value],
  [0xbd, 'implementationInformation', graphic],
  [0xbe, 'userInformation', octetsIn],
];
const RELEASE_ELEMENTS: readonly Element[] = [
  [0x80, 'reason', reason],
  [0xbe, 'userInformation', octetsIn],
];
const FORMS = [
  { kind: 'aarq', list: AARQ_ELEMENTS, needed: ['applicationContext'] },
  { kind: 'aare', list: AARE_ELEMENTS, needed: ['applicationContext', 'result', 'diagnostic'] },
  { kind: 'rlrq', list: RELEASE_ELEMENTS, needed: [] },
  { kind: 'rlre', list: RELEASE_ELEMENTS, needed: [] },
] as const;

/** Throws DLMS_TAG for other APDUs, DLMS_TRUNCATED, DLMS_TRAILING or DLMS_VALUE for broken ones. */
export function decodeAcse(bytes: Uint8Array): AcseApdu {
  const reader = new Reader(bytes);
  const tag = reader.u8('ACSE tag');
  const form = FORMS.find(({ kind }) => TAGS[kind] === tag);
  if (form === undefined) throw new Fault('DLMS_TAG', { tag, what: 'association control' });
  const body = new Reader(reader.octets(form.kind));
  reader.end(form.kind);
  const values = readElements(body, form.list);
  for (const name of form.needed) {
    if (values[name] === undefined) {
      throw new Fault('DLMS_VALUE', { what: form.kind, detail: `${name} is missing` });
    }
  }
  return { kind: form.kind, ...values } as unknown as AcseApdu;
}

export function encodeAcse(apdu: AcseApdu): Uint8Array {
  const form = FORMS.find(({ kind }) => kind === apdu.kind);
  if (form === undefined) throw new Fault('DLMS_TAG', { tag: apdu.kind, what: 'ACSE' });
  const body = new Writer();
  writeElements(body, form.list, { ...apdu });
  return new Writer().u8(TAGS[form.kind]).octets(body.done()).done();
}

export function isAcse(bytes: Uint8Array): boolean {
  const tag = bytes[0];
  return tag !== undefined && tag >= TAGS.aarq && tag <= TAGS.rlre;
}

/**
 * An answer to a release, whatever is inside. Some servers send an RLRE whose length octet is
 * too small; `decodeAcse` rightly refuses it, and the association is released all the same.
 */
export function isReleaseResponse(bytes: Uint8Array): boolean {
  return bytes[0] === TAGS.rlre;
}
