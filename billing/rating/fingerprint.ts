/**
 * The fingerprint of the interval versions behind a determinant: five sums that change when any
 * value, batch or quality behind a sum changes, whatever the order of the rows. It is part of the
 * input hash of every bill ever issued, so this definition must never change:
 *
 *   n : Σ value : Σ m·(value mod 2147483647) : Σ m·(batch mod 2147483647) : Σ m·quality
 *
 * over the rows of the determinant, with m = floor(epoch seconds of the start / 60) mod 1000003.
 * `mod` keeps the sign of its left side, as % does in SQL and in JavaScript. Each product stays
 * below 2^53; the sums are exact at any size and written as decimal integers joined by ':'.
 * Five zeros stand for no rows. It finds change, it is no proof against a forger.
 */

const MINUTE_MODULUS = 1_000_003;
const VALUE_MODULUS = 2_147_483_647;
const EXACT_HALF = 2 ** 52;

export interface FingerprintRow {
  /** Start of the interval, epoch milliseconds. */
  readonly startMs: number;
  /** Whole count in the channel's unit. */
  readonly value: number | bigint;
  readonly batchId: number | bigint;
  /** Code of domain/quality. */
  readonly quality: number;
}

/** An exact sum that stays a machine number for as long as that is exact. */
export interface WideSum {
  low: number;
  high: bigint;
}

export interface FingerprintSums {
  rows: number;
  readonly value: WideSum;
  readonly weighedValue: WideSum;
  readonly weighedBatch: WideSum;
  readonly weighedQuality: WideSum;
}

export function newFingerprint(): FingerprintSums {
  const zero = (): WideSum => ({ low: 0, high: 0n });
  return {
    rows: 0,
    value: zero(),
    weighedValue: zero(),
    weighedBatch: zero(),
    weighedQuality: zero(),
  };
}

export function addRow(sums: FingerprintSums, row: FingerprintRow): void {
  const minute = Math.floor(row.startMs / 60_000) % MINUTE_MODULUS;
  sums.rows += 1;
  addWide(sums.value, row.value);
  addWide(sums.weighedValue, minute * remainder(row.value));
  addWide(sums.weighedBatch, minute * remainder(row.batchId));
  addWide(sums.weighedQuality, minute * row.quality);
}

export function wideTotal(sum: WideSum): bigint {
  return sum.high + BigInt(sum.low);
}

export function fingerprintText(sums: FingerprintSums): string {
  const { value, weighedValue, weighedBatch, weighedQuality } = sums;
  const totals = [value, weighedValue, weighedBatch, weighedQuality].map(wideTotal);
  return [sums.rows, ...totals].join(':');
}

/** The fingerprint of rows in any order. */
export function fingerprintOf(rows: Iterable<FingerprintRow>): string {
  const sums = newFingerprint();
  for (const row of rows) addRow(sums, row);
  return fingerprintText(sums);
}

/** The fingerprint of two disjoint sets of rows together, as after a meter exchange. */
export function joinFingerprints(a: string, b: string): string {
  const left = a.split(':').map(BigInt);
  const right = b.split(':').map(BigInt);
  return left.map((sum, index) => sum + (right[index] ?? 0n)).join(':');
}

/**
 * m as a PostgreSQL expression over a timestamptz on a whole second. Worth computing once a row, in
 * a subquery with `offset 0`: three of the sums need it.
 */
export function fingerprintWeightSql(start: string): string {
  return `((date_part('epoch', ${start})::bigint / 60) % ${MINUTE_MODULUS})`;
}

/**
 * The same fingerprint as an aggregate expression of PostgreSQL; sum(bigint) is numeric there and
 * cannot overflow. Arguments are SQL expressions: `weight` as fingerprintWeightSql makes it, `value`
 * and `batchId` bigint, `quality` any integer type.
 */
export function fingerprintSql(columns: {
  readonly weight: string;
  readonly value: string;
  readonly batchId: string;
  readonly quality: string;
}): string {
  const { weight, value, batchId, quality } = columns;
  const sum = (expression: string) => `coalesce(sum(${expression}), 0)`;
  const sums = [
    sum(value),
    sum(`${weight} * (${value} % ${VALUE_MODULUS})`),
    sum(`${weight} * (${batchId} % ${VALUE_MODULUS})`),
    sum(`${weight} * ${quality}`),
  ];
  return `concat_ws(':', count(*), ${sums.join(', ')})`;
}

function addWide(sum: WideSum, term: number | bigint): void {
  if (typeof term === 'bigint') {
    sum.high += term;
    return;
  }
  if (!Number.isSafeInteger(term)) throw new RangeError(`${term} is not an exact integer`);
  if (Math.abs(term) >= EXACT_HALF) {
    sum.high += BigInt(term);
    return;
  }
  sum.low += term;
  if (Math.abs(sum.low) >= EXACT_HALF) {
    sum.high += BigInt(sum.low);
    sum.low = 0;
  }
}

function remainder(value: number | bigint): number {
  return typeof value === 'bigint' ? Number(value % BigInt(VALUE_MODULUS)) : value % VALUE_MODULUS;
}
