/** Arbitrary Data of every type, nested and compact. */
import fc from 'fast-check';
import type { Data, ScalarType, TypeDescription } from '../../gateway/protocols/dlms/types.ts';

export const unsigned = (bits: number) => fc.integer({ min: 0, max: 2 ** bits - 1 });
export const signed = (bits: number) =>
  fc.integer({ min: -(2 ** (bits - 1)), max: 2 ** (bits - 1) - 1 });
export const bytes = (maxLength = 40) => fc.uint8Array({ maxLength });
export const exactly = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
export const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });
export const u8 = unsigned(8);
export const u16 = unsigned(16);
export const u32 = unsigned(32);

const typed = <T extends ScalarType, V>(type: T, value: fc.Arbitrary<V>) =>
  value.map((v) => ({ type, value: v })) as unknown as fc.Arbitrary<Data>;

const SCALARS: Readonly<Record<ScalarType, fc.Arbitrary<Data>>> = {
  'null-data': fc.constant({ type: 'null-data' }),
  'dont-care': fc.constant({ type: 'dont-care' }),
  boolean: typed('boolean', fc.boolean()),
  'bit-string': typed('bit-string', fc.stringMatching(/^[01]{0,40}$/)),
  'double-long': typed('double-long', signed(32)),
  'double-long-unsigned': typed('double-long-unsigned', u32),
  'octet-string': typed('octet-string', bytes(200)),
  'visible-string': typed(
    'visible-string',
    bytes().map((b) => Buffer.from(b).toString('latin1')),
  ),
  'utf8-string': typed('utf8-string', fc.string({ unit: 'binary', maxLength: 40 })),
  bcd: typed('bcd', u8),
  integer: typed('integer', signed(8)),
  long: typed('long', signed(16)),
  unsigned: typed('unsigned', u8),
  'long-unsigned': typed('long-unsigned', u16),
  long64: typed('long64', fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })),
  'long64-unsigned': typed('long64-unsigned', fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })),
  enum: typed('enum', u8),
  float32: typed('float32', fc.float()),
  float64: typed('float64', fc.double()),
  'date-time': typed('date-time', exactly(12)),
  date: typed('date', exactly(5)),
  time: typed('time', exactly(4)),
  'delta-integer': typed('delta-integer', signed(8)),
  'delta-long': typed('delta-long', signed(16)),
  'delta-double-long': typed('delta-double-long', signed(32)),
  'delta-unsigned': typed('delta-unsigned', u8),
  'delta-long-unsigned': typed('delta-long-unsigned', u16),
  'delta-double-long-unsigned': typed('delta-double-long-unsigned', u32),
};

export const scalar = fc.oneof(...Object.values(SCALARS));
const scalarType = fc.constantFrom(...(Object.keys(SCALARS) as ScalarType[]));

const description: fc.Arbitrary<TypeDescription> = fc.letrec<{ node: TypeDescription }>((tie) => ({
  node: fc.oneof(
    { depthSize: 'small', maxDepth: 3 },
    scalarType.map((type) => ({ type })),
    fc.record({
      type: fc.constant('structure' as const),
      elements: fc.array(tie('node'), { maxLength: 4 }),
    }),
    fc.record({
      type: fc.constant('array' as const),
      count: fc.integer({ min: 0, max: 4 }),
      element: tie('node'),
    }),
  ),
})).node;

function valueOfDescription(d: TypeDescription): fc.Arbitrary<Data> {
  if (d.type === 'array') {
    const element = valueOfDescription(d.element);
    const value = fc.array(element, { minLength: d.count, maxLength: d.count });
    return value.map((v) => ({ type: 'array', value: v }));
  }
  if (d.type === 'structure') {
    const value = fc.tuple(...d.elements.map(valueOfDescription));
    return value.map((v) => ({ type: 'structure', value: v }));
  }
  return SCALARS[d.type];
}

function hasOctets(d: TypeDescription): boolean {
  if (d.type === 'array') return d.count > 0 && hasOctets(d.element);
  if (d.type === 'structure') return d.elements.some(hasOctets);
  return d.type !== 'null-data' && d.type !== 'dont-care';
}

const compactArray: fc.Arbitrary<Data> = description.chain((d) =>
  fc
    .array(valueOfDescription(d), { maxLength: hasOctets(d) ? 5 : 0 })
    .map((value) => ({ type: 'compact-array', description: d, value })),
);

export const data: fc.Arbitrary<Data> = fc.letrec<{ node: Data }>((tie) => ({
  node: fc.oneof(
    { depthSize: 'small', maxDepth: 6 },
    scalar,
    compactArray,
    fc.record({
      type: fc.constantFrom('array' as const, 'structure' as const),
      value: fc.array(tie('node'), { maxLength: 6 }),
    }),
  ),
})).node;

/** Octets as text and buffers as octets, so that equal contents compare equal. */
export function normal(value: unknown): unknown {
  if (value instanceof Uint8Array) return `octets ${Buffer.from(value).toString('hex')}`;
  if (Array.isArray(value)) return value.map(normal);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, normal(inner)]));
}
