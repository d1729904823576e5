/** Batches: the row that makes an arrival count once, its counts, and its bytes. */
import { inflateRawSync } from 'node:zlib';
import { type Conservation, decodeEnvelopes, type Envelope } from '../domain/index.ts';
import { LOCKS } from './locks.ts';
import { type Connection, type Database, isConnectionError, type Queryable } from './pool.ts';

export interface NewBatch {
  readonly uid: string;
  readonly origin: string;
  readonly receivedMs: number;
  readonly actor: string;
  readonly messages: number;
  /** SHA-256 of the framed bytes; absent where a batch has no bytes of its own. */
  readonly rawHash?: Buffer;
  /** Raw deflate (RFC 1951): rawHash is the check. */
  readonly raw?: Buffer;
  readonly counts: Conservation;
  readonly absent: number;
}

export interface OpenedBatch {
  readonly id: number;
  /** Local date up to which days have been closed; undefined = none. */
  readonly closedDate: string | undefined;
}

export interface RecordedBatch {
  readonly id: number;
  readonly counts: Conservation;
}

const BEGIN = `BEGIN; SELECT pg_advisory_xact_lock_shared(${LOCKS.ledgerMark})`;

/** A transaction that writes readings: seen by whoever closes days (db/locks.ts). */
export function readingTransaction<T>(
  db: Database,
  work: (tx: Connection) => Promise<T>,
): Promise<T> {
  return db.connection(async (connection) => {
    try {
      await connection.query(BEGIN);
      const result = await work(connection);
      await connection.query('COMMIT');
      return result;
    } catch (error) {
      // A COPY reports a lost connection in the driver's words; the ROLLBACK says it in ours.
      if (!isConnectionError(error)) await connection.query('ROLLBACK');
      throw error;
    }
  });
}

const OPEN = `
  WITH b AS (
    INSERT INTO batch (uid, origin, received_at, actor, messages, raw_hash, offered, stored,
                       duplicate, rejected, quarantined, absent)
    VALUES ($1, $2, to_timestamp($3::float8 / 1000), $4, $5, $6, $7, $8, $9, $10, $11, $12)
    ON CONFLICT (uid) DO NOTHING
    RETURNING id
  ), r AS (
    INSERT INTO batch_raw (batch_id, raw) SELECT id, $13::bytea FROM b WHERE $13 IS NOT NULL
  )
  SELECT b.id::float8 AS id,
         (SELECT local_date::text FROM ledger_mark WHERE name = 'closed') AS closed
  FROM b`;

/**
 * Inserts the batch with its bytes. Undefined: a batch of this uid has been committed before. While
 * another transaction holds the same uid uncommitted, waits for it.
 */
export async function openBatch(tx: Connection, batch: NewBatch): Promise<OpenedBatch | undefined> {
  const { counts } = batch;
  const result = await tx.raw.query<{ id: number; closed: string | null }>({
    name: 'open-batch',
    text: OPEN,
    values: [
      batch.uid,
      batch.origin,
      batch.receivedMs,
      batch.actor,
      batch.messages,
      batch.rawHash ?? null,
      counts.offered,
      counts.stored,
      counts.duplicate,
      counts.rejected,
      counts.quarantined,
      batch.absent,
      batch.raw ?? null,
    ],
  });
  const row = result.rows[0];
  return row === undefined ? undefined : { id: row.id, closedDate: row.closed ?? undefined };
}

export async function setBatchCounts(
  tx: Queryable,
  id: number,
  counts: Conservation,
): Promise<void> {
  await tx.query(
    `UPDATE batch SET offered = $2, stored = $3, duplicate = $4, rejected = $5, quarantined = $6
     WHERE id = $1`,
    [id, counts.offered, counts.stored, counts.duplicate, counts.rejected, counts.quarantined],
  );
}

export async function recordedBatch(
  db: Queryable,
  uid: string,
): Promise<RecordedBatch | undefined> {
  const [row] = await db.query<{ id: bigint } & { [K in keyof Conservation]: number }>(
    `SELECT id, offered, stored, duplicate, rejected, quarantined FROM batch WHERE uid = $1`,
    [uid],
  );
  if (row === undefined) return undefined;
  const { id, ...counts } = row;
  return { id: Number(id), counts };
}

/** Of these, the ones that are committed. The journal may forget them. */
export async function committedUids(
  db: Queryable,
  uids: readonly string[],
): Promise<ReadonlySet<string>> {
  const rows = await db.query<{ uid: string }>(
    'SELECT uid::text AS uid FROM batch WHERE uid = ANY($1::uuid[])',
    [uids],
  );
  return new Set(rows.map((row) => row.uid));
}

/** Origins of batches by id. */
export async function batchOrigins(
  db: Queryable,
  ids: readonly number[],
): Promise<ReadonlyMap<number, string>> {
  const rows = await db.query<{ id: number; origin: string }>(
    'SELECT id::float8 AS id, origin FROM batch WHERE id = ANY($1::bigint[])',
    [ids],
  );
  return new Map(rows.map((row) => [row.id, row.origin]));
}

/**
 * The messages a batch was made of. A replayed batch has none of its own: then those of the batches
 * it was replayed from. Empty when the bytes have aged out.
 */
export async function rawOf(db: Queryable, batchId: number): Promise<Envelope[]> {
  const rows = await db.query<{ raw: Buffer }>(
    `WITH RECURSIVE origin(id) AS (
       SELECT $1::bigint
       UNION
       SELECT q.batch_id FROM origin o JOIN quarantine q ON q.replay_batch_id = o.id
     )
     SELECT r.raw FROM batch_raw r JOIN origin o ON o.id = r.batch_id ORDER BY r.batch_id`,
    [batchId],
  );
  return rows.flatMap(({ raw }) => decodeEnvelopes(inflateRawSync(raw)));
}
