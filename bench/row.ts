/** What a bench says, and how it is shown. */
import { table, thousands } from '../cli/output/table.ts';

export interface Row {
  readonly name: string;
  readonly ours: number;
  readonly limit: number;
  readonly ratio: number;
  readonly unit: string;
  readonly target: string;
}

export interface Effort {
  /** Fewer rounds and less data: for a look, not for a claim. */
  readonly quick: boolean;
  /** Reference sizes: half a million meters, a whole billing night. */
  readonly full: boolean;
}

export interface BenchContext extends Effort {
  /** A remark for people, printed on standard error. */
  readonly say: (text: string) => void;
}

export interface Bench {
  readonly names: readonly string[];
  run(context: BenchContext): Promise<Row[]>;
}

export function rowsTable(rows: readonly Row[]): string {
  return table(
    [
      { head: 'name', value: (row) => row.name },
      { head: 'ours', right: true, value: (row) => figure(row.ours) },
      { head: 'limit', right: true, value: (row) => figure(row.limit) },
      { head: 'ratio', right: true, value: (row) => row.ratio.toFixed(2) },
      { head: 'unit', value: (row) => row.unit },
      { head: 'target', value: (row) => row.target },
    ],
    rows,
  );
}

export function figure(value: number): string {
  return thousands(value >= 100 ? Math.round(value) : Number(value.toPrecision(3)));
}

/** The mean of the two in the middle when there is no one; NaN of nothing. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const low = sorted[(sorted.length - 1) >> 1] ?? Number.NaN;
  const high = sorted[sorted.length >> 1] ?? Number.NaN;
  return (low + high) / 2;
}

/** Nearest rank; NaN of nothing. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const rank = Math.ceil(share * sorted.length);
  return sorted[Math.max(0, rank - 1)] ?? Number.NaN;
}

/** 1.234567 -> 1.235: what the noise of a run allows to say. */
export function rounded(value: number): number {
  return Number(value.toPrecision(4));
}
