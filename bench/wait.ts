/** Waiting for the database to have it all: the only clock that counts is after COMMIT. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Database } from '../db/pool.ts';

const POLL_MS = 10;

/** Readings of committed batches; a small table, so that asking costs the measured side nothing. */
export async function storedReadings(db: Database): Promise<number> {
  const [row] = await db.query<{ stored: bigint }>(
    'SELECT coalesce(sum(stored), 0)::bigint AS stored FROM batch',
  );
  return Number(row?.stored ?? 0n);
}

/** Milliseconds (performance.now) at which `count` readings were seen committed. */
export async function untilStored(db: Database, count: number, timeoutMs: number): Promise<number> {
  const endMs = performance.now() + timeoutMs;
  for (;;) {
    const stored = await storedReadings(db);
    if (stored >= count) return performance.now();
    if (performance.now() > endMs) throw new Error(`${stored} of ${count} stored in time`);
    await sleep(POLL_MS);
  }
}

/** The batches say so; this asks the rows. */
export async function checkRows(db: Database, table: string, count: number): Promise<void> {
  const [row] = await db.query<{ rows: bigint }>(`SELECT count(*) AS rows FROM ${table}`);
  if (row?.rows !== BigInt(count)) throw new Error(`${table}: ${row?.rows} rows, not ${count}`);
}
