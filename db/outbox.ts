/** The transactional outbox: a message exists exactly when the change it tells of does. */
import type { Queryable, Row } from './pool.ts';

export interface OutboxMessage {
  readonly key: string;
  readonly payload: unknown;
}

export async function writeOutbox(
  tx: Queryable,
  topic: string,
  messages: readonly OutboxMessage[],
): Promise<void> {
  if (messages.length === 0) return;
  await tx.query(
    `INSERT INTO outbox (topic, key, payload)
     SELECT $1, key, payload FROM jsonb_to_recordset($2::jsonb) AS r(key text, payload jsonb)`,
    [topic, JSON.stringify(messages)],
  );
}

export interface OutboxRow extends Row {
  readonly id: bigint;
  readonly key: string;
  readonly payload: unknown;
}

/** Next messages of a topic, locked: each is worked on by one consumer at a time. */
export function takeOutbox(tx: Queryable, topic: string, limit: number): Promise<OutboxRow[]> {
  return tx.query<OutboxRow>(
    `SELECT id, key, payload FROM outbox WHERE topic = $1 AND done_at IS NULL
     ORDER BY id LIMIT $2 FOR UPDATE SKIP LOCKED`,
    [topic, limit],
  );
}

export async function markOutboxDone(tx: Queryable, ids: readonly bigint[]): Promise<void> {
  await tx.query('UPDATE outbox SET done_at = clock_timestamp() WHERE id = ANY($1)', [ids]);
}
