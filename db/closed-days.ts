/** Readings that reach a day which has been closed: the day is dirty, and whoever cares is told. */
import type { Queryable } from './pool.ts';

/** What changed, as columns; `delta` = new value less the old one. */
export interface ReadingChanges {
  readonly channelIds: number[];
  readonly startsMs: number[];
  readonly deltas: number[];
}

/**
 * Marks the days and writes one outbox row (topic 'interval.changed') for each that was closed.
 * Days up to the mark are marked whatever their state: the one who closes them holds their rows
 * locked while reading, so either he sees these readings or the day is dirty afterwards.
 * The close itself tells of its estimates, too, without making its own days dirty.
 * Returns the number of closed channel-days.
 */
export async function markClosedDays(
  tx: Queryable,
  changes: ReadingChanges,
  closedDate: string,
  reason: string,
  makesDirty = true,
): Promise<number> {
  const [row] = await tx.query<{ days: number }>(
    `WITH change AS (
       SELECT d.channel_id, d.local_date, count(*)::int AS changes, sum(c.delta) AS delta
       FROM unnest($1::int[], $2::float8[], $3::bigint[]) AS c(channel_id, ms, delta)
       JOIN channel_day d ON d.channel_id = c.channel_id
         AND d.from_at <= to_timestamp(c.ms / 1000) AND d.to_at > to_timestamp(c.ms / 1000)
       WHERE d.local_date <= $4::date
       GROUP BY 1, 2
     ), locked AS MATERIALIZED (
       -- In one order, or two writers would wait for each other's days.
       SELECT d.channel_id, d.local_date FROM channel_day d
       JOIN change c ON d.channel_id = c.channel_id AND d.local_date = c.local_date
       ORDER BY 1, 2 FOR UPDATE OF d
     ), marked AS (
       UPDATE channel_day d SET dirty = d.dirty OR $6, touched = d.touched + $6::int
       FROM change c JOIN locked l USING (channel_id, local_date)
       WHERE d.channel_id = c.channel_id AND d.local_date = c.local_date
       RETURNING d.channel_id, d.local_date, d.state, c.changes, c.delta
     ), told AS (
       INSERT INTO outbox (topic, key, payload)
       SELECT 'interval.changed', channel_id || '/' || local_date,
              jsonb_build_object('channelId', channel_id, 'date', local_date::text,
                'changes', changes, 'deltaValue', delta::text, 'reason', $5::text)
       FROM marked WHERE state = 'closed' ORDER BY channel_id, local_date
       RETURNING 1
     ) SELECT count(*)::int AS days FROM told`,
    [changes.channelIds, changes.startsMs, changes.deltas, closedDate, reason, makesDirty],
  );
  return row?.days ?? 0;
}
