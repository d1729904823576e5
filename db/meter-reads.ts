/** Meters and channels as pages and programs look at them. */
import type { Queryable, Row } from './pool.ts';

export interface MeterSummary extends Row {
  readonly serial: string;
  readonly protocol: string;
  readonly model: string;
  readonly has_breaker: boolean;
  readonly breaker_state: string;
  readonly breaker_at: number | null;
  readonly service_point: string | null;
  readonly time_zone: string | null;
  readonly feeder: string | null;
  readonly account: string | null;
}

const METER = `SELECT m.serial, m.protocol, m.model, m.has_breaker, m.breaker_state, m.breaker_at,
    s.code AS service_point, s.time_zone, s.feeder, a.number AS account
  FROM meter m
  LEFT JOIN installation i ON i.meter_id = m.id AND i.to_at IS NULL
  LEFT JOIN service_point s ON s.id = i.service_point_id
  LEFT JOIN agreement g ON g.service_point_id = s.id AND g.to_date IS NULL
  LEFT JOIN account a ON a.id = g.account_id`;

/** Serials in order, from after a given one; `search` is a part of serial, account or place. */
export function listMeters(
  db: Queryable,
  filter: { after: string; search: string | null; limit: number },
): Promise<MeterSummary[]> {
  return db.query<MeterSummary>(
    `${METER}
     WHERE m.serial > $1 AND ($2::text IS NULL
       OR strpos(lower(m.serial || ' ' || coalesce(s.code, '') || ' ' || coalesce(a.number, '')),
                 lower($2)) > 0)
     ORDER BY m.serial LIMIT $3`,
    [filter.after, filter.search, filter.limit],
  );
}

export async function meterBySerial(
  db: Queryable,
  serial: string,
): Promise<MeterSummary | undefined> {
  const [row] = await db.query<MeterSummary>(`${METER} WHERE m.serial = $1`, [serial]);
  return row;
}

export interface ChannelRow extends Row {
  readonly id: number;
  readonly code: string;
  readonly kind: string;
  readonly direction: string;
  readonly unit: string;
  readonly exponent: number;
  readonly interval_s: number;
}

export function channelsOf(db: Queryable, serial: string): Promise<ChannelRow[]> {
  return db.query<ChannelRow>(
    `SELECT c.id, c.code, c.kind, c.direction, c.unit, c.exponent, c.interval_s
     FROM channel c JOIN meter m ON m.id = c.meter_id WHERE m.serial = $1 ORDER BY c.id`,
    [serial],
  );
}

export async function channelName(
  db: Queryable,
  channelId: number,
): Promise<{ serial: string; code: string } | undefined> {
  const [row] = await db.query<{ serial: string; code: string }>(
    'SELECT m.serial, c.code FROM channel c JOIN meter m ON m.id = c.meter_id WHERE c.id = $1',
    [channelId],
  );
  return row;
}

export interface DaySummary extends Row {
  readonly local_date: string;
  readonly channel_days: bigint;
  readonly expected: bigint;
  readonly received: bigint;
  readonly estimated: bigint;
  readonly missing: bigint;
  readonly closed: bigint;
}

/** Completeness by local date, newest first. */
export function completeness(db: Queryable, days: number): Promise<DaySummary[]> {
  return db.query<DaySummary>(
    `SELECT local_date, count(*) AS channel_days, sum(expected)::bigint AS expected,
       sum(received)::bigint AS received, sum(estimated)::bigint AS estimated,
       sum(missing)::bigint AS missing, count(*) FILTER (WHERE state = 'closed') AS closed
     FROM channel_day
     WHERE local_date > (SELECT max(local_date) FROM channel_day WHERE state = 'closed') - $1::int
       AND state = 'closed'
     GROUP BY local_date ORDER BY local_date DESC`,
    [days],
  );
}
