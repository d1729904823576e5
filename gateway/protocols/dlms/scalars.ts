/**
 * The simple data types (Blue Book, 4.1.5): tag, and how the value alone is read and
 * written. The same table serves tagged Data and the tagless values of compact arrays.
 */
import { Fault } from '../../../domain/index.ts';
import type { Reader, Writer } from './cursor.ts';
import type { Data, NumberType, OctetData, ScalarType } from './types.ts';

export interface Scalar {
  readonly tag: number;
  readonly read: (reader: Reader) => Data;
  readonly write: (writer: Writer, data: Data) => void;
}

type NumberMethod = 'u8' | 'i8' | 'u16' | 'i16' | 'u32' | 'i32' | 'f32' | 'f64';

/** One character an octet, so that nothing a meter sends is lost. */
const VISIBLE = 'latin1';

// biome-ignore format: a table reads best with one row a line
export const SCALARS: Readonly<Record<ScalarType, Scalar>> = {
  'null-data': empty('null-data', 0x00),
  boolean: {
    tag: 0x03,
    read: (r) => ({ type: 'boolean', value: r.u8('boolean') !== 0 }),
    write: (w, d) => w.u8(checkedValue(d, 'boolean') === true ? 1 : 0),
  },
  'bit-string': { tag: 0x04, read: readBits, write: writeBits },
  'double-long': number('double-long', 0x05, 'i32'),
  'double-long-unsigned': number('double-long-unsigned', 0x06, 'u32'),
  'octet-string': octets('octet-string', 0x09, 0),
  'visible-string': {
    tag: 0x0a,
    read: (r) => ({ type: 'visible-string', value: Buffer.from(r.octets()).toString(VISIBLE) }),
    write: (w, d) => w.octets(visible(checkedValue(d, 'string'))),
  },
  'utf8-string': {
    tag: 0x0c,
    read: (r) => ({ type: 'utf8-string', value: readUtf8(r.octets('utf8-string')) }),
    write: (w, d) => w.octets(utf8(checkedValue(d, 'string'))),
  },
  bcd: number('bcd', 0x0d, 'u8'),
  integer: number('integer', 0x0f, 'i8'),
  long: number('long', 0x10, 'i16'),
  unsigned: number('unsigned', 0x11, 'u8'),
  'long-unsigned': number('long-unsigned', 0x12, 'u16'),
  long64: {
    tag: 0x14,
    read: (r) => ({ type: 'long64', value: r.i64() }),
    write: (w, d) => w.i64(checkedValue(d, 'bigint')),
  },
  'long64-unsigned': {
    tag: 0x15,
    read: (r) => ({ type: 'long64-unsigned', value: r.u64() }),
    write: (w, d) => w.u64(checkedValue(d, 'bigint')),
  },
  enum: number('enum', 0x16, 'u8'),
  float32: number('float32', 0x17, 'f32'),
  float64: number('float64', 0x18, 'f64'),
  'date-time': octets('date-time', 0x19, 12),
  date: octets('date', 0x1a, 5),
  time: octets('time', 0x1b, 4),
  'delta-integer': number('delta-integer', 0x1c, 'i8'),
  'delta-long': number('delta-long', 0x1d, 'i16'),
  'delta-double-long': number('delta-double-long', 0x1e, 'i32'),
  'delta-unsigned': number('delta-unsigned', 0x1f, 'u8'),
  'delta-long-unsigned': number('delta-long-unsigned', 0x20, 'u16'),
  'delta-double-long-unsigned': number('delta-double-long-unsigned', 0x21, 'u32'),
  'dont-care': empty('dont-care', 0xff),
};

const TYPE_BY_TAG = new Map<number, ScalarType>(
  Object.entries(SCALARS).map(([type, scalar]) => [scalar.tag, type as ScalarType]),
);

export function scalarByTag(tag: number): ScalarType | undefined {
  return TYPE_BY_TAG.get(tag);
}

function empty(type: 'null-data' | 'dont-care', tag: number): Scalar {
  return { tag, read: () => ({ type }), write: () => undefined };
}

function number(type: NumberType, tag: number, method: NumberMethod): Scalar {
  return {
    tag,
    read: (reader) => ({ type, value: reader[method](type) }),
    write: (writer, data) => writer[method](checkedValue(data, 'number')),
  };
}

/** Octets kept as they are; `fixed` 0 means length-prefixed. */
function octets(type: OctetData['type'], tag: number, fixed: number): Scalar {
  return {
    tag,
    read: (reader) => ({
      type,
      value: fixed === 0 ? reader.octets(type) : reader.take(fixed, type),
    }),
    write: (writer, data) => {
      const value = (data as OctetData).value;
      if (!(value instanceof Uint8Array)) throw wrongValue(data);
      if (fixed === 0) writer.octets(value);
      else if (value.length === fixed) writer.bytes(value);
      else throw new Fault('DLMS_VALUE', { what: type, detail: `${value.length} octets` });
    },
  };
}

interface ValueKinds {
  number: number;
  bigint: bigint;
  string: string;
  boolean: boolean;
}

function checkedValue<K extends keyof ValueKinds>(data: Data, kind: K): ValueKinds[K] {
  const value: unknown = 'value' in data ? data.value : undefined;
  if (typeof value !== kind) throw wrongValue(data);
  return value as ValueKinds[K];
}

function wrongValue(data: Data): Fault {
  return new Fault('DLMS_VALUE', { what: data.type, detail: 'value is of another kind' });
}

function readBits(reader: Reader): Data {
  const bits = reader.length('bit-string');
  const packed = reader.take(Math.ceil(bits / 8), 'bit-string');
  let value = '';
  for (const octet of packed) value += octet.toString(2).padStart(8, '0');
  return { type: 'bit-string', value: value.slice(0, bits) };
}

function writeBits(writer: Writer, data: Data): void {
  const bits = checkedValue(data, 'string');
  if (!/^[01]*$/.test(bits)) throw wrongValue(data);
  writer.length(bits.length);
  for (let at = 0; at < bits.length; at += 8) {
    writer.u8(Number.parseInt(bits.slice(at, at + 8).padEnd(8, '0'), 2));
  }
}

function readUtf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (error) {
    throw new Fault('DLMS_VALUE', { what: 'utf8-string', detail: 'not UTF-8' }, error);
  }
}

function utf8(text: string): Uint8Array {
  if (/\p{Surrogate}/u.test(text)) {
    throw new Fault('DLMS_VALUE', { what: 'utf8-string', detail: 'half a surrogate pair' });
  }
  return Buffer.from(text, 'utf8');
}

function visible(text: string): Uint8Array {
  const bytes = Buffer.from(text, VISIBLE);
  if (bytes.toString(VISIBLE) === text) return bytes;
  throw new Fault('DLMS_VALUE', { what: 'visible-string', detail: 'characters beyond one octet' });
}
