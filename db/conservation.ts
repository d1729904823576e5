/** Where every offered record ended, over all batches (promise 2). */
import type { Conservation } from '../domain/index.ts';
import type { Queryable, Row } from './pool.ts';

export interface OriginTotals extends Row {
  readonly origin: string;
  readonly batches: bigint;
  readonly messages: bigint;
  readonly offered: bigint;
  readonly stored: bigint;
  readonly duplicate: bigint;
  readonly rejected: bigint;
  readonly quarantined: bigint;
  readonly absent: bigint;
}

const SUMS = `count(*) AS batches, coalesce(sum(messages), 0)::bigint AS messages,
  coalesce(sum(offered), 0)::bigint AS offered, coalesce(sum(stored), 0)::bigint AS stored,
  coalesce(sum(duplicate), 0)::bigint AS duplicate,
  coalesce(sum(rejected), 0)::bigint AS rejected,
  coalesce(sum(quarantined), 0)::bigint AS quarantined,
  coalesce(sum(absent), 0)::bigint AS absent`;

export async function batchTotals(db: Queryable): Promise<Conservation> {
  const [row] = await db.query<OriginTotals>(`SELECT '' AS origin, ${SUMS} FROM batch`);
  const number = (name: keyof Conservation) => Number(row?.[name] ?? 0n);
  return {
    offered: number('offered'),
    stored: number('stored'),
    duplicate: number('duplicate'),
    rejected: number('rejected'),
    quarantined: number('quarantined'),
  };
}

/** By origin: 'mqtt', 'http:KEY', 'file:NAME', 'vee'. */
export function totalsByOrigin(db: Queryable): Promise<OriginTotals[]> {
  return db.query<OriginTotals>(
    `SELECT origin, ${SUMS} FROM batch GROUP BY origin ORDER BY origin`,
  );
}

/** Rows that stand in the tables against rows that batches say they stored: must be equal. */
export async function storedRows(db: Queryable): Promise<{ rows: bigint; claimed: bigint }> {
  const [row] = await db.query<{ rows: bigint; claimed: bigint }>(
    `SELECT (SELECT count(*) FROM reading) + (SELECT count(*) FROM reading_history)
              + (SELECT count(*) FROM register_read) AS rows,
            (SELECT coalesce(sum(stored), 0)::bigint FROM batch) AS claimed`,
  );
  return row ?? { rows: 0n, claimed: 0n };
}

/** Open quarantine by reason. */
export function quarantineByCode(db: Queryable) {
  return db.query<{ code: string; records: bigint; rows: bigint; example: string }>(
    `SELECT code, sum(records)::bigint AS records, count(*) AS rows, min(reason) AS example
     FROM quarantine WHERE state = 'open' GROUP BY code ORDER BY 2 DESC`,
  );
}
