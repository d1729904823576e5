/**
 * The connection pool and transactions. bigint columns come back as bigint, numeric as string,
 * timestamptz as epoch milliseconds, date as 'YYYY-MM-DD': nothing passes through a lossy number.
 */
import pg from 'pg';
import { describeError, Fault, LIMITS } from '../domain/index.ts';

const OID = { int8: 20, date: 1082, timestamptz: 1184, numeric: 1700 } as const;

const types = {
  getTypeParser(oid: number, format?: 'text' | 'binary') {
    if (format === 'binary') return pg.types.getTypeParser(oid, 'binary');
    if (oid === OID.int8) return (text: string) => BigInt(text);
    if (oid === OID.timestamptz) return timestampMs;
    if (oid === OID.date || oid === OID.numeric) return (text: string) => text;
    return pg.types.getTypeParser(oid, 'text');
  },
} as unknown as pg.CustomTypesConfig;

/** '2026-10-01 00:00:00.123456+00' -> epoch ms; sessions run in UTC. */
function timestampMs(text: string): number {
  return Date.parse(`${text.slice(0, 10)}T${text.slice(11).replace(/\+00$/, 'Z')}`);
}

export type Row = Record<string, unknown>;

/** Something queries can be sent to: a pool, or a connection inside a transaction. */
export interface Queryable {
  query<R extends Row>(text: string, values?: readonly unknown[]): Promise<R[]>;
}

export interface Connection extends Queryable {
  /** The driver's client, for COPY. */
  readonly raw: pg.PoolClient;
}

export interface Database extends Queryable {
  /** Runs `work` in one transaction; any throw rolls back. */
  transaction<T>(work: (tx: Connection) => Promise<T>): Promise<T>;
  /** One connection without a transaction, for advisory locks and LISTEN. */
  connection<T>(work: (connection: Connection) => Promise<T>): Promise<T>;
  ping(): Promise<void>;
  close(): Promise<void>;
}

export interface DatabaseOptions {
  readonly url: string;
  readonly applicationName: string;
  readonly connectionsMax?: number;
  /** Errors of idle connections; they are replaced by the pool. */
  readonly onIdleError?: (error: Error) => void;
}

export function openDatabase(options: DatabaseOptions): Database {
  const pool = new pg.Pool({
    connectionString: options.url,
    application_name: options.applicationName,
    max: options.connectionsMax ?? LIMITS.poolConnectionsMax,
    connectionTimeoutMillis: 5_000,
    idleTimeoutMillis: 30_000,
    types,
    options: `-c timezone=UTC -c lock_timeout=${LIMITS.lockTimeoutMs} -c statement_timeout=${LIMITS.statementTimeoutMs} -c idle_in_transaction_session_timeout=30000`,
  });
  pool.on('error', (error) => options.onIdleError?.(error));
  return {
    query: (text, values) => run(pool, text, values),
    transaction: (work) => withTransaction(pool, work),
    connection: (work) => withConnection(pool, work),
    async ping() {
      await run(pool, 'SELECT 1');
    },
    close: () => pool.end(),
  };
}

async function run<R extends Row>(
  target: pg.Pool | pg.PoolClient,
  text: string,
  values?: readonly unknown[],
): Promise<R[]> {
  try {
    const result = await target.query(text, values as unknown[] | undefined);
    return result.rows as R[];
  } catch (error) {
    throw translate(error);
  }
}

async function withConnection<T>(
  pool: pg.Pool,
  work: (connection: Connection) => Promise<T>,
): Promise<T> {
  let client: pg.PoolClient;
  try {
    client = await pool.connect();
  } catch (error) {
    throw translate(error);
  }
  // A connection that breaks while checked out emits 'error'; the pending query rejects anyway.
  const ignore = () => {};
  client.on('error', ignore);
  let broken = false;
  try {
    return await work({ raw: client, query: (text, values) => run(client, text, values) });
  } catch (error) {
    broken = isConnectionError(error);
    throw error;
  } finally {
    client.off('error', ignore);
    client.release(broken);
  }
}

function withTransaction<T>(pool: pg.Pool, work: (tx: Connection) => Promise<T>): Promise<T> {
  return withConnection(pool, async (connection) => {
    await connection.query('BEGIN');
    try {
      const result = await work(connection);
      await connection.query('COMMIT');
      return result;
    } catch (error) {
      if (!isConnectionError(error)) await connection.query('ROLLBACK').catch(() => {});
      throw error;
    }
  });
}

/** SQLSTATE classes 08 (connection), 57P (shutdown, crash) and socket errors: try again later. */
function translate(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const code = (error as { code?: string }).code ?? '';
  const lost =
    /^(08|57P)/.test(code) ||
    /^(ECONN|EPIPE|ETIMEDOUT|ENOTFOUND|EHOST)/.test(code) ||
    /Connection terminated|timeout exceeded when trying to connect|not queryable/.test(
      error.message,
    );
  return lost ? new Fault('DATABASE_DOWN', { detail: describeError(error) }, error) : error;
}

export function isConnectionError(error: unknown): boolean {
  return error instanceof Fault && error.code === 'DATABASE_DOWN';
}

/** SQLSTATE of a database error, e.g. '23505'; undefined for anything else. */
export function sqlState(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) ? code : undefined;
}

export const UNIQUE_VIOLATION = '23505';
export const SERIALIZATION_FAILURES: readonly string[] = ['40001', '40P01', '55P03'];
