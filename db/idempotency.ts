/** Idempotency keys of callers: same key, same body, same answer; another body is refused. */
import type { Queryable } from './pool.ts';

export type KeyVerdict = 'new' | 'same' | 'conflict';

/** `same` only after finishKey: a key begun by a crashed request may be used again as it was. */
export async function beginKey(
  db: Queryable,
  principal: string,
  key: string,
  route: string,
  bodyHash: string,
): Promise<KeyVerdict> {
  await db.query(
    `INSERT INTO idempotency (principal, key, route, body_hash) VALUES ($1, $2, $3, decode($4, 'hex'))
     ON CONFLICT (principal, key) DO NOTHING`,
    [principal, key, route, bodyHash],
  );
  const [row] = await db.query<{ same: boolean; status: number | null }>(
    `SELECT body_hash = decode($3, 'hex') AS same, status FROM idempotency
     WHERE principal = $1 AND key = $2`,
    [principal, key, bodyHash],
  );
  if (row?.same !== true) return 'conflict';
  return row.status === null ? 'new' : 'same';
}

export async function finishKey(
  db: Queryable,
  principal: string,
  key: string,
  status: number,
): Promise<void> {
  await db.query('UPDATE idempotency SET status = $3 WHERE principal = $1 AND key = $2', [
    principal,
    key,
    status,
  ]);
}

/** Keys older than this are forgotten; returns how many. */
export async function forgetKeys(db: Queryable, keepMs: number): Promise<number> {
  const rows = await db.query(
    `DELETE FROM idempotency WHERE created_at < now() - make_interval(secs => $1::float8 / 1000)
     RETURNING 1`,
    [keepMs],
  );
  return rows.length;
}
