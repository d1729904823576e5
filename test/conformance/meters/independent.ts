/**
 * A second reading of the meter files, naive on purpose and in another style than the product's:
 * whole file in memory, no checks, BigInt all the way. Nothing here comes from ingest/.
 */
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';

/** All sums and values are whole counts of 10^-SCALE of the unit in the file. */
export const SCALE = 9;

export interface Point {
  readonly startMs: number;
  /** null = the source says there is no value. */
  readonly value: bigint | null;
  /** QualityMethod's letter; 'A' where the format has none. */
  readonly letter: string;
  readonly reason: string;
}

export interface IndependentStream {
  /** NMI of the service point, or the file's stem. */
  readonly point: string;
  readonly serial: string;
  readonly suffix: string;
  /** Lower case, as the market does not care. */
  readonly unit: string;
  readonly intervalS: number;
  readonly points: Point[];
  /** Newest UpdateDateTime; 0 = none. */
  newestMs: number;
}

export interface Totals {
  readonly intervals: number;
  readonly absent: number;
  readonly firstMs: number;
  readonly lastMs: number;
  readonly sum: bigint;
}

export function totalsOf(points: readonly Pick<Point, 'startMs' | 'value'>[]): Totals {
  const starts = points.map((p) => p.startMs);
  return {
    intervals: points.length,
    absent: points.filter((p) => p.value === null).length,
    firstMs: starts.reduce((a, b) => Math.min(a, b)),
    lastMs: starts.reduce((a, b) => Math.max(a, b)),
    sum: points.reduce((sum, p) => sum + (p.value ?? 0n), 0n),
  };
}

export function textOf(path: string): string {
  const bytes = readFileSync(path);
  return (path.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('latin1');
}

/** '0.0289999999999999' -> 29000000n: exact to 30 digits, then rounded half up to SCALE. */
export function bigDecimal(text: string, scale = SCALE): bigint {
  const [whole, fraction = ''] = text.trim().split('.') as [string, string?];
  const digits = BigInt(whole + fraction.padEnd(30, '0'));
  const unit = 10n ** BigInt(30 - scale);
  return (digits + unit / 2n) / unit;
}

const market = (d: string) =>
  Date.parse(
    `${d.slice(0, 4)}-${d.slice(4, 6)}-${d.slice(6, 8)}T${d.slice(8, 10) || '00'}:${d.slice(10, 12) || '00'}:${d.slice(12, 14) || '00'}+10:00`,
  );

/** Streams by `nmi/serial/suffix/unit/seconds`. */
export function readNem12Independently(
  text: string,
  units: Readonly<Record<string, string>> = {},
): Map<string, IndependentStream> {
  const streams = new Map<string, IndependentStream>();
  const records = text.split(/\r?\n/).map((line) => line.split(',').map((f) => f.trim()));
  for (const [index, record] of records.entries()) {
    if (record[0] !== '300') continue;
    const head = records.slice(0, index).findLast((r) => r[0] === '200') as string[];
    const [, nmi, , , suffix, , serial, uom, minutes] = head as [string, ...string[]];
    const unit = (uom || units[suffix as string] || '').toLowerCase();
    const intervalS = Number(minutes) * 60;
    const key = [nmi, serial, suffix, unit, intervalS].join('/');
    const stream = streams.get(key) ?? {
      ...{ point: nmi as string, serial: serial as string, suffix: suffix as string },
      ...{ unit, intervalS, points: [], newestMs: 0 },
    };
    streams.set(key, stream);
    const count = 86_400 / intervalS;
    const [method = '', reason = '', , updated = ''] = record.slice(2 + count);
    if (updated !== '') stream.newestMs = Math.max(stream.newestMs, market(updated));
    const after = records.slice(index + 1);
    const ranges = after.slice(
      0,
      after.findIndex((r) => r[0] !== '400'),
    );
    for (let i = 1; i <= count; i += 1) {
      const range = ranges.find((r) => Number(r[1]) <= i && i <= Number(r[2]));
      const letter = (range?.[3] ?? method).slice(0, 1);
      const value = letter === 'N' ? null : bigDecimal(record[1 + i] as string);
      const startMs = market(record[1] as string) + (i - 1) * intervalS * 1_000;
      stream.points.push({ startMs, value, letter, reason: range?.[4] ?? reason });
    }
  }
  return streams;
}

/** Rows of a `start,value` file, in order; times carry their offset. */
export function readSeriesIndependently(text: string): Point[] {
  return text
    .split('\n')
    .slice(1)
    .map((row) => row.trim())
    .filter((row) => row !== '')
    .map((row) => {
      const comma = row.lastIndexOf(',');
      const value = row.slice(comma + 1);
      return {
        startMs: Date.parse(row.slice(0, comma).replace(' ', 'T')),
        value: /\d/.test(value) ? bigDecimal(value) : null,
        letter: 'A',
        reason: '',
      };
    });
}
