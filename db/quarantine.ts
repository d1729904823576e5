/** Records that were not stored: quarantine (a person may repair and replay) and rejections. */
import type { ReadingBlock } from '../domain/index.ts';
import type { Queryable } from './pool.ts';

export interface RefusedRecords {
  readonly code: string;
  readonly reason: string;
  readonly message: number;
  readonly at: string;
  readonly records: number;
  readonly block?: ReadingBlock;
}

/** jsonb and text hold neither NUL nor lone surrogates, and hostile input has both. */
function storable(_key: string, value: unknown): unknown {
  return typeof value === 'string' ? value.replace(/\0|\p{Surrogate}/gu, '\ufffd') : value;
}

export async function addRefused(
  tx: Queryable,
  table: 'quarantine' | 'rejection',
  batchId: number,
  rows: readonly RefusedRecords[],
): Promise<void> {
  if (rows.length === 0) return;
  await tx.query(
    `INSERT INTO ${table} (batch_id, message, at, code, reason, records, block)
     SELECT $1, r.message, r.at, r.code, r.reason, r.records, r.block
     FROM jsonb_to_recordset($2::jsonb) AS r(message int, at text, code text, reason text,
       records int, block jsonb)`,
    [batchId, JSON.stringify(rows, storable)],
  );
}

export interface QuarantineFilter {
  readonly ids?: readonly number[];
  readonly code?: string;
  readonly meter?: string;
}

export interface QuarantineRow {
  readonly id: number;
  readonly batchId: number;
  readonly origin: string;
  readonly message: number;
  readonly at: string;
  readonly code: string;
  readonly reason: string;
  readonly records: number;
  readonly block: ReadingBlock;
}

/** The highest id so far: a replay leaves out the rows it makes itself. */
export async function lastQuarantineId(db: Queryable): Promise<number> {
  const [row] = await db.query<{ id: number | null }>(
    'SELECT max(id)::float8 AS id FROM quarantine',
  );
  return row?.id ?? 0;
}

/** Open rows with ids in (after, last] that hold a block, oldest first. */
export async function replayableRows(
  tx: Queryable,
  filter: QuarantineFilter,
  ids: { readonly after: number; readonly last: number },
  limit: number,
): Promise<QuarantineRow[]> {
  const rows = await tx.query<Record<string, unknown> & Omit<QuarantineRow, 'batchId'>>(
    `SELECT q.id::float8 AS id, q.batch_id::float8 AS batch_id, b.origin, q.message, q.at, q.code,
            q.reason, q.records, q.block
     FROM quarantine q JOIN batch b ON b.id = q.batch_id
     WHERE q.state = 'open' AND q.block IS NOT NULL AND q.id > $1 AND q.id <= $6
       AND ($2::bigint[] IS NULL OR q.id = ANY($2)) AND ($3::text IS NULL OR q.code = $3)
       AND ($4::text IS NULL OR q.block ->> 'meter' = $4)
     ORDER BY q.id LIMIT $5`,
    [ids.after, filter.ids ?? null, filter.code ?? null, filter.meter ?? null, limit, ids.last],
  );
  return rows.map(({ batch_id, ...row }) => ({ ...row, batchId: batch_id as number }));
}

export async function settleQuarantine(
  tx: Queryable,
  ids: readonly number[],
  state: 'replayed' | 'discarded',
  actor: string,
  replayBatchId: number | null,
): Promise<number> {
  const rows = await tx.query(
    `UPDATE quarantine SET state = $2, settled_at = clock_timestamp(), settled_by = $3,
            replay_batch_id = $4
     WHERE id = ANY($1::bigint[]) AND state = 'open' RETURNING 1`,
    [ids, state, actor, replayBatchId],
  );
  return rows.length;
}
