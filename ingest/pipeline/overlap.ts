/** One batch may bring an interval more than once: every (channel, start) is reduced to one. */
import { type EqualRankPolicy, judge, type Version } from './judge.ts';
import {
  blank,
  detailOf,
  type Prepared,
  type ReadyBlock,
  startOf,
  storedQuality,
} from './prepare.ts';

interface Place {
  readonly block: ReadyBlock;
  readonly index: number;
}

export function settleOverlaps(
  blocks: readonly ReadyBlock[],
  origin: string,
  policy: EqualRankPolicy,
  prepared: Prepared,
): void {
  for (const group of contested(blocks)) {
    const first = new Map<number, Place>();
    for (const block of group) {
      for (let index = 0; index < block.values.length; index += 1) {
        if (block.values[index] === null) continue;
        const startMs = startOf(block, index);
        const place = { block, index };
        const before = first.get(startMs);
        const stays =
          before === undefined ? place : settle(before, place, origin, policy, prepared);
        first.set(startMs, stays);
      }
    }
  }
}

/** Blocks by channel, of the channels whose blocks do not follow each other in time. */
function contested(blocks: readonly ReadyBlock[]): ReadyBlock[][] {
  const endMs = new Map<number, number>();
  const doubtful = new Set<number>();
  for (const block of blocks) {
    const { id } = block.entry.channel;
    const end = endMs.get(id);
    if (end !== undefined && block.startMs < end) doubtful.add(id);
    const own = block.startMs + Math.max(1, block.values.length * block.stepMs);
    endMs.set(id, Math.max(end ?? 0, own));
  }
  if (doubtful.size === 0) return [];
  const groups = new Map<number, ReadyBlock[]>();
  for (const block of blocks) {
    const { id } = block.entry.channel;
    if (!doubtful.has(id)) continue;
    const group = groups.get(id);
    if (group === undefined) groups.set(id, [block]);
    else group.push(block);
  }
  return [...groups.values()];
}

/** Decides between two places of one batch and returns the one that stays. */
function settle(
  before: Place,
  after: Place,
  origin: string,
  policy: EqualRankPolicy,
  prepared: Prepared,
): Place {
  const verdict = judge(versionAt(before, origin), versionAt(after, origin), policy);
  const later = verdict === 'replace' || verdict === 'confirm';
  const [stays, goes] = later ? [after, before] : [before, after];
  const same = stays.block.values[stays.index] === goes.block.values[goes.index];
  if (same) {
    prepared.duplicate += 1;
  } else {
    const code = verdict === 'replace' ? 'SUPERSEDED' : verdict;
    const collector = code === 'CONFLICT' ? prepared.quarantined : prepared.rejected;
    const existing = stays.block.values[stays.index] ?? undefined;
    if (code !== 'duplicate' && code !== 'confirm') {
      collector.add(goes.block.source, goes.block.offset + goes.index, code, () =>
        detailOf(goes.block, goes.index, { existing, origin }),
      );
    }
  }
  blank(goes.block, goes.index);
  return stays;
}

function versionAt({ block, index }: Place, origin: string): Version {
  return {
    value: block.values[index] as number,
    quality: storedQuality(block, index),
    origin,
    versionMs: block.source.versionMs,
  };
}
