/** What validation and estimation found and did, beside the data. */
import type { Queryable, Row } from './pool.ts';

export interface DayExceptions {
  readonly channelId: number;
  readonly fromMs: number;
  readonly toMs: number;
  readonly exceptions: readonly {
    readonly rule: string;
    readonly ruleVersion: number;
    readonly severity: string;
    readonly fromMs: number;
    readonly toMs: number;
    readonly detail: unknown;
  }[];
}

/**
 * The exceptions of these days are now exactly those given: one that is raised again keeps its row,
 * one that is not any more is resolved.
 */
export async function replaceDayExceptions(
  tx: Queryable,
  days: readonly DayExceptions[],
): Promise<void> {
  const raised = days.flatMap((day) =>
    day.exceptions.map((e) => ({ channelId: day.channelId, ...e })),
  );
  await tx.query(
    `UPDATE vee_exception e SET resolved_at = clock_timestamp()
     FROM unnest($1::int[], $2::float8[], $3::float8[]) AS d(channel_id, f, t)
     WHERE e.channel_id = d.channel_id AND e.batch_id IS NULL AND e.resolved_at IS NULL
       AND e.from_at >= to_timestamp(d.f / 1000) AND e.from_at < to_timestamp(d.t / 1000)`,
    [days.map((d) => d.channelId), days.map((d) => d.fromMs), days.map((d) => d.toMs)],
  );
  if (raised.length === 0) return;
  await tx.query(
    `INSERT INTO vee_exception (channel_id, from_at, to_at, rule, rule_version, severity, detail)
     SELECT "channelId", to_timestamp("fromMs" / 1000), to_timestamp("toMs" / 1000), rule,
            "ruleVersion", severity, detail
     FROM jsonb_to_recordset($1::jsonb) AS r("channelId" int, "fromMs" float8, "toMs" float8,
       rule text, "ruleVersion" int, severity text, detail jsonb)
     ON CONFLICT (channel_id, from_at, to_at, rule, batch_id)
       DO UPDATE SET resolved_at = NULL, detail = excluded.detail,
                     rule_version = excluded.rule_version`,
    [JSON.stringify(raised)],
  );
}

export interface EstimationRecord {
  readonly channelId: number;
  readonly fromMs: number;
  readonly toMs: number;
  readonly method: string;
  readonly methodVersion: number;
  readonly basis: unknown;
}

export async function insertEstimations(
  tx: Queryable,
  batchId: number,
  estimations: readonly EstimationRecord[],
): Promise<void> {
  await tx.query(
    `INSERT INTO estimation (batch_id, channel_id, from_at, to_at, method, method_version, basis)
     SELECT $1, "channelId", to_timestamp("fromMs" / 1000), to_timestamp("toMs" / 1000), method,
            "methodVersion", basis
     FROM jsonb_to_recordset($2::jsonb) AS r("channelId" int, "fromMs" float8, "toMs" float8,
       method text, "methodVersion" int, basis jsonb)`,
    [batchId, JSON.stringify(estimations)],
  );
}

/** Estimations that gave a channel's values in [from, to), oldest first. */
export function estimationsOf(db: Queryable, channelId: number, fromMs: number, toMs: number) {
  return db.query<{
    batch_id: bigint;
    from_at: number;
    to_at: number;
    method: string;
    method_version: number;
    basis: Record<string, unknown>;
  }>(
    `SELECT batch_id, from_at, to_at, method, method_version, basis FROM estimation
     WHERE channel_id = $1 AND from_at < to_timestamp($3::float8 / 1000)
       AND to_at > to_timestamp($2::float8 / 1000)
     ORDER BY id`,
    [channelId, fromMs, toMs],
  );
}

/** Open exceptions by rule. */
export function openExceptions(db: Queryable) {
  return db.query<{ rule: string; severity: string; exceptions: bigint }>(
    `SELECT rule, severity, count(*) AS exceptions FROM vee_exception
     WHERE resolved_at IS NULL GROUP BY 1, 2 ORDER BY 3 DESC`,
  );
}

/** Estimations by method, and how many of their intervals still stand. */
export function estimationTotals(db: Queryable) {
  return db.query<{ method: string; method_version: number; gaps: bigint; intervals: bigint }>(
    `SELECT e.method, e.method_version, count(*) AS gaps, coalesce(sum(r.n), 0)::bigint AS intervals
     FROM estimation e
     LEFT JOIN LATERAL (
       SELECT count(*) AS n FROM reading r WHERE r.channel_id = e.channel_id
         AND r.batch_id = e.batch_id AND r.start_at >= e.from_at AND r.start_at < e.to_at
     ) r ON true
     GROUP BY 1, 2 ORDER BY 1, 2`,
  );
}

export interface RegisterFigures extends Row {
  readonly reads: bigint;
  /** Reads that came after a turn of the register, judged plausible. */
  readonly rollovers: bigint;
  /** Closed channel-days with a read exactly at both ends and nothing estimated. */
  readonly checked_days: bigint;
  readonly sum_check_failures: bigint;
}

/** How registers and intervals agree (vee.md 1.4, 4.5). @param rolloverBit the flag of domain/quality */
export async function registerFigures(
  db: Queryable,
  rolloverBit: number,
): Promise<RegisterFigures | undefined> {
  const [row] = await db.query<RegisterFigures>(
    `SELECT count(*) AS reads, count(*) FILTER (WHERE flags & $1::int <> 0) AS rollovers,
       (SELECT count(*) FROM channel_day d
        JOIN channel c ON c.id = d.channel_id
        JOIN channel g ON g.meter_id = c.meter_id AND g.code = c.code AND g.kind = 'register'
        JOIN register_read a ON a.channel_id = g.id AND a.at = d.from_at
        JOIN register_read b ON b.channel_id = g.id AND b.at = d.to_at
        WHERE d.state = 'closed' AND d.received = d.expected) AS checked_days,
       (SELECT count(*) FROM vee_exception
        WHERE rule = 'SUM_CHECK' AND resolved_at IS NULL) AS sum_check_failures
     FROM register_read`,
    [rolloverBit],
  );
  return row;
}
