/**
 * Writing readings with what is there in view. ON CONFLICT is never used on the hypertables: on
 * compressed chunks it has skipped and doubled rows. Rows are looked up, judged by the caller, then
 * inserted or replaced, and every statement reports how many rows it touched.
 *
 * The same statements serve interval readings and register reads.
 */

import { LOCKS } from './locks.ts';
import type { Queryable } from './pool.ts';

export type ReadingTable = 'reading' | 'register_read';
const TIME_COLUMN = { reading: 'start_at', register_read: 'at' } as const;

/** Starts [fromMs, toMs] of one channel, both included. */
export interface ChannelRange {
  readonly channelId: number;
  readonly fromMs: number;
  readonly toMs: number;
}

export interface StoredReading {
  /** Index of the range it was found in. */
  readonly range: number;
  readonly startMs: number;
  readonly value: number;
  readonly batchId: number;
  readonly quality: number;
  readonly flags: number;
}

/** Serialises the writers of these channels, in ascending order, until the transaction ends. */
export async function lockChannelBuckets(tx: Queryable, buckets: readonly number[]): Promise<void> {
  await tx.query(
    `SELECT count(pg_advisory_xact_lock(${LOCKS.channelBucket}, b)) FROM unnest($1::int[]) b`,
    [[...new Set(buckets)].sort((a, b) => a - b)],
  );
}

/** One row for each range and version in it: a day of readings is two short lists, not 96 rows. */
export const EXISTING_SQL = (table: ReadingTable) => `
  SELECT (q.n - 1)::int AS range, r.batch_id, r.quality, r.flags, r.starts, r.values
  FROM unnest($1::int[], $2::float8[], $3::float8[]) WITH ORDINALITY q(channel_id, a, b, n)
  CROSS JOIN LATERAL (
    SELECT t.batch_id::float8 AS batch_id, t.quality, t.flags,
           array_to_string(array_agg(date_part('epoch', t.${TIME_COLUMN[table]})), ',') AS starts,
           array_to_string(array_agg(t.value), ',') AS values
    FROM ${table} t
    WHERE t.channel_id = q.channel_id
      AND t.${TIME_COLUMN[table]} >= to_timestamp(q.a / 1000)
      AND t.${TIME_COLUMN[table]} <= to_timestamp(q.b / 1000)
      AND t.${TIME_COLUMN[table]} >= $4 AND t.${TIME_COLUMN[table]} <= $5
    GROUP BY t.batch_id, t.quality, t.flags
  ) r`;

/** The parameters of EXISTING_SQL; the two bounds let the planner leave out chunks. */
export function existingParameters(ranges: readonly ChannelRange[]): unknown[] {
  let [first, last] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const { fromMs, toMs } of ranges) {
    if (fromMs < first) first = fromMs;
    if (toMs > last) last = toMs;
  }
  return [
    ranges.map((r) => r.channelId),
    ranges.map((r) => r.fromMs),
    ranges.map((r) => r.toMs),
    new Date(first).toISOString(),
    new Date(last).toISOString(),
  ];
}

/** What is stored in these ranges, in no particular order. */
export async function findExisting(
  tx: Queryable,
  table: ReadingTable,
  ranges: readonly ChannelRange[],
): Promise<StoredReading[]> {
  if (ranges.length === 0) return [];
  const rows = await tx.query<ExistingRow>(EXISTING_SQL(table), existingParameters(ranges));
  return readExisting(rows);
}

export interface ExistingRow extends Record<string, unknown> {
  range: number;
  batch_id: number;
  quality: number;
  flags: number;
  /** Epoch seconds and values, comma-separated, in step with each other. */
  starts: string;
  values: string;
}

export function readExisting(rows: readonly ExistingRow[]): StoredReading[] {
  const found: StoredReading[] = [];
  for (const { range, batch_id: batchId, quality, flags, starts, values } of rows) {
    const counts = values.split(',');
    starts.split(',').forEach((start, i) => {
      const startMs = Math.round(Number(start) * 1_000);
      found.push({ range, startMs, value: Number(counts[i]), batchId, quality, flags });
    });
  }
  return found;
}

/** A stored version was replaced by somebody else between the look and the write. */
export class VersionMoved extends Error {}

/** Rows that replace stored ones. Columns, so that a thousand rows are eight arrays. */
export interface Replacements {
  readonly channelIds: number[];
  readonly startsMs: number[];
  readonly values: number[];
  readonly qualities: number[];
  readonly flags: number[];
  /** The version that is replaced. */
  readonly oldBatchIds: number[];
}

export function noReplacements(): Replacements {
  return {
    channelIds: [],
    startsMs: [],
    values: [],
    qualities: [],
    flags: [],
    oldBatchIds: [],
  };
}

const REPLACED = `unnest($1::int[], $2::float8[], $3::bigint[]) AS u(channel_id, ms, old_batch)`;

export const KEEP_HISTORY_SQL = (table: ReadingTable) => `
  WITH kept AS (
    INSERT INTO reading_history (start_at, value, batch_id, channel_id, quality, flags,
                                 superseded_by, superseded_at, reason)
    SELECT t.${TIME_COLUMN[table]}, t.value, t.batch_id, t.channel_id, t.quality, t.flags,
           $4::bigint, clock_timestamp(), $5
    FROM ${REPLACED}
    JOIN ${table} t ON t.channel_id = u.channel_id AND t.batch_id = u.old_batch
      AND t.${TIME_COLUMN[table]} = to_timestamp(u.ms / 1000)
    WHERE t.${TIME_COLUMN[table]} >= $6 AND t.${TIME_COLUMN[table]} <= $7
    RETURNING 1
  ) SELECT count(*)::int AS rows FROM kept`;

export const REPLACE_SQL = (table: ReadingTable) => `
  WITH changed AS (
    UPDATE ${table} t
    SET value = n.value, batch_id = $4::bigint, quality = n.quality, flags = n.flags
    FROM unnest($1::int[], $2::float8[], $3::bigint[], $5::bigint[], $6::smallint[], $7::smallint[])
      AS n(channel_id, ms, old_batch, value, quality, flags)
    WHERE t.channel_id = n.channel_id AND t.batch_id = n.old_batch
      AND t.${TIME_COLUMN[table]} = to_timestamp(n.ms / 1000)
      AND t.${TIME_COLUMN[table]} >= $8 AND t.${TIME_COLUMN[table]} <= $9
    RETURNING 1
  ) SELECT count(*)::int AS rows FROM changed`;

/**
 * Puts the stored versions into history and the new ones in their place. Throws VersionMoved when
 * one of them is no longer what the caller saw.
 */
export async function replaceReadings(
  tx: Queryable,
  table: ReadingTable,
  r: Replacements,
  batchId: number,
  reason: string,
): Promise<number> {
  const expected = r.channelIds.length;
  if (expected === 0) return 0;
  const bounds = [Math.min(...r.startsMs), Math.max(...r.startsMs)].map((ms) =>
    new Date(ms).toISOString(),
  );
  const keys = [r.channelIds, r.startsMs, r.oldBatchIds];
  await tx.query('SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off');
  const [kept] = await tx.query<{ rows: number }>(KEEP_HISTORY_SQL(table), [
    ...keys,
    batchId,
    reason,
    ...bounds,
  ]);
  const [changed] = await tx.query<{ rows: number }>(REPLACE_SQL(table), [
    ...keys,
    batchId,
    r.values,
    r.qualities,
    r.flags,
    ...bounds,
  ]);
  if (kept?.rows !== expected || changed?.rows !== expected) {
    throw new VersionMoved(
      `replaced ${changed?.rows}, kept ${kept?.rows}, expected ${expected} readings`,
    );
  }
  return expected;
}

/** When the source made the stored versions; keyed by `${channelId}|${startMs}`, newest mark. */
export async function sourceVersions(
  tx: Queryable,
  keys: readonly Pick<StoredReading & { channelId: number }, 'channelId' | 'startMs' | 'batchId'>[],
): Promise<ReadonlyMap<string, number>> {
  if (keys.length === 0) return new Map();
  const rows = await tx.query<{ channel_id: number; ms: number; version_ms: number }>(
    `SELECT k.channel_id, k.ms, max((extract(epoch FROM v.version_at) * 1000)::float8) AS version_ms
     FROM unnest($1::int[], $2::float8[], $3::bigint[]) AS k(channel_id, ms, batch_id)
     JOIN reading_source_version v ON v.batch_id = k.batch_id AND v.channel_id = k.channel_id
       AND v.from_at <= to_timestamp(k.ms / 1000) AND v.to_at > to_timestamp(k.ms / 1000)
     GROUP BY k.channel_id, k.ms`,
    [keys.map((k) => k.channelId), keys.map((k) => k.startMs), keys.map((k) => k.batchId)],
  );
  return new Map(rows.map((row) => [`${row.channel_id}|${row.ms}`, row.version_ms]));
}

export interface SourceVersion extends ChannelRange {
  readonly batchId: number;
  readonly versionMs: number;
}

/** `toMs` is the last start that the version covers. */
export async function addSourceVersions(
  tx: Queryable,
  versions: readonly SourceVersion[],
): Promise<void> {
  if (versions.length === 0) return;
  await tx.query(
    `INSERT INTO reading_source_version (batch_id, channel_id, from_at, to_at, version_at)
     SELECT b, c, to_timestamp(f / 1000), to_timestamp(t / 1000) + interval '1 ms',
            to_timestamp(v / 1000)
     FROM unnest($1::bigint[], $2::int[], $3::float8[], $4::float8[], $5::float8[])
       AS n(b, c, f, t, v)`,
    [
      versions.map((v) => v.batchId),
      versions.map((v) => v.channelId),
      versions.map((v) => v.fromMs),
      versions.map((v) => v.toMs),
      versions.map((v) => v.versionMs),
    ],
  );
}
