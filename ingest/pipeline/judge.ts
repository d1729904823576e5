/**
 * Which of two versions of one reading stands. Pure, and (with `replace`, source versions or equal
 * values) the outcome does not depend on the order in which they arrive.
 */
import { QUALITY, qualityOf } from '../../domain/index.ts';

export interface Version {
  readonly value: number;
  readonly quality: number;
  readonly origin: string;
  /** When the source made it, where the source says so. */
  readonly versionMs?: number | undefined;
}

/** What a different value of equal rank from the same origin does. */
export type EqualRankPolicy = 'replace' | 'hold';

export type Verdict =
  /** The newcomer becomes the current version; the other goes to history. */
  | 'replace'
  /** The same again. */
  | 'duplicate'
  /** The same again, under a newer version of the source, which is remembered. */
  | 'confirm'
  | 'EDITED_KEPT'
  | 'LOWER_RANK'
  | 'OLDER_VERSION'
  | 'CONFLICT';

export function judge(current: Version, incoming: Version, policy: EqualRankPolicy): Verdict {
  const rank = qualityOf(incoming.quality).rank - qualityOf(current.quality).rank;
  const newer = newerBy(current.versionMs, incoming.versionMs);
  if (current.value === incoming.value) {
    if (rank > 0) return 'replace';
    return rank === 0 && newer > 0 ? 'confirm' : 'duplicate';
  }
  if (current.quality === QUALITY.EDITED.code) return 'EDITED_KEPT';
  if (rank !== 0) return rank > 0 ? 'replace' : 'LOWER_RANK';
  if (newer !== 0) return newer > 0 ? 'replace' : 'OLDER_VERSION';
  return policy === 'replace' && current.origin === incoming.origin ? 'replace' : 'CONFLICT';
}

/** Sign of the difference; 0 unless both sides say when they were made. */
function newerBy(current: number | undefined, incoming: number | undefined): number {
  return current === undefined || incoming === undefined ? 0 : Math.sign(incoming - current);
}

/** True when origin or source version can decide, so that they must be looked up. */
export function isContested(
  current: Pick<Version, 'value' | 'quality'>,
  incoming: Pick<Version, 'value' | 'quality' | 'versionMs'>,
): boolean {
  if (qualityOf(current.quality).rank !== qualityOf(incoming.quality).rank) return false;
  return current.value !== incoming.value || incoming.versionMs !== undefined;
}
