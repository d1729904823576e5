/**
 * Sums of intervals by rate period, computed where the rows are. The caller lays the period out as
 * slots of one interval each and says which sum each slot belongs to; the database adds.
 */
import type { Queryable, Row } from './pool.ts';

/** A channel over a range of time; `window` comes back with the sums. */
export interface SumWindow {
  readonly window: number;
  readonly channelId: number;
  readonly fromMs: number;
  readonly toMs: number;
}

export interface SlotPlan {
  /** Instant of slot 0. */
  readonly baseMs: number;
  readonly intervalS: number;
  /** Number of the sum each slot belongs to; -1 = none. */
  readonly slots: readonly number[];
}

/** Rows of one quality in one sum: what a quality means is the caller's to say. */
export interface SumRow extends Row {
  readonly window: number;
  readonly sum: number;
  readonly quality: number;
  readonly intervals: bigint;
  readonly count: string;
  readonly weighed_value: string;
  readonly weighed_batch: string;
  /** Sum of the weights alone. */
  readonly weights: string;
}

/**
 * One row for each window, sum and quality that has rows. The weighed sums are those of the fingerprint of
 * billing (its moduli stand here as numbers because SQL can only say them so).
 *
 * LATERAL makes each window one scan of the key's index, whatever the planner thinks of a whole
 * table; each OFFSET 0 keeps what stands below from being computed again for every use.
 */
export function sumWindows(
  db: Queryable,
  plan: SlotPlan,
  windows: readonly SumWindow[],
): Promise<SumRow[]> {
  return db.query<SumRow>(
    `SELECT w.n AS window, s.*
     FROM unnest($4::int[], $5::int[], $6::timestamptz[], $7::timestamptz[])
       AS w(n, channel_id, f, t)
     CROSS JOIN LATERAL (
       SELECT sum, quality, count(*) AS intervals, sum(value) AS count,
         sum(minute * (value % 2147483647)) AS weighed_value,
         sum(minute * (batch_id % 2147483647)) AS weighed_batch,
         sum(minute) AS weights
       FROM (
         SELECT value, batch_id, quality, (epoch_s / 60) % 1000003 AS minute,
           ($1::smallint[])[1 + (epoch_s - $2::bigint) / $3::bigint] AS sum
         FROM (
           SELECT r.value, r.batch_id, r.quality, date_part('epoch', r.start_at)::bigint AS epoch_s
           FROM reading r
           WHERE r.channel_id = w.channel_id AND r.start_at >= w.f AND r.start_at < w.t
           OFFSET 0
         ) timed
         OFFSET 0
       ) placed
       WHERE sum >= 0
       GROUP BY sum, quality
     ) s`,
    [
      plan.slots,
      plan.baseMs / 1_000,
      plan.intervalS,
      windows.map((w) => w.window),
      windows.map((w) => w.channelId),
      windows.map((w) => new Date(w.fromMs)),
      windows.map((w) => new Date(w.toMs)),
    ],
  );
}
