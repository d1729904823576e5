/**
 * The vectors as they lie in the shared folder, and what maps their words onto our types.
 * Names repeat, so a test name carries the vector's layer and place in the file.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { sharedDir } from '../shared.ts';

// biome-ignore lint/suspicious/noExplicitAny: `expected` has another shape for every layer
export type Expected = any;

export interface Vector {
  readonly index: number;
  readonly name: string;
  readonly layer: string;
  readonly hex: string;
  readonly expected: Expected;
  readonly keys?: Readonly<Record<string, string>>;
}

const ALL = (
  JSON.parse(readFileSync(join(sharedDir(), 'vectors', 'dlms.json'), 'utf8')) as Vector[]
).map((vector, index) => ({ ...vector, index }));

export function allVectors(): readonly Vector[] {
  return ALL;
}

/** One test for each vector of a layer. */
export function eachVector(layer: string, check: (vector: Vector) => void): void {
  for (const vector of ALL.filter((v) => v.layer === layer)) {
    test(`${layer} #${vector.index} ${vector.name}`, () => {
      check(vector);
    });
  }
}

export function bytes(hex: string): Uint8Array {
  return new Uint8Array(Buffer.from(hex, 'hex'));
}

export function hex(octets: Uint8Array): string {
  return Buffer.from(octets).toString('hex');
}

/** Whole contents are equal; null in a vector is what is absent in our values. */
export function expectContents(ours: Expected, expected: Expected): void {
  expect(withoutNulls(ours)).toEqual(withoutNulls(expected));
}

function withoutNulls(value: Expected): Expected {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (value === null || typeof value !== 'object') return value;
  const kept = Object.entries(value).filter(([, inner]) => inner !== null && inner !== undefined);
  return Object.fromEntries(kept.map(([key, inner]) => [key, withoutNulls(inner)]));
}

/**
 * What was decoded encodes to the octets it came from. Some senders have their own way of saying
 * the same (TRUE as FF, lengths longer than needed, defaults spelled out): there our octets may
 * be fewer, or 01 where they had another TRUE, and must decode to the same contents.
 */
export function expectSameOctets(
  encoded: Uint8Array,
  vector: Vector,
  describeAgain: (octets: Uint8Array) => Expected,
): void {
  const original = bytes(vector.hex);
  const trueSpelledOut =
    encoded.length === original.length &&
    encoded.every((octet, i) => octet === original[i] || (octet === 1 && (original[i] ?? 0) > 1));
  // Old stacks leave the second octet of the conformance tag out.
  const oldTag = hex(encoded).replace('5f1f04', '5f04') === vector.hex;
  if (!trueSpelledOut && !oldTag && encoded.length >= original.length) {
    expect(hex(encoded)).toBe(vector.hex);
  }
  expectContents(describeAgain(encoded), describeAgain(original));
}
