/**
 * The conformance block (Green Book, 9.4.6.1): what services an association may use. A number of
 * 24 bits; the names are bits in it. Negotiated is what both sides proposed.
 */
export const CONFORMANCE = {
  'general-protection': 0x400000,
  'general-block-transfer': 0x200000,
  read: 0x100000,
  write: 0x080000,
  'unconfirmed-write': 0x040000,
  'delta-value-encoding': 0x020000,
  'attribute0-supported-with-set': 0x008000,
  'priority-mgmt-supported': 0x004000,
  'attribute0-supported-with-get': 0x002000,
  'block-transfer-with-get-or-read': 0x001000,
  'block-transfer-with-set-or-write': 0x000800,
  'block-transfer-with-action': 0x000400,
  'multiple-references': 0x000200,
  'information-report': 0x000100,
  'data-notification': 0x000080,
  access: 0x000040,
  'parameterized-access': 0x000020,
  get: 0x000010,
  set: 0x000008,
  'selective-access': 0x000004,
  'event-notification': 0x000002,
  action: 0x000001,
} as const;

export type ConformanceName = keyof typeof CONFORMANCE;

export function conformanceOf(names: readonly ConformanceName[]): number {
  return names.reduce((bits, name) => bits | CONFORMANCE[name], 0);
}

/** The names of the set bits, highest first; reserved bits have none. */
export function conformanceNames(bits: number): ConformanceName[] {
  const names = Object.keys(CONFORMANCE) as ConformanceName[];
  return names.filter((name) => (bits & CONFORMANCE[name]) !== 0);
}

export function allows(bits: number, name: ConformanceName): boolean {
  return (bits & CONFORMANCE[name]) !== 0;
}
