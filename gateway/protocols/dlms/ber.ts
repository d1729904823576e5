/**
 * The little of BER (ISO/IEC 8825-1) that association control uses: elements of one tag octet, a
 * length and contents; each kind of contents as a pair of read and write.
 */
import { Fault } from '../../../domain/index.ts';
import { Reader, Writer } from './cursor.ts';

interface Contents {
  readonly read: (contents: Reader) => unknown;
  readonly write: (writer: Writer, value: never) => void;
}

export type Element = readonly [tag: number, name: string, contents: Contents];
export type ElementValues = Readonly<Record<string, unknown>>;

/** 2.16.756.5.8 without its last two arcs: joint-iso-ccitt country country-name organisation. */
const DLMS_OID = Uint8Array.of(0x60, 0x85, 0x74, 0x05, 0x08);
const OID_OCTETS = 7;
const CONTEXT_ARC = 1;
const MECHANISM_ARC = 2;

const UNIVERSAL = { integer: 0x02, octetString: 0x04, oid: 0x06 } as const;
const CHARSTRING = 0x80;

/** All known elements by name, in any order; the first of several counts, unknown are skipped. */
export function readElements(reader: Reader, list: readonly Element[]): ElementValues {
  const values: Record<string, unknown> = {};
  while (reader.remaining > 0) {
    const tag = reader.u8('element tag');
    const contents = new Reader(reader.octets('element'));
    const element = list.find(([elementTag]) => elementTag === tag);
    if (element === undefined || values[element[1]] !== undefined) continue;
    values[element[1]] = element[2].read(contents);
  }
  return values;
}

export function writeElements(
  writer: Writer,
  list: readonly Element[],
  values: ElementValues,
): void {
  for (const [tag, name, contents] of list) {
    const value = values[name];
    if (value === undefined) continue;
    const body = new Writer();
    contents.write(body, value as never);
    writer.u8(tag).octets(body.done());
  }
}

/** The kinds of contents, given the names of DLMS's own object identifiers. */
export function elements(
  contexts: Readonly<Record<string, number>>,
  mechanisms: Readonly<Record<string, number>>,
): Record<
  | 'bitString'
  | 'context'
  | 'graphic'
  | 'integer'
  | 'mechanism'
  | 'octetsIn'
  | 'reason'
  | 'diagnostic'
  | 'value',
  Contents
> {
  return {
    bitString: raw,
    graphic: raw,
    reason: integerContents,
    integer: within(UNIVERSAL.integer, integerContents),
    octetsIn: within(UNIVERSAL.octetString, raw),
    value: within(CHARSTRING, raw),
    context: within(UNIVERSAL.oid, objectIdentifier(CONTEXT_ARC, contexts)),
    mechanism: objectIdentifier(MECHANISM_ARC, mechanisms),
    diagnostic: { read: readDiagnostic, write: writeDiagnostic },
  };
}

const raw: Contents = {
  read: (contents) => contents.rest(),
  write: (writer, value: Uint8Array) => void writer.bytes(value),
};

/** Unsigned in one to four octets; written with a leading 00 where the first bit is set. */
const integerContents: Contents = {
  read: (contents) => {
    const bytes = contents.rest();
    const value = bytes.length > 5 ? Infinity : bytes.reduce((sum, octet) => sum * 256 + octet, 0);
    if (bytes.length === 0 || value > 0xffffffff) {
      throw new Fault('DLMS_VALUE', { what: 'integer', detail: `${bytes.length} octets` });
    }
    return value;
  },
  write: (writer, value: number) => {
    if (!Number.isInteger(value) || value < 0 || value > 0xffffffff) {
      throw new Fault('DLMS_VALUE', { what: 'integer', detail: `${value}` });
    }
    const octets: number[] = [];
    for (let left = value; left > 0; left = Math.floor(left / 256)) octets.unshift(left % 256);
    // 1 octet values are sent bare (user ids up to FF), as meters do.
    if (octets.length > 1 && (octets[0] as number) >= 0x80) octets.unshift(0);
    writer.bytes(Uint8Array.from(octets.length === 0 ? [0] : octets));
  },
};

/** Contents inside one more element, which must fill its frame. */
function within(tag: number, contents: Contents): Contents {
  return {
    read: (outer) => {
      const found = outer.u8('inner tag');
      if (found !== tag) throw new Fault('DLMS_TAG', { tag: found, what: 'element' });
      const inner = new Reader(outer.octets('inner element'));
      outer.end('inner element');
      return contents.read(inner);
    },
    write: (writer, value) => {
      const inner = new Writer();
      contents.write(inner, value);
      writer.u8(tag).octets(inner.done());
    },
  };
}

function objectIdentifier(arc: number, names: Readonly<Record<string, number>>): Contents {
  const byNumber = new Map(Object.entries(names).map(([name, n]) => [n, name]));
  return {
    read: (contents) => {
      const oid = contents.rest();
      const ours = oid.length === OID_OCTETS && DLMS_OID.every((octet, i) => oid[i] === octet);
      const name = ours && oid[5] === arc ? byNumber.get(oid[6] as number) : undefined;
      return name ?? `oid-${Buffer.from(oid).toString('hex')}`;
    },
    write: (writer, name: string) => {
      if (Object.hasOwn(names, name)) {
        writer
          .bytes(DLMS_OID)
          .u8(arc)
          .u8(names[name] as number);
        return;
      }
      const hex = /^oid-((?:[0-9a-f]{2})*)$/.exec(name)?.[1];
      if (hex === undefined) throw new Fault('DLMS_VALUE', { what: 'object id', detail: name });
      writer.bytes(Buffer.from(hex, 'hex'));
    },
  };
}

/** Associate-Source-Diagnostic: CHOICE of A1 service user or A2 service provider. */
function readDiagnostic(contents: Reader): unknown {
  const tag = contents.u8('diagnostic source');
  if (tag !== 0xa1 && tag !== 0xa2) throw new Fault('DLMS_TAG', { tag, what: 'diagnostic' });
  const inner = new Reader(contents.octets('diagnostic'));
  contents.end('diagnostic');
  const code = within(UNIVERSAL.integer, integerContents).read(inner);
  return { source: tag === 0xa1 ? 'acse-service-user' : 'acse-service-provider', code };
}

function writeDiagnostic(writer: Writer, value: { source: string; code: number }): void {
  const inner = new Writer();
  within(UNIVERSAL.integer, integerContents).write(inner, value.code as never);
  writer.u8(value.source === 'acse-service-user' ? 0xa1 : 0xa2).octets(inner.done());
}
