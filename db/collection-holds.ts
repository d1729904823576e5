/** Reasons not to collect, while they last. A hold is released, never deleted. */
import { formatInstant } from '../domain/index.ts';
import type { Queryable, Row } from './pool.ts';

export interface HoldRow extends Row {
  readonly id: bigint;
  readonly account_id: number;
  readonly kind: string;
  readonly from_at: number;
  readonly to_at: number | null;
  readonly reason: string;
  readonly created_at: number;
  readonly created_by: string;
  readonly released_at: number | null;
  readonly released_by: string | null;
}

const HOLD = `id, account_id, kind, from_at, to_at, reason, created_at, created_by, released_at,
  released_by`;

export async function insertHold(
  tx: Queryable,
  hold: {
    readonly accountId: number;
    readonly kind: string;
    readonly fromMs: number;
    readonly toMs: number | null;
    readonly reason: string;
    readonly actor: string;
    readonly atMs: number;
    readonly idempotencyKey: string;
  },
): Promise<{ hold: HoldRow; created: boolean }> {
  const [row] = await tx.query<HoldRow>(
    `INSERT INTO collection_hold (account_id, kind, from_at, to_at, reason, created_at, created_by,
                                  idempotency_key)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (idempotency_key) DO NOTHING
     RETURNING ${HOLD}`,
    [
      hold.accountId,
      hold.kind,
      formatInstant(hold.fromMs),
      hold.toMs === null ? null : formatInstant(hold.toMs),
      hold.reason,
      formatInstant(hold.atMs),
      hold.actor,
      hold.idempotencyKey,
    ],
  );
  if (row !== undefined) return { hold: row, created: true };
  const [before] = await tx.query<HoldRow>(
    `SELECT ${HOLD} FROM collection_hold WHERE idempotency_key = $1`,
    [hold.idempotencyKey],
  );
  return { hold: before as HoldRow, created: false };
}

export async function holdById(db: Queryable, id: bigint): Promise<HoldRow | undefined> {
  const [row] = await db.query<HoldRow>(`SELECT ${HOLD} FROM collection_hold WHERE id = $1`, [id]);
  return row;
}

export function holdsOf(db: Queryable, accountId: number): Promise<HoldRow[]> {
  return db.query<HoldRow>(
    `SELECT ${HOLD} FROM collection_hold WHERE account_id = $1 ORDER BY from_at, id`,
    [accountId],
  );
}

/** False when it was released before. */
export async function releaseHoldRow(
  tx: Queryable,
  id: bigint,
  actor: string,
  atMs: number,
): Promise<boolean> {
  const rows = await tx.query(
    `UPDATE collection_hold SET released_at = $2, released_by = $3
     WHERE id = $1 AND released_at IS NULL RETURNING id`,
    [id, formatInstant(atMs), actor],
  );
  return rows.length > 0;
}
