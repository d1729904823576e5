/** Register reads beside a given instant. */
import type { Queryable } from './pool.ts';

export interface Neighbour {
  readonly atMs: number;
  readonly value: number;
}

/** The stored reads right before and right after each (channel, instant), in the order asked. */
export async function registerNeighbours(
  db: Queryable,
  keys: readonly { channelId: number; atMs: number }[],
): Promise<{ before?: Neighbour; after?: Neighbour }[]> {
  if (keys.length === 0) return [];
  const rows = await db.query<{
    before_ms: number | null;
    before_value: number | null;
    after_ms: number | null;
    after_value: number | null;
  }>(
    `SELECT b.at AS before_ms, b.value::float8 AS before_value,
            a.at AS after_ms, a.value::float8 AS after_value
     FROM unnest($1::int[], $2::float8[]) WITH ORDINALITY AS k(channel_id, ms, n)
     LEFT JOIN LATERAL (
       SELECT at, value FROM register_read r
       WHERE r.channel_id = k.channel_id AND r.at < to_timestamp(k.ms / 1000)
       ORDER BY at DESC LIMIT 1) b ON true
     LEFT JOIN LATERAL (
       SELECT at, value FROM register_read r
       WHERE r.channel_id = k.channel_id AND r.at > to_timestamp(k.ms / 1000)
       ORDER BY at LIMIT 1) a ON true
     ORDER BY k.n`,
    [keys.map((k) => k.channelId), keys.map((k) => k.atMs)],
  );
  return rows.map((row) => ({
    ...neighbour('before', row.before_ms, row.before_value),
    ...neighbour('after', row.after_ms, row.after_value),
  }));
}

function neighbour(side: 'before' | 'after', atMs: number | null, value: number | null) {
  return atMs === null || value === null ? undefined : { [side]: { atMs, value } };
}
