/**
 * The Data type of COSEM (Blue Book, 4.1.5; Green Book, 9.5). A value keeps what was on the wire:
 * dates stay octets (see datetime.ts), 64-bit integers are bigint.
 */
/** Types whose value is a plain number. */
export type NumberType =
  | 'double-long'
  | 'double-long-unsigned'
  | 'bcd'
  | 'integer'
  | 'long'
  | 'unsigned'
  | 'long-unsigned'
  | 'enum'
  | 'float32'
  | 'float64'
  | 'delta-integer'
  | 'delta-long'
  | 'delta-double-long'
  | 'delta-unsigned'
  | 'delta-long-unsigned'
  | 'delta-double-long-unsigned';

export type Data =
  | { readonly type: 'null-data' | 'dont-care' }
  | { readonly type: 'boolean'; readonly value: boolean }
  | { readonly type: NumberType; readonly value: number }
  | { readonly type: 'long64' | 'long64-unsigned'; readonly value: bigint }
  | OctetData
  /** Bit strings as '0' and '1', first bit first; visible strings one character an octet. */
  | { readonly type: 'bit-string' | 'visible-string' | 'utf8-string'; readonly value: string }
  | { readonly type: 'array' | 'structure'; readonly value: readonly Data[] }
  | {
      readonly type: 'compact-array';
      readonly description: TypeDescription;
      readonly value: readonly Data[];
    };

export interface OctetData {
  readonly type: 'octet-string' | 'date-time' | 'date' | 'time';
  readonly value: Uint8Array;
}

/** How the elements of a compact-array look. */
export type TypeDescription =
  | { readonly type: ScalarType }
  | { readonly type: 'array'; readonly count: number; readonly element: TypeDescription }
  | { readonly type: 'structure'; readonly elements: readonly TypeDescription[] };

export type ScalarType = Exclude<Data['type'], 'array' | 'structure' | 'compact-array'>;

export const ARRAY_TAG = 0x01;
export const STRUCTURE_TAG = 0x02;
export const COMPACT_ARRAY_TAG = 0x13;
