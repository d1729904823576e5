/**
 * Interval readings as they are, or as they were known at an instant. A version holds from the
 * recorded time of its batch to the recorded time of the batch that replaced it.
 */
import type { Queryable } from './pool.ts';

export interface ReadingVersion {
  readonly startMs: number;
  /** Whole count in the channel's unit and exponent. */
  readonly value: bigint;
  readonly quality: number;
  readonly flags: number;
  /** With channel and start, the name of the version. */
  readonly batchId: number;
}

interface VersionRow extends Record<string, unknown> {
  start_at: number;
  value: bigint;
  quality: number;
  flags: number;
  batch_id: number;
}

/**
 * Readings of one channel with start in [fromMs, toMs), in order of time. With `asOfMs`: the
 * versions that were current then, whatever came later.
 */
export async function readIntervals(
  db: Queryable,
  channelId: number,
  fromMs: number,
  toMs: number,
  options: { readonly asOfMs?: number } = {},
): Promise<ReadingVersion[]> {
  const bounds = [channelId, new Date(fromMs).toISOString(), new Date(toMs).toISOString()];
  const { asOfMs } = options;
  const rows =
    asOfMs === undefined
      ? await db.query<VersionRow>(CURRENT, bounds)
      : await db.query<VersionRow>(AS_OF, [...bounds, new Date(asOfMs).toISOString()]);
  return rows.map(toVersion);
}

const CURRENT = `
  SELECT start_at, value, quality, flags, batch_id::float8 AS batch_id FROM reading
  WHERE channel_id = $1 AND start_at >= $2 AND start_at < $3 ORDER BY start_at`;

const AS_OF = `
  SELECT r.start_at, r.value, r.quality, r.flags, r.batch_id::float8 AS batch_id
  FROM reading r JOIN batch b ON b.id = r.batch_id
  WHERE r.channel_id = $1 AND r.start_at >= $2 AND r.start_at < $3 AND b.recorded_at <= $4
  UNION ALL
  SELECT h.start_at, h.value, h.quality, h.flags, h.batch_id::float8
  FROM reading_history h JOIN batch b ON b.id = h.batch_id JOIN batch s ON s.id = h.superseded_by
  WHERE h.channel_id = $1 AND h.start_at >= $2 AND h.start_at < $3
    AND b.recorded_at <= $4 AND s.recorded_at > $4
  ORDER BY start_at`;

function toVersion(row: VersionRow): ReadingVersion {
  return {
    startMs: row.start_at,
    value: row.value,
    quality: row.quality,
    flags: row.flags,
    batchId: row.batch_id,
  };
}

export interface ReadingStory extends ReadingVersion {
  readonly origin: string;
  readonly recordedMs: number;
  readonly actor: string;
  /** Why it was replaced, by which batch and when; absent = it is the current one. */
  readonly superseded?: {
    readonly byBatchId: number;
    readonly atMs: number;
    readonly reason: string;
  };
}

/** All versions of one interval, oldest first; the last one is current. */
export async function readingVersions(
  db: Queryable,
  channelId: number,
  startMs: number,
): Promise<ReadingStory[]> {
  const rows = await db.query<
    VersionRow & {
      origin: string;
      recorded_at: number;
      actor: string;
      by_batch: number | null;
      superseded_at: number | null;
      reason: string | null;
    }
  >(
    `SELECT v.start_at, v.value, v.quality, v.flags, v.batch_id::float8 AS batch_id, b.origin,
            b.recorded_at, b.actor, v.superseded_by::float8 AS by_batch, v.superseded_at, v.reason
     FROM (
       SELECT start_at, value, quality, flags, batch_id, superseded_by, superseded_at, reason
       FROM reading_history WHERE channel_id = $1 AND start_at = $2
       UNION ALL
       SELECT start_at, value, quality, flags, batch_id, NULL, NULL, NULL
       FROM reading WHERE channel_id = $1 AND start_at = $2
     ) v JOIN batch b ON b.id = v.batch_id
     ORDER BY v.superseded_at NULLS LAST, v.superseded_by`,
    [channelId, new Date(startMs).toISOString()],
  );
  return rows.map((row) => ({
    ...toVersion(row),
    origin: row.origin,
    recordedMs: row.recorded_at,
    actor: row.actor,
    ...(row.by_batch === null
      ? undefined
      : {
          superseded: {
            byBatchId: row.by_batch,
            atMs: row.superseded_at as number,
            reason: row.reason as string,
          },
        }),
  }));
}
