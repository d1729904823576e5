/**
 * Declarative codecs: a field knows how to read and write one value, fields make structures,
 * structures with a tag make APDUs. The schema is the documentation and the type:
 *
 *   const GetRequestNext = apdu('get-request-next', 0xc0, 0x02, { invoke, blockNumber: u32 });
 *   type GetRequestNext = ReturnType<typeof GetRequestNext.read>;
 */
import { Fault, formatObis, LIMITS, parseObis } from '../../../domain/index.ts';
import type { Reader, Writer } from './cursor.ts';
import { readData, writeData } from './data.ts';
import type { Data } from './types.ts';

export interface Field<T> {
  read(reader: Reader): T;
  write(writer: Writer, value: T): void;
}

export type Fields = Readonly<Record<string, Field<unknown>>>;
export type ValuesOf<F extends Fields> = {
  readonly [K in keyof F]: F[K] extends Field<infer T> ? T : never;
};

export interface ApduSchema<K extends string, F extends Fields> {
  readonly kind: K;
  readonly tag: number;
  /** Second octet where the tag alone does not tell the form. */
  readonly variant: number | undefined;
  /** Reads what follows tag and variant. */
  read(reader: Reader): { readonly kind: K } & ValuesOf<F>;
  /** Writes tag, variant and fields. */
  write(writer: Writer, value: ValuesOf<F>): void;
}

export function apdu<K extends string, F extends Fields>(
  kind: K,
  tag: number,
  variant: number | undefined,
  fields: F,
): ApduSchema<K, F> {
  const body = struct(fields);
  return {
    kind,
    tag,
    variant,
    read: (reader) => ({ kind, ...body.read(reader) }),
    write: (writer, value) => {
      writer.u8(tag);
      if (variant !== undefined) writer.u8(variant);
      body.write(writer, value);
    },
  };
}

export function struct<F extends Fields>(fields: F): Field<ValuesOf<F>> {
  const entries = Object.entries(fields);
  return {
    read: (reader) => {
      const value: Record<string, unknown> = {};
      for (const [name, field] of entries) value[name] = field.read(reader);
      return value as ValuesOf<F>;
    },
    write: (writer, value) => {
      const values = value as Readonly<Record<string, unknown>>;
      for (const [name, field] of entries) field.write(writer, values[name]);
    },
  };
}

export const u8: Field<number> = { read: (r) => r.u8(), write: (w, v) => void w.u8(v) };
export const i8: Field<number> = { read: (r) => r.i8(), write: (w, v) => void w.i8(v) };
export const u16: Field<number> = { read: (r) => r.u16(), write: (w, v) => void w.u16(v) };
export const u32: Field<number> = { read: (r) => r.u32(), write: (w, v) => void w.u32(v) };
export const octets: Field<Uint8Array> = {
  read: (r) => r.octets(),
  write: (w, v) => void w.octets(v),
};
export const data: Field<Data> = { read: readData, write: writeData };

/** BOOLEAN: anything but 0 is true (IEC 61334-6, 6.3). */
export const boolean: Field<boolean> = {
  read: (r) => r.u8('boolean') !== 0,
  write: (w, v) => void w.u8(v ? 1 : 0),
};

/** Logical name, six octets, as text in the project's form: `1-0:1.8.0`, `0-0:96.1.0*1`. */
export const logicalName: Field<string> = {
  read: (r) => formatLogicalName(r.take(6, 'logical name')),
  write: (w, v) => void w.bytes(parseLogicalName(v)),
};

export function formatLogicalName(six: Uint8Array): string {
  const [a, b, c, d, e, f] = six;
  if (six.length !== 6) throw invalid('logical name', `${six.length} octets`);
  return formatObis({ a, b, c, d, e, f } as Parameters<typeof formatObis>[0]);
}

/** Throws DLMS_VALUE when the text is not an OBIS code. */
export function parseLogicalName(text: string): Uint8Array {
  const obis = parseObis(text);
  if (obis === undefined) throw invalid('logical name', text);
  return Uint8Array.of(obis.a, obis.b, obis.c, obis.d, obis.e, obis.f);
}

/** OPTIONAL: 00 absent, 01 and the value (IEC 61334-6, 6.9). */
export function optional<T>(field: Field<T>): Field<T | undefined> {
  return {
    read: (reader) => {
      const usage = reader.u8('usage flag');
      if (usage > 1) throw invalid('usage flag', `${usage}`);
      return usage === 0 ? undefined : field.read(reader);
    },
    write: (writer, value) => {
      writer.u8(value === undefined ? 0 : 1);
      if (value !== undefined) field.write(writer, value);
    },
  };
}

/** SEQUENCE OF: number of elements, then the elements. */
export function list<T>(field: Field<T>, max: number = LIMITS.dlmsListMax): Field<readonly T[]> {
  const check = (count: number): number => {
    if (count <= max) return count;
    throw new Fault('DLMS_LIMIT', { what: 'list', given: count, max });
  };
  return {
    read: (reader) => {
      const count = check(reader.length('number of elements'));
      const values: T[] = [];
      for (let i = 0; i < count; i += 1) values.push(field.read(reader));
      return values;
    },
    write: (writer, values) => {
      writer.length(check(values.length));
      for (const value of values) field.write(writer, value);
    },
  };
}

/** An octet whose values have names; others read as `code-N` and write back as they came. */
export function named<N extends string>(
  what: string,
  names: Readonly<Record<N, number>>,
): Field<N | `code-${number}`> {
  const byCode = new Map<number, N>(Object.entries<number>(names).map(([n, c]) => [c, n as N]));
  return {
    read: (reader) => {
      const code = reader.u8(what);
      return byCode.get(code) ?? (`code-${code}` as const);
    },
    write: (writer, name) => {
      const known = Object.hasOwn(names, name) ? names[name as N] : undefined;
      const code = known ?? Number(/^code-(\d{1,3})$/.exec(name)?.[1] ?? Number.NaN);
      if (Number.isNaN(code)) throw invalid(what, name);
      writer.u8(code);
    },
  };
}

/** CHOICE: an octet picks the case; each case is an object with one property of the case's name. */
export function choice<F extends Fields>(
  what: string,
  cases: { readonly [K in keyof F]: readonly [tag: number, field: F[K]] },
): Field<OneOf<F>> {
  const entries = Object.entries(cases) as [string, readonly [number, Field<unknown>]][];
  return {
    read: (reader) => {
      const tag = reader.u8(what);
      const found = entries.find(([, [caseTag]]) => caseTag === tag);
      if (found === undefined) throw new Fault('DLMS_TAG', { tag, what });
      const [name, [, field]] = found;
      return { [name]: field.read(reader) } as OneOf<F>;
    },
    write: (writer, value) => {
      const found = entries.find(([name]) => name in value);
      if (found === undefined) throw invalid(what, 'none of the cases');
      const [name, [tag, field]] = found;
      writer.u8(tag);
      field.write(writer, (value as Readonly<Record<string, unknown>>)[name]);
    },
  };
}

export type OneOf<F extends Fields> = {
  [K in keyof F]: { readonly [P in K]: F[P] extends Field<infer T> ? T : never };
}[keyof F];

export function invalid(what: string, detail: string): Fault {
  return new Fault('DLMS_VALUE', { what, detail });
}
