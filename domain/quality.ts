/**
 * The quality of a reading version: one small code in the database, with its meaning and its
 * names in IEC 61968-9, ESPI (Green Button) and NEM12. `billable` is decided here and nowhere else.
 * `rank` orders origins: a version never silently replaces one of higher rank.
 */
export interface QualitySpec {
  readonly code: number;
  readonly name: string;
  readonly origin: 'actual' | 'estimated' | 'edited' | 'substituted' | 'derived' | 'projected';
  readonly billable: boolean;
  readonly rank: number;
  /** ReadingQualityType system.category.index; empty = none (raw). */
  readonly iec: string;
  /** ESPI ReadingQuality.quality. */
  readonly espi: number;
  /** NEM12 QualityMethod. */
  readonly nem12: string;
}

// biome-ignore format: a table reads best with one row a line
export const QUALITY = {
  RAW: { code: 0, name: 'RAW', origin: 'actual', billable: false, rank: 50, iec: '', espi: 14, nem12: 'A' },
  VALID: { code: 1, name: 'VALID', origin: 'actual', billable: true, rank: 50, iec: '3.0.1', espi: 17, nem12: 'A' },
  VERIFIED: { code: 2, name: 'VERIFIED', origin: 'actual', billable: true, rank: 60, iec: '3.10.1', espi: 18, nem12: 'A' },
  SUSPECT: { code: 3, name: 'SUSPECT', origin: 'actual', billable: false, rank: 40, iec: '3.5.258', espi: 10, nem12: 'A' },
  ESTIMATED_LINEAR: { code: 10, name: 'ESTIMATED_LINEAR', origin: 'estimated', billable: true, rank: 20, iec: '3.8.0', espi: 9, nem12: 'S17' },
  ESTIMATED_LIKE_DAY: { code: 11, name: 'ESTIMATED_LIKE_DAY', origin: 'estimated', billable: true, rank: 20, iec: '3.8.0', espi: 8, nem12: 'S14' },
  ESTIMATED_PREVIOUS_YEAR: { code: 12, name: 'ESTIMATED_PREVIOUS_YEAR', origin: 'estimated', billable: true, rank: 20, iec: '3.8.0', espi: 8, nem12: 'S51' },
  ESTIMATED_PROFILE: { code: 13, name: 'ESTIMATED_PROFILE', origin: 'estimated', billable: true, rank: 20, iec: '3.8.0', espi: 8, nem12: 'S57' },
  ESTIMATED_SOURCE: { code: 14, name: 'ESTIMATED_SOURCE', origin: 'estimated', billable: true, rank: 25, iec: '2.8.0', espi: 8, nem12: 'S14' },
  ESTIMATED_FLAT: { code: 15, name: 'ESTIMATED_FLAT', origin: 'estimated', billable: true, rank: 20, iec: '3.8.0', espi: 9, nem12: 'S54' },
  SUBSTITUTED: { code: 20, name: 'SUBSTITUTED', origin: 'substituted', billable: true, rank: 30, iec: '3.11.0', espi: 11, nem12: 'S11' },
  SUBSTITUTED_FINAL: { code: 21, name: 'SUBSTITUTED_FINAL', origin: 'substituted', billable: true, rank: 55, iec: '3.11.0', espi: 11, nem12: 'F11' },
  EDITED: { code: 30, name: 'EDITED', origin: 'edited', billable: true, rank: 100, iec: '3.7.0', espi: 7, nem12: 'S16' },
  DERIVED: { code: 40, name: 'DERIVED', origin: 'derived', billable: true, rank: 45, iec: '3.11.0', espi: 11, nem12: 'S12' },
  PROJECTED: { code: 50, name: 'PROJECTED', origin: 'projected', billable: false, rank: 10, iec: '3.12.0', espi: 12, nem12: 'E14' },
} as const satisfies Record<string, QualitySpec>;

const BY_CODE = new Map<number, QualitySpec>(Object.values(QUALITY).map((q) => [q.code, q]));

export function qualityOf(code: number): QualitySpec {
  const spec = BY_CODE.get(code);
  if (spec === undefined) throw new RangeError(`no quality has the code ${code}`);
  return spec;
}

export const BILLABLE_CODES: readonly number[] = Object.values(QUALITY)
  .filter((q) => q.billable)
  .map((q) => q.code);

export const ESTIMATED_CODES: readonly number[] = Object.values(QUALITY)
  .filter((q) => q.origin === 'estimated')
  .map((q) => q.code);

/** Device and validation flags of one interval, a bit set beside the quality (vee.md 1.2). */
export const FLAG = {
  OUTAGE: 1,
  CLOCK_SET: 2,
  PARTIAL: 4,
  OVERFLOW: 8,
  TEST_MODE: 16,
  DEVICE_ERROR: 32,
  REVERSE: 64,
  TAMPER: 128,
  CLOCK_ROUNDED: 256,
  SUMCHECK_FAILED: 512,
  ROLLOVER: 1024,
  LATE: 2048,
} as const;

export type FlagName = keyof typeof FLAG;
export const FLAG_NAMES = Object.keys(FLAG) as FlagName[];

export function flagNames(bits: number): FlagName[] {
  return FLAG_NAMES.filter((name) => (bits & FLAG[name]) !== 0);
}

/** NEM12 QualityMethod (flag + method) to our code; undefined = no value at source (N). */
export function qualityFromNem12(method: string): QualitySpec | undefined {
  const flag = method[0];
  const number = method.slice(1);
  if (flag === 'A') return QUALITY.VALID;
  if (flag === 'E') return QUALITY.PROJECTED;
  if (flag === 'F') return QUALITY.SUBSTITUTED_FINAL;
  if (flag !== 'S') return undefined;
  return ['11', '12', '13', '18'].includes(number) ? QUALITY.SUBSTITUTED : QUALITY.ESTIMATED_SOURCE;
}
