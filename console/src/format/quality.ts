/** What an interval is, for the eye: the ledger's state and the reading's quality in one word. */
import type { Interval } from '../api/types.ts';

export const QUALITY_CLASSES = [
  'actual',
  'estimated',
  'edited',
  'suspect',
  'missing',
  'waiting',
] as const;
export type QualityClass = (typeof QUALITY_CLASSES)[number];

/** The glyph that goes with the word in tables; the normal case is quiet. */
export const QUALITY_GLYPH: Readonly<Record<QualityClass, string>> = {
  actual: '',
  estimated: '▨',
  edited: '▧',
  suspect: '▩',
  missing: '╱',
  waiting: '·',
};

/** By the name of the quality; substituted and projected values were not measured either. */
export function classOfQuality(quality: string): QualityClass {
  if (/^(?:ESTIMATED|SUBSTITUTED|PROJECTED)/.test(quality)) return 'estimated';
  if (quality === 'EDITED') return 'edited';
  return quality === 'SUSPECT' ? 'suspect' : 'actual';
}

export function classOf(interval: Interval): QualityClass {
  if (interval.value === null) return interval.state === 'expected' ? 'waiting' : 'missing';
  return classOfQuality(interval.quality ?? '');
}

export interface Run {
  readonly kind: QualityClass;
  /** Indexes [from, to). */
  readonly from: number;
  readonly to: number;
}

/** Neighbours of one class, joined. */
export function runsOf(kinds: readonly QualityClass[]): Run[] {
  const runs: Run[] = [];
  let from = 0;
  for (let i = 1; i <= kinds.length; i += 1) {
    if (i < kinds.length && kinds[i] === kinds[from]) continue;
    runs.push({ kind: kinds[from] as QualityClass, from, to: i });
    from = i;
  }
  return runs;
}
