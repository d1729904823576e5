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

export interface OutboxMessageRow extends Row {
  readonly id: bigint;
  readonly key: string;
  readonly payload: Readonly<Record<string, unknown>>;
}

/** The next message of a topic behind `afterId`, locked: one that fails does not stop the rest. */
export async function takeOutboxAfter(
  tx: Queryable,
  topic: string,
  afterId: bigint,
): Promise<OutboxMessageRow | undefined> {
  const [row] = await tx.query<OutboxMessageRow>(
    `SELECT id, key, payload FROM outbox WHERE topic = $1 AND done_at IS NULL AND id > $2
     ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED`,
    [topic, afterId],
  );
  return row;
}

export async function markOutboxDone(tx: Queryable, ids: readonly bigint[]): Promise<void> {
  await tx.query('UPDATE outbox SET done_at = clock_timestamp() WHERE id = ANY($1)', [ids]);
}
