/**
 * Shapes: what a Data must look like to be a value of ours, both ways. Attributes of interface
 * classes are described with them, so that a driver reads `{ scaler: -1, unit: 35 }` and not
 * a structure of an integer and an enum.
 */
import { Fault } from '../../../domain/index.ts';
import { type CosemDateTime, decodeDateTime, encodeDateTime } from './datetime.ts';
import { formatLogicalName, parseLogicalName } from './schema.ts';
import type { Data, NumberType } from './types.ts';

export interface Shape<T> {
  /** Throws DLMS_VALUE when the data is of another type. */
  read(data: Data): T;
  write(value: T): Data;
}

export type Shapes = Readonly<Record<string, Shape<unknown>>>;
export type ShapeOf<S extends Shapes> = {
  readonly [K in keyof S]: S[K] extends Shape<infer T> ? T : never;
};

export function number(type: NumberType): Shape<number> {
  return {
    read: (data) => (data.type === type ? data.value : refuse(type, data)),
    write: (value) => ({ type, value }),
  };
}

/** Any integer type that fits into a safe integer, as registers use them. Writes as given type. */
export function anyInteger(type: NumberType): Shape<number> {
  return {
    read: (data) => {
      if (data.type === 'float32' || data.type === 'float64') return refuse('integer', data);
      const value = 'value' in data ? data.value : undefined;
      if (typeof value === 'bigint' && BigInt.asIntN(53, value) === value) return Number(value);
      return typeof value === 'number' && Number.isInteger(value) ? value : refuse('integer', data);
    },
    write: (value) => ({ type, value }),
  };
}

export const bool: Shape<boolean> = {
  read: (data) => (data.type === 'boolean' ? data.value : refuse('boolean', data)),
  write: (value) => ({ type: 'boolean', value }),
};

export const octetString: Shape<Uint8Array> = {
  read: (data) => (data.type === 'octet-string' ? data.value : refuse('octet-string', data)),
  write: (value) => ({ type: 'octet-string', value }),
};

/** A logical name in its six octets. */
export const name: Shape<string> = {
  read: (data) => formatLogicalName(octetString.read(data)),
  write: (value) => octetString.write(parseLogicalName(value)),
};

/** Twelve octets, as octet-string (usual) or date-time (legal); written as octet-string. */
export const dateTime: Shape<CosemDateTime> = {
  read: (data) => {
    if (data.type !== 'octet-string' && data.type !== 'date-time') return refuse('date-time', data);
    return decodeDateTime(data.value);
  },
  write: (value) => octetString.write(encodeDateTime(value)),
};

export const any: Shape<Data> = { read: (data) => data, write: (value) => value };

/** An array, or a compact-array: how it travelled does not matter. */
export function arrayOf<T>(element: Shape<T>): Shape<readonly T[]> {
  return {
    read: (data) => {
      if (data.type !== 'array' && data.type !== 'compact-array') return refuse('array', data);
      return data.value.map((entry) => element.read(entry));
    },
    write: (values) => ({ type: 'array', value: values.map((value) => element.write(value)) }),
  };
}

/** A structure whose elements have names here and only places on the wire. */
export function structure<S extends Shapes>(shapes: S): Shape<ShapeOf<S>> {
  const entries = Object.entries(shapes);
  return {
    read: (data) => {
      if (data.type !== 'structure' || data.value.length !== entries.length) {
        return refuse(`structure of ${entries.length}`, data);
      }
      const value: Record<string, unknown> = {};
      entries.forEach(([key, shape], i) => {
        value[key] = shape.read(data.value[i] as Data);
      });
      return value as ShapeOf<S>;
    },
    write: (value) => {
      const values = value as Readonly<Record<string, unknown>>;
      return { type: 'structure', value: entries.map(([key, shape]) => shape.write(values[key])) };
    },
  };
}

function refuse(expected: string, data: Data): never {
  throw new Fault('DLMS_VALUE', { what: expected, detail: `it is ${data.type}` });
}
