/**
 * Every plain xDLMS APDU with logical name referencing: one table, two functions. Ciphered forms
 * are in security/ciphered.ts, association control in acse.ts.
 */
import { Fault } from '../../../domain/index.ts';
import { Reader, Writer } from './cursor.ts';
import * as messages from './messages.ts';
import type { ApduSchema, Fields } from './schema.ts';
import * as services from './services.ts';

const SCHEMAS = [
  messages.InitiateRequest,
  messages.InitiateResponse,
  messages.ConfirmedServiceError,
  messages.DataNotification,
  messages.EventNotificationRequest,
  messages.ExceptionResponse,
  messages.AccessRequest,
  messages.AccessResponse,
  messages.GeneralBlockTransfer,
  services.GetRequestNormal,
  services.GetRequestNext,
  services.GetRequestWithList,
  services.GetResponseNormal,
  services.GetResponseWithDatablock,
  services.GetResponseWithList,
  services.SetRequestNormal,
  services.SetRequestWithFirstDatablock,
  services.SetRequestWithDatablock,
  services.SetRequestWithList,
  services.SetRequestWithListAndFirstDatablock,
  services.SetResponseNormal,
  services.SetResponseDatablock,
  services.SetResponseLastDatablock,
  services.SetResponseLastDatablockWithList,
  services.SetResponseWithList,
  services.ActionRequestNormal,
  services.ActionRequestNextPblock,
  services.ActionRequestWithList,
  services.ActionRequestWithFirstPblock,
  services.ActionRequestWithListAndFirstPblock,
  services.ActionRequestWithPblock,
  services.ActionResponseNormal,
  services.ActionResponseWithPblock,
  services.ActionResponseWithList,
  services.ActionResponseNextPblock,
] as const;

export type Apdu = ReturnType<(typeof SCHEMAS)[number]['read']>;
export type ApduKind = Apdu['kind'];
export type ApduOf<K extends ApduKind> = Extract<Apdu, { kind: K }>;

type AnySchema = ApduSchema<ApduKind, Fields>;

const BY_KIND = new Map(SCHEMAS.map((schema) => [schema.kind, schema as unknown as AnySchema]));
const BY_OCTETS = new Map<number, AnySchema>(
  SCHEMAS.map((schema) => [key(schema.tag, schema.variant), schema as unknown as AnySchema]),
);
const WITH_VARIANT = new Set(SCHEMAS.filter((s) => s.variant !== undefined).map((s) => s.tag));

/** One APDU and nothing after it. Throws DLMS_TAG, DLMS_TRUNCATED, DLMS_TRAILING, DLMS_VALUE, .. */
export function decodeApdu(bytes: Uint8Array): Apdu {
  const reader = new Reader(bytes);
  const apdu = readApdu(reader);
  reader.end(apdu.kind);
  return apdu;
}

/**
 * The APDU at the start and whatever follows it: for meters known to append garbage. What follows
 * must never be read as data.
 */
export function decodeApduPrefix(bytes: Uint8Array): { apdu: Apdu; trailing: Uint8Array } {
  const reader = new Reader(bytes);
  return { apdu: readApdu(reader), trailing: reader.rest() };
}

export function encodeApdu(apdu: Apdu): Uint8Array {
  const schema = BY_KIND.get(apdu.kind);
  if (schema === undefined) throw new Fault('DLMS_TAG', { tag: apdu.kind, what: 'APDU' });
  checkLists(apdu);
  const writer = new Writer();
  schema.write(writer, apdu);
  return writer.done();
}

function readApdu(reader: Reader): Apdu {
  const tag = reader.u8('APDU tag');
  const variant = WITH_VARIANT.has(tag) ? reader.u8('APDU variant') : undefined;
  const schema = BY_OCTETS.get(key(tag, variant));
  if (schema === undefined) {
    throw new Fault('DLMS_TAG', { tag: key(tag, variant).toString(16), what: 'APDU' });
  }
  const apdu = schema.read(reader) as unknown as Apdu;
  checkLists(apdu);
  return apdu;
}

/** Lists that answer each other have the same length (Green Book, 9.5). */
function checkLists(apdu: Apdu): void {
  const pair = pairedLists(apdu);
  if (pair === undefined || pair[0].length === pair[1].length) return;
  const detail = `${pair[0].length} against ${pair[1].length} elements`;
  throw new Fault('DLMS_VALUE', { what: apdu.kind, detail });
}

function pairedLists(apdu: Apdu): [readonly unknown[], readonly unknown[]] | undefined {
  switch (apdu.kind) {
    case 'set-request-with-list':
      return [apdu.attributes, apdu.values];
    case 'action-request-with-list':
      return [apdu.methods, apdu.parameters];
    case 'access-request':
      return [apdu.specifications, apdu.data];
    case 'access-response':
      return [apdu.data, apdu.results];
    default:
      return undefined;
  }
}

function key(tag: number, variant: number | undefined): number {
  return variant === undefined ? tag : (tag << 8) | variant;
}
