/** The interval ledger: laying out days, finding what is due, closing, and asking for states. */
import { LOCKS } from './locks.ts';
import type { Database, Queryable, Row } from './pool.ts';

/** Lays out days up to `upTo` (exclusive local date) for channels [from, to). Rows added. */
export async function openLedgerDays(
  db: Queryable,
  upTo: string,
  channelFrom: number,
  channelTo: number,
): Promise<number> {
  const [row] = await db.query<{ added: bigint }>('SELECT ledger_open($1, $2, $3) AS added', [
    upTo,
    channelFrom,
    channelTo,
  ]);
  return Number(row?.added ?? 0n);
}

/** Highest channel id plus one: the end of the last shard. */
export async function channelIdEnd(db: Queryable): Promise<number> {
  const [row] = await db.query<{ end: number }>(
    'SELECT coalesce(max(id), 0) + 1 AS end FROM channel',
  );
  return row?.end ?? 1;
}

/** First channel id of every shard that has days to close, with how many. */
export async function dueShards(
  db: Queryable,
  nowMs: number,
  deadlineMs: number,
  shardChannels: number,
): Promise<{ channelFrom: number; days: number }[]> {
  const rows = await db.query<{ shard: number; days: bigint }>(
    `SELECT channel_id / $3::int AS shard, count(*) AS days FROM channel_day
     WHERE (state = 'open' OR dirty)
       AND to_at <= to_timestamp(($1::float8 - $2::float8) / 1000)
     GROUP BY 1 ORDER BY 1`,
    [nowMs, deadlineMs, shardChannels],
  );
  return rows.map((r) => ({ channelFrom: r.shard * shardChannels, days: Number(r.days) }));
}

/**
 * Closes at once, without looking at single readings, every due day of channels [from, to) on which
 * no rule could find anything: complete, billable, without estimates, within the service size, and
 * in agreement with the register where it was read at both ends. Every other day is examined rule
 * by rule. Exceptions of an earlier close of these days are resolved. Returns how many.
 */
export async function closeCompleteDays(
  db: Queryable,
  due: DueWindow,
  billableCodes: readonly number[],
  sumToleranceUnits: number,
): Promise<number> {
  const rows = await db.query(
    `WITH due AS MATERIALIZED (
       SELECT channel_id, local_date, from_at, to_at, expected FROM channel_day
       WHERE (state = 'open' OR dirty) AND channel_id >= $1 AND channel_id < $2
         AND to_at <= to_timestamp($3::float8 / 1000)
       ORDER BY channel_id, local_date
       FOR UPDATE SKIP LOCKED
     ), complete AS (
       SELECT d.channel_id, d.local_date, d.from_at, d.to_at, c.meter_id, c.code, c.unit,
         c.exponent, sum(r.value) AS total
       FROM due d
       JOIN channel c ON c.id = d.channel_id
       JOIN reading r ON r.channel_id = d.channel_id
         AND r.start_at >= d.from_at AND r.start_at < d.to_at
       GROUP BY d.channel_id, d.local_date, d.from_at, d.to_at, d.expected, c.id
       HAVING count(*) = d.expected
         AND (c.interval_max IS NULL OR max(r.value) <= c.interval_max)
         AND bool_and(r.quality = ANY($4::smallint[]) AND r.quality NOT BETWEEN 10 AND 19
                      AND r.quality <> 30)
     ), good AS MATERIALIZED (
       SELECT f.channel_id, f.local_date, f.from_at, f.to_at FROM complete f
       LEFT JOIN channel g ON g.meter_id = f.meter_id AND g.code = f.code
         AND g.kind = 'register' AND g.unit = f.unit AND g.exponent = f.exponent
       LEFT JOIN register_read a ON a.channel_id = g.id AND a.at = f.from_at
       LEFT JOIN register_read b ON b.channel_id = g.id AND b.at = f.to_at
       WHERE a.value IS NULL OR b.value IS NULL
         OR abs(b.value - a.value - f.total) <= $5::int
     ), resolved AS (
       UPDATE vee_exception e SET resolved_at = clock_timestamp() FROM good f
       WHERE e.channel_id = f.channel_id AND e.batch_id IS NULL AND e.resolved_at IS NULL
         AND e.from_at >= f.from_at AND e.from_at < f.to_at
     )
     UPDATE channel_day c
     SET state = 'closed', dirty = false, closed_at = clock_timestamp(), received = c.expected,
         estimated = 0, edited = 0, missing = 0
     FROM good f
     WHERE c.channel_id = f.channel_id AND c.local_date = f.local_date
     RETURNING 1`,
    [due.channelFrom, due.channelTo, due.dueBeforeMs, billableCodes, sumToleranceUnits],
  );
  return rows.length;
}

export interface DueWindow {
  readonly channelFrom: number;
  readonly channelTo: number;
  /** Days that ended by this instant. */
  readonly dueBeforeMs: number;
}

export interface DueDay extends Row {
  readonly channel_id: number;
  readonly local_date: string;
  readonly from_at: number;
  readonly to_at: number;
  readonly expected: number;
  readonly touched: number;
  readonly serial: string;
  readonly code: string;
  readonly interval_s: number;
  readonly register_id: number | null;
  readonly register_modulus: bigint | null;
  readonly interval_max: bigint | null;
}

/** Due days that need a closer look, oldest first. */
export function dueDays(db: Queryable, due: DueWindow, limit: number): Promise<DueDay[]> {
  return db.query<DueDay>(
    `SELECT d.channel_id, d.local_date, d.from_at, d.to_at, d.expected, d.touched, m.serial,
            c.code, c.interval_s, c.interval_max, g.id AS register_id,
            g.modulus AS register_modulus
     FROM channel_day d
     JOIN channel c ON c.id = d.channel_id
     JOIN meter m ON m.id = c.meter_id
     LEFT JOIN channel g ON g.meter_id = c.meter_id AND g.code = c.code AND g.kind = 'register'
       AND g.unit = c.unit AND g.exponent = c.exponent
     WHERE (d.state = 'open' OR d.dirty) AND d.channel_id >= $1 AND d.channel_id < $2
       AND d.to_at <= to_timestamp($3::float8 / 1000)
     ORDER BY d.local_date, d.channel_id LIMIT $4`,
    [due.channelFrom, due.channelTo, due.dueBeforeMs, limit],
  );
}

export interface WindowReading extends Row {
  readonly channel_id: number;
  readonly start_at: number;
  readonly value: bigint;
  readonly quality: number;
  readonly flags: number;
}

/** Readings of many channels, each in its own window, in order of channel and time. */
export function windowReadings(
  db: Queryable,
  windows: readonly { channelId: number; fromMs: number; toMs: number }[],
): Promise<WindowReading[]> {
  return db.query<WindowReading>(
    `SELECT r.channel_id, r.start_at, r.value, r.quality, r.flags
     FROM (SELECT DISTINCT * FROM unnest($1::int[], $2::float8[], $3::float8[]) AS w(id, f, t)) w
     JOIN reading r ON r.channel_id = w.id
       AND r.start_at >= to_timestamp(w.f / 1000) AND r.start_at < to_timestamp(w.t / 1000)
     ORDER BY r.channel_id, r.start_at`,
    [windows.map((w) => w.channelId), windows.map((w) => w.fromMs), windows.map((w) => w.toMs)],
  );
}

/** Register reads exactly at the given instants. */
export function registersAt(
  db: Queryable,
  asked: readonly { channelId: number; atMs: number }[],
): Promise<{ channel_id: number; at: number; value: bigint }[]> {
  return db.query(
    `SELECT r.channel_id, r.at, r.value
     FROM (SELECT DISTINCT * FROM unnest($1::int[], $2::float8[]) AS a(id, at)) a
     JOIN register_read r ON r.channel_id = a.id AND r.at = to_timestamp(a.at / 1000)`,
    [asked.map((a) => a.channelId), asked.map((a) => a.atMs)],
  );
}

export interface ClosedDay {
  readonly channelId: number;
  readonly localDate: string;
  readonly received: number;
  readonly estimated: number;
  readonly edited: number;
  readonly missing: number;
  /** As seen when the day was read. */
  readonly touched: number;
}

/** Closes the days; one that was touched since it was read stays dirty and comes again. */
export async function markDaysClosed(db: Queryable, days: readonly ClosedDay[]): Promise<void> {
  await db.query(
    `WITH day AS (
       SELECT * FROM jsonb_to_recordset($1::jsonb) AS d("channelId" int, "localDate" date,
         received smallint, estimated smallint, edited smallint, missing smallint, touched int)
     ), locked AS MATERIALIZED (
       -- In one order, or an arrival and a close would wait for each other's days.
       SELECT c.channel_id, c.local_date FROM channel_day c
       JOIN day d ON c.channel_id = d."channelId" AND c.local_date = d."localDate"
       ORDER BY 1, 2 FOR UPDATE OF c
     )
     UPDATE channel_day c
     SET state = 'closed', dirty = c.touched <> d.touched, closed_at = clock_timestamp(),
         received = d.received, estimated = d.estimated, edited = d.edited, missing = d.missing
     FROM day d
     JOIN locked l ON l.channel_id = d."channelId" AND l.local_date = d."localDate"
     WHERE c.channel_id = d."channelId" AND c.local_date = d."localDate"`,
    [JSON.stringify(days)],
  );
}

/**
 * Says that days up to the latest due one are being closed, then waits until no transaction is left
 * that began before it was said (db/locks.ts). From then on every arrival for such a day marks it.
 */
export async function announceClosing(db: Database, due: DueWindow): Promise<void> {
  await db.query(
    `INSERT INTO ledger_mark (name, local_date)
     SELECT 'closed', max(local_date) FROM channel_day
     WHERE (state = 'open' OR dirty) AND channel_id >= $1 AND channel_id < $2
       AND to_at <= to_timestamp($3::float8 / 1000)
     HAVING max(local_date) IS NOT NULL
     ON CONFLICT (name) DO UPDATE
       SET local_date = greatest(ledger_mark.local_date, excluded.local_date)`,
    [due.channelFrom, due.channelTo, due.dueBeforeMs],
  );
  await db.transaction((tx) =>
    tx.query(`SELECT pg_advisory_xact_lock(${LOCKS.ledgerMark})`).then(() => {}),
  );
}

export interface IntervalState extends Row {
  readonly start_at: number;
  readonly state: string;
  readonly value: bigint | null;
  readonly quality: number | null;
  readonly flags: number | null;
  readonly batch_id: bigint | null;
}

/** State of every expected interval of a channel in [from, to) (design.md promise 4). */
export function intervalStates(
  db: Queryable,
  input: { channelId: number; fromMs: number; toMs: number; nowMs: number; deadlineMs: number },
): Promise<IntervalState[]> {
  return db.query<IntervalState>(
    `SELECT g.start_at, r.value, r.quality, r.flags, r.batch_id,
       interval_state(r.quality, d.to_at + make_interval(secs => $5::float8 / 1000),
                      to_timestamp($4::float8 / 1000), billed.number) AS state
     FROM channel_day d
     JOIN channel c ON c.id = d.channel_id
     LEFT JOIN LATERAL (
       SELECT v.number FROM installation i
       JOIN agreement a ON a.service_point_id = i.service_point_id
       JOIN invoice v ON v.agreement_id = a.id AND v.kind = 'invoice'
         AND v.period_from <= d.local_date AND v.period_to > d.local_date
       WHERE i.meter_id = c.meter_id AND i.from_at < d.to_at
         AND (i.to_at IS NULL OR i.to_at > d.from_at)
       ORDER BY v.issued_at DESC LIMIT 1
     ) AS billed ON true
     CROSS JOIN LATERAL generate_series(
       d.from_at, greatest(d.from_at, d.to_at - make_interval(secs => c.interval_s)),
       make_interval(secs => c.interval_s)) AS g(start_at)
     LEFT JOIN reading r ON r.channel_id = d.channel_id AND r.start_at = g.start_at
     WHERE d.channel_id = $1 AND g.start_at >= to_timestamp($2::float8 / 1000)
       AND g.start_at < to_timestamp($3::float8 / 1000)
     ORDER BY g.start_at`,
    [input.channelId, input.fromMs, input.toMs, input.nowMs, input.deadlineMs],
  );
}
