/**
 * The ciphered APDU forms (Green Book, 9.5 and 9.2.7.2.4): service-specific glo- and ded- forms,
 * general-glo, general-ded, general-ciphering, general-signing. This file only reads and writes
 * them; protection.ts opens and seals.
 */
import { Fault } from '../../../../domain/index.ts';
import { Reader, Writer } from '../cursor.ts';
import { choice, type Field, named, octets, optional, struct, u8 } from '../schema.ts';
import { type ProtectedBody, protectedBody } from './body.ts';

/** Plain tag, name, glo tag, ded tag (Green Book, 9.5; short name services included). */
// biome-ignore format: a table reads best with one row a line
const SERVICES = [
  [0x01, 'initiate-request', 0x21, 0x41],
  [0x05, 'read-request', 0x25, 0x45],
  [0x06, 'write-request', 0x26, 0x46],
  [0x08, 'initiate-response', 0x28, 0x48],
  [0x0c, 'read-response', 0x2c, 0x4c],
  [0x0d, 'write-response', 0x2d, 0x4d],
  [0x0e, 'confirmed-service-error', 0x2e, 0x4e],
  [0x16, 'unconfirmed-write-request', 0x36, 0x56],
  [0x18, 'information-report-request', 0x38, 0x58],
  [0xc0, 'get-request', 0xc8, 0xd0],
  [0xc1, 'set-request', 0xc9, 0xd1],
  [0xc2, 'event-notification-request', 0xca, 0xd2],
  [0xc3, 'action-request', 0xcb, 0xd3],
  [0xc4, 'get-response', 0xcc, 0xd4],
  [0xc5, 'set-response', 0xcd, 0xd5],
  [0xc7, 'action-response', 0xcf, 0xd7],
] as const;

export type CipheredService = (typeof SERVICES)[number][1];
export type KeySet = 'glo' | 'ded';

/** A ciphered APDU that names its service. */
export interface ServiceCiphered {
  readonly kind: `${KeySet}-${CipheredService}`;
  readonly body: ProtectedBody;
}

/** Any APDU under the global or dedicated key; an empty title stands for one known already. */
export interface GeneralCiphered {
  readonly kind: 'general-glo-ciphering' | 'general-ded-ciphering';
  readonly systemTitle: Uint8Array;
  readonly body: ProtectedBody;
}

/** Which key general-ciphering (9.2.7.2.4.8) used: 00 one both know, 01 wrapped along, 02 agreed upon. */
const keyInfo = choice('key info', {
  identified: [0, named('key id', { unicast: 0, broadcast: 1 })],
  wrapped: [1, struct({ kekId: named('KEK id', { master: 0 }), key: octets })],
  agreed: [2, struct({ parameters: octets, data: octets })],
});
export type KeyInfo = ReturnType<typeof keyInfo.read>;

const header = {
  transactionId: octets,
  originatorTitle: octets,
  recipientTitle: octets,
  dateTime: octets,
  otherInformation: octets,
};
const generalHeader = struct(header);
export type GeneralHeader = ReturnType<typeof generalHeader.read>;

export interface HeaderCiphered {
  readonly kind: 'general-ciphering';
  readonly header: GeneralHeader;
  readonly keyInfo: KeyInfo | undefined;
  readonly body: ProtectedBody;
}

export interface GeneralSigned {
  readonly kind: 'general-signing';
  readonly header: GeneralHeader;
  /** The signed APDU. */
  readonly content: Uint8Array;
  readonly signature: Uint8Array;
}

export type CipheredApdu = ServiceCiphered | GeneralCiphered | HeaderCiphered | GeneralSigned;

const GENERAL_TAGS = {
  'general-glo-ciphering': 0xdb,
  'general-ded-ciphering': 0xdc,
  'general-ciphering': 0xdd,
  'general-signing': 0xdf,
} as const;

const general: Field<Omit<GeneralCiphered, 'kind'>> = struct({
  systemTitle: octets,
  body: protectedBody,
});
const withHeader: Field<Omit<HeaderCiphered, 'kind'>> = struct({
  header: generalHeader,
  keyInfo: optional(keyInfo),
  body: protectedBody,
});
const signed: Field<Omit<GeneralSigned, 'kind'>> = struct({
  header: generalHeader,
  content: octets,
  signature: octets,
});

const SERVICE_BY_TAG = new Map<number, ServiceCiphered['kind']>(
  SERVICES.flatMap(([, name, glo, ded]) => [
    [glo, `glo-${name}`],
    [ded, `ded-${name}`],
  ]),
);
const TAG_BY_KIND = new Map([...SERVICE_BY_TAG].map(([tag, kind]) => [kind, tag]));

export function isCiphered(bytes: Uint8Array): boolean {
  const tag = bytes[0] ?? -1;
  return SERVICE_BY_TAG.has(tag) || Object.values<number>(GENERAL_TAGS).includes(tag);
}

/** One ciphered APDU and nothing after it. Throws DLMS_TAG, DLMS_TRUNCATED, DLMS_TRAILING, .. */
export function decodeCiphered(bytes: Uint8Array): CipheredApdu {
  const reader = new Reader(bytes);
  const apdu = readCiphered(reader);
  reader.end(apdu.kind);
  return apdu;
}

export function encodeCiphered(apdu: CipheredApdu): Uint8Array {
  const writer = new Writer();
  switch (apdu.kind) {
    case 'general-glo-ciphering':
    case 'general-ded-ciphering':
      general.write(writer.u8(GENERAL_TAGS[apdu.kind]), apdu);
      break;
    case 'general-ciphering':
      withHeader.write(writer.u8(GENERAL_TAGS[apdu.kind]), apdu);
      break;
    case 'general-signing':
      signed.write(writer.u8(GENERAL_TAGS[apdu.kind]), apdu);
      break;
    default:
      protectedBody.write(writer.u8(tagOfKind(apdu.kind)), apdu.body);
  }
  return writer.done();
}

/** The service-specific form of a plain APDU. Throws DLMS_SECURITY for APDUs that have none. */
export function serviceKind(plain: Uint8Array, keys: KeySet): ServiceCiphered['kind'] {
  const service = SERVICES.find(([tag]) => tag === plain[0]);
  if (service === undefined) {
    throw new Fault('DLMS_SECURITY', { detail: `tag ${plain[0]} has no ${keys}- form` });
  }
  return `${keys}-${service[1]}`;
}

/** The header with its length octets, as it enters the authenticated data. */
export function encodeHeader(value: GeneralHeader): Uint8Array {
  const writer = new Writer();
  generalHeader.write(writer, value);
  return writer.done();
}

/** What a signature covers: everything between the tag and the signature. */
export function signedOctets(value: Omit<GeneralSigned, 'kind' | 'signature'>): Uint8Array {
  const writer = new Writer();
  generalHeader.write(writer, value.header);
  return writer.octets(value.content).done();
}

function readCiphered(reader: Reader): CipheredApdu {
  const tag = u8.read(reader);
  switch (tag) {
    case GENERAL_TAGS['general-glo-ciphering']:
      return { kind: 'general-glo-ciphering', ...general.read(reader) };
    case GENERAL_TAGS['general-ded-ciphering']:
      return { kind: 'general-ded-ciphering', ...general.read(reader) };
    case GENERAL_TAGS['general-ciphering']:
      return { kind: 'general-ciphering', ...withHeader.read(reader) };
    case GENERAL_TAGS['general-signing']:
      return { kind: 'general-signing', ...signed.read(reader) };
    default: {
      const kind = SERVICE_BY_TAG.get(tag);
      if (kind === undefined) throw new Fault('DLMS_TAG', { tag, what: 'ciphered APDU' });
      return { kind, body: protectedBody.read(reader) };
    }
  }
}

function tagOfKind(kind: ServiceCiphered['kind']): number {
  const tag = TAG_BY_KIND.get(kind);
  if (tag === undefined) throw new Fault('DLMS_TAG', { tag: kind, what: 'ciphered APDU' });
  return tag;
}
