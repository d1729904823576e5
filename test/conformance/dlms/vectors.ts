/**
 * The vectors as they lie in the shared folder, and what maps their words onto our types.
 * Names repeat, so a test name carries the vector's place in the file.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
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

export function vectorsOf(layer: string): readonly Vector[] {
  const found = ALL.filter((vector) => vector.layer === layer);
  if (found.length === 0) throw new Error(`no vectors of layer ${layer}`);
  return found;
}

export function title(vector: Vector): string {
  return `#${vector.index} ${vector.name}`;
}

export function bytes(hex: string): Uint8Array {
  return new Uint8Array(Buffer.from(hex, 'hex'));
}

export function hex(octets: Uint8Array): string {
  return Buffer.from(octets).toString('hex');
}
