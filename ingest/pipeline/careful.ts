/**
 * The careful path: readings of which some may be stored already. Looks, judges, then inserts or
 * replaces. The channels' locks keep a second careful writer out; a fast one is met as 23505 by
 * whoever comes second, and the transaction starts again.
 */
import { batchOrigins } from '../../db/batches.ts';
import type { Connection } from '../../db/pool.ts';
import {
  addSourceVersions,
  type ChannelRange,
  findExisting,
  lockChannelBuckets,
  noReplacements,
  type ReadingTable,
  replaceReadings,
  type SourceVersion,
  type StoredReading,
  sourceVersions,
} from '../../db/reading-writes.ts';
import { LIMITS } from '../../domain/index.ts';
import { type EqualRankPolicy, isContested, judge, type Version } from './judge.ts';
import {
  detailOf,
  type Prepared,
  type ReadyBlock,
  startOf,
  storedFlags,
  storedQuality,
} from './prepare.ts';

/** Which values of a block go into the table as new rows; null = nothing there. */
export interface Insertion {
  readonly block: ReadyBlock;
  readonly values: readonly (number | null)[];
}

export interface CarefulTally {
  readonly insertions: readonly Insertion[];
  replaced: number;
  duplicate: number;
  /** Of replaced rows: what a listener of changes needs. */
  readonly changes: { channelIds: number[]; startsMs: number[]; deltas: number[] };
}

export interface CarefulJob {
  readonly table: ReadingTable;
  readonly blocks: readonly ReadyBlock[];
  readonly batchId: number;
  readonly origin: string;
  readonly policy: EqualRankPolicy;
  readonly prepared: Pick<Prepared, 'quarantined' | 'rejected'>;
}

export async function lockChannels(tx: Connection, blocks: readonly ReadyBlock[]): Promise<void> {
  const buckets = blocks.map((b) => b.entry.channel.id % LIMITS.channelBuckets);
  await lockChannelBuckets(tx, buckets);
}

export function rangeOf(block: ReadyBlock): ChannelRange {
  return {
    channelId: block.entry.channel.id,
    fromMs: block.startMs,
    toMs: startOf(block, block.values.length - 1),
  };
}

/** Replaces what must be replaced and says what is left to insert. Locks must be held. */
export async function settleExisting(tx: Connection, job: CarefulJob): Promise<CarefulTally> {
  const stored = await findExisting(tx, job.table, job.blocks.map(rangeOf));
  const tally: CarefulTally = {
    insertions: [],
    replaced: 0,
    duplicate: 0,
    changes: { channelIds: [], startsMs: [], deltas: [] },
  };
  const replacements = noReplacements();
  const marks: SourceVersion[] = [];
  const left = job.blocks.map((block) => [...block.values]);
  const lookUp = await versionsOf(tx, job, stored);
  for (const old of stored) {
    const block = job.blocks[old.range] as ReadyBlock;
    const index = block.stepMs === 0 ? 0 : (old.startMs - block.startMs) / block.stepMs;
    const value = block.values[index] ?? null;
    if (value === null) continue;
    (left[old.range] as (number | null)[])[index] = null;
    const incoming = incomingVersion(block, index, job.origin);
    const verdict = judge(lookUp(old), incoming, job.policy);
    const channelId = block.entry.channel.id;
    if (verdict === 'duplicate' || verdict === 'confirm') {
      tally.duplicate += 1;
      if (verdict === 'confirm') marks.push(markOf(old, channelId, incoming.versionMs as number));
    } else if (verdict === 'replace') {
      replacements.channelIds.push(channelId);
      replacements.startsMs.push(old.startMs);
      replacements.values.push(value);
      replacements.qualities.push(incoming.quality);
      replacements.flags.push(storedFlags(block, index));
      replacements.oldBatchIds.push(old.batchId);
      tally.changes.channelIds.push(channelId);
      tally.changes.startsMs.push(old.startMs);
      tally.changes.deltas.push(value - old.value);
      if (incoming.versionMs !== undefined) {
        marks.push(markOf({ ...old, batchId: job.batchId }, channelId, incoming.versionMs));
      }
    } else {
      const collector = verdict === 'CONFLICT' ? job.prepared.quarantined : job.prepared.rejected;
      const known = { existing: old.value, origin: lookUp(old).origin };
      collector.add(block.source, block.offset + index, verdict, () =>
        detailOf(block, index, known),
      );
    }
  }
  tally.replaced = await replaceReadings(tx, job.table, replacements, job.batchId, 'arrival');
  const insertions = job.blocks.map((block, i) => ({ block, values: left[i] ?? [] }));
  await addSourceVersions(tx, [...marks, ...insertedMarks(insertions, job.batchId)]);
  return { ...tally, insertions };
}

function incomingVersion(block: ReadyBlock, index: number, origin: string): Version {
  return {
    value: block.values[index] as number,
    quality: storedQuality(block, index),
    origin,
    versionMs: block.source.versionMs,
  };
}

function markOf(old: StoredReading, channelId: number, versionMs: number): SourceVersion {
  const { batchId, startMs } = old;
  return { batchId, channelId, fromMs: startMs, toMs: startMs, versionMs };
}

/** One mark for each stretch of new rows of a block whose source gives versions. */
function insertedMarks(insertions: readonly Insertion[], batchId: number): SourceVersion[] {
  const marks: SourceVersion[] = [];
  for (const { block, values } of insertions) {
    const { versionMs } = block.source;
    if (versionMs === undefined) continue;
    let from = -1;
    for (let i = 0; i <= values.length; i += 1) {
      const there = i < values.length && values[i] !== null;
      if (there && from < 0) from = i;
      if (there || from < 0) continue;
      const range = { fromMs: startOf(block, from), toMs: startOf(block, i - 1) };
      marks.push({ batchId, channelId: block.entry.channel.id, ...range, versionMs });
      from = -1;
    }
  }
  return marks;
}

/** Origin and source version are looked up for the rows where they decide, in two queries. */
async function versionsOf(
  tx: Connection,
  job: CarefulJob,
  stored: readonly StoredReading[],
): Promise<(old: StoredReading) => Version> {
  const contested = stored.filter((old) => {
    const block = job.blocks[old.range] as ReadyBlock;
    const index = block.stepMs === 0 ? 0 : (old.startMs - block.startMs) / block.stepMs;
    if ((block.values[index] ?? null) === null) return false;
    return isContested(old, incomingVersion(block, index, job.origin));
  });
  if (contested.length === 0) return (old) => ({ ...old, origin: '' });
  const origins = await batchOrigins(tx, [...new Set(contested.map((old) => old.batchId))]);
  const keys = contested.map((old) => ({ ...old, channelId: channelOf(job, old) }));
  const versions = await sourceVersions(tx, keys);
  return (old) => ({
    ...old,
    origin: origins.get(old.batchId) ?? '',
    versionMs: versions.get(`${channelOf(job, old)}|${old.startMs}`),
  });
}

function channelOf(job: CarefulJob, old: StoredReading): number {
  return (job.blocks[old.range] as ReadyBlock).entry.channel.id;
}
