/** Bill runs: what is to be billed, in shards that can be taken up again after any crash. */
import type { Queryable, Row } from './pool.ts';

export interface BillRun extends Row {
  readonly id: string;
  readonly mode: 'preview' | 'issue';
  readonly period_from: string;
  readonly period_to: string;
  readonly state: 'running' | 'done';
  readonly created_by: string;
}

export interface NewBillRun {
  readonly id: string;
  readonly mode: 'preview' | 'issue';
  readonly from: string;
  readonly to: string;
  readonly branch: string | null;
  readonly actor: string;
  readonly idempotencyKey: string;
  readonly agreementIds: readonly number[];
  readonly shardSize: number;
}

/** Lays the run out; with a key used before, the earlier run comes back and nothing is made. */
export async function createBillRun(
  tx: Queryable,
  input: NewBillRun,
): Promise<{ run: BillRun; created: boolean }> {
  const [made] = await tx.query<{ id: string }>(
    `INSERT INTO bill_run (id, mode, period_from, period_to, branch, state, created_by,
                           idempotency_key)
     VALUES ($1, $2, $3, $4, $5, 'running', $6, $7)
     ON CONFLICT (idempotency_key) DO NOTHING RETURNING id`,
    [input.id, input.mode, input.from, input.to, input.branch, input.actor, input.idempotencyKey],
  );
  if (made !== undefined) {
    await tx.query(
      `INSERT INTO bill_run_item (run_id, agreement_id, shard)
       SELECT $1, id, (n - 1) / $3::int FROM unnest($2::int[]) WITH ORDINALITY AS a(id, n)`,
      [input.id, input.agreementIds, input.shardSize],
    );
  }
  const [run] = await tx.query<BillRun>(
    `SELECT id, mode, period_from, period_to, state, created_by FROM bill_run
     WHERE idempotency_key = $1`,
    [input.idempotencyKey],
  );
  return { run: run as BillRun, created: made !== undefined };
}

export async function billRun(db: Queryable, id: string): Promise<BillRun | undefined> {
  const [row] = await db.query<BillRun>(
    'SELECT id, mode, period_from, period_to, state, created_by FROM bill_run WHERE id = $1',
    [id],
  );
  return row;
}

/** Shards with open items, of one run or of all running ones. */
export function openShards(
  db: Queryable,
  runId?: string,
): Promise<{ run_id: string; shard: number }[]> {
  return db.query(
    `SELECT DISTINCT i.run_id, i.shard FROM bill_run_item i JOIN bill_run r ON r.id = i.run_id
     WHERE i.state = 'open' AND r.state = 'running' AND ($1::uuid IS NULL OR r.id = $1)
     ORDER BY 1, 2 LIMIT 10000`,
    [runId ?? null],
  );
}

/** Open agreements of a shard, locked: a second worker on the same shard finds none. */
export async function lockShard(tx: Queryable, runId: string, shard: number): Promise<number[]> {
  const rows = await tx.query<{ agreement_id: number }>(
    `SELECT agreement_id FROM bill_run_item
     WHERE run_id = $1 AND shard = $2 AND state = 'open'
     ORDER BY agreement_id FOR UPDATE SKIP LOCKED`,
    [runId, shard],
  );
  return rows.map((r) => r.agreement_id);
}

export interface ItemResult {
  readonly agreementId: number;
  readonly state: 'previewed' | 'issued' | 'held';
  readonly invoiceNumber?: string;
  readonly total?: string;
  readonly inputHash?: string;
  readonly reason?: string;
}

export async function settleItems(
  tx: Queryable,
  runId: string,
  results: readonly ItemResult[],
): Promise<void> {
  await tx.query(
    `UPDATE bill_run_item i
     SET state = r.state, invoice_number = r."invoiceNumber", total = r.total,
         input_hash = r."inputHash", reason = r.reason
     FROM jsonb_to_recordset($2::jsonb) AS r("agreementId" int, state text, "invoiceNumber" text,
       total numeric, "inputHash" text, reason text)
     WHERE i.run_id = $1 AND i.agreement_id = r."agreementId"`,
    [runId, JSON.stringify(results)],
  );
}

/** Marks the run done when nothing is open any more; true when it is. */
export async function finishRun(db: Queryable, runId: string): Promise<boolean> {
  await db.query(
    `UPDATE bill_run SET state = 'done', finished_at = clock_timestamp()
     WHERE id = $1 AND state = 'running'
       AND NOT EXISTS (SELECT FROM bill_run_item WHERE run_id = $1 AND state = 'open')`,
    [runId],
  );
  const run = await billRun(db, runId);
  return run?.state === 'done';
}

export interface RunItem extends Row {
  readonly agreement_id: number;
  readonly account_number: string;
  readonly state: string;
  readonly invoice_number: string | null;
  readonly total: string | null;
  readonly input_hash: string | null;
  readonly reason: string | null;
}

export function runItems(
  db: Queryable,
  runId: string,
  afterAgreement: number,
  limit: number,
): Promise<RunItem[]> {
  return db.query<RunItem>(
    `SELECT i.agreement_id, a.number AS account_number, i.state, i.invoice_number, i.total,
       i.input_hash, i.reason
     FROM bill_run_item i JOIN agreement g ON g.id = i.agreement_id
     JOIN account a ON a.id = g.account_id
     WHERE i.run_id = $1 AND i.agreement_id > $2 ORDER BY i.agreement_id LIMIT $3`,
    [runId, afterAgreement, limit],
  );
}

export interface RunSummary extends Row {
  readonly state: string;
  readonly items: bigint;
  readonly total: string | null;
}

export function runSummary(db: Queryable, runId: string): Promise<RunSummary[]> {
  return db.query<RunSummary>(
    `SELECT state, count(*) AS items, sum(total) AS total FROM bill_run_item
     WHERE run_id = $1 GROUP BY state ORDER BY state`,
    [runId],
  );
}
