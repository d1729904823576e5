/** The bare limits that live in the database. */
import { copyBinary, READING_COLUMNS } from '../db/copy.ts';
import type { Database } from '../db/pool.ts';

/** A hypertable like `reading`, with its unique index and nothing in it. */
export async function bareHypertable(db: Database, name: string): Promise<void> {
  await db.query(`CREATE TABLE ${name} (LIKE reading INCLUDING DEFAULTS)`);
  await db.query(
    `SELECT create_hypertable('${name}', by_range('start_at', INTERVAL '7 days'),
                              create_default_indexes => false)`,
  );
  await db.query(`CREATE UNIQUE INDEX ${name}_key ON ${name} (channel_id, start_at)`);
}

/** Binary COPYs made before, one after the other on one connection; milliseconds. */
export function bareCopy(db: Database, table: string, copies: readonly Buffer[]): Promise<number> {
  return db.connection(async (connection) => {
    const started = performance.now();
    for (const bytes of copies) await copyBinary(connection, `${table} ${READING_COLUMNS}`, bytes);
    return performance.now() - started;
  });
}
