import { connect } from 'node:net';
import { Redis } from 'ioredis';
import { LIMITS } from '../../domain/limits.ts';

export type Answer = { readonly ready: true } | { readonly ready: false; readonly why: string };

/** SQLSTATE cannot_connect_now: the server starts, recovers or shuts down. */
const CANNOT_CONNECT_NOW = '57P03';

/**
 * Asks a PostgreSQL server whether it takes connections, without a client library: sends the
 * StartupMessage (protocol 3.0) and reads the first answer. An authentication request means ready.
 */
export function postgresAnswers(databaseUrl: string): Promise<Answer> {
  const url = new URL(databaseUrl);
  const host = decodeURIComponent(url.hostname).replace(/^\[|\]$/g, '') || 'localhost';
  const user = decodeURIComponent(url.username) || 'postgres';
  const database = decodeURIComponent(url.pathname.slice(1)) || user;
  return new Promise((resolve) => {
    const socket = connect({ host, port: Number(url.port || 5432) });
    let received = Buffer.alloc(0);
    const finish = (answer: Answer) => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(LIMITS.stackProbeMs, () => {
      finish({ ready: false, why: `no answer in ${LIMITS.stackProbeMs} ms` });
    });
    socket.on('error', (error) => finish({ ready: false, why: error.message }));
    socket.on('close', () => finish({ ready: false, why: 'closed the connection' }));
    socket.on('connect', () => socket.write(startupMessage(user, database)));
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk]);
      const answer = readFirstMessage(received);
      if (answer !== undefined) finish(answer);
    });
  });
}

function startupMessage(user: string, database: string): Buffer {
  const parameters = Buffer.from(`user\0${user}\0database\0${database}\0\0`, 'utf8');
  const head = Buffer.alloc(8);
  head.writeInt32BE(parameters.length + 8, 0);
  head.writeInt32BE(3 << 16, 4);
  return Buffer.concat([head, parameters]);
}

function readFirstMessage(received: Buffer): Answer | undefined {
  const kind = String.fromCharCode(received[0] ?? 0);
  if (kind === 'R') return { ready: true };
  if (kind !== 'E') return { ready: false, why: 'what answers there is no PostgreSQL server' };
  if (received.length < 5 || received.length < 1 + received.readInt32BE(1)) return undefined;
  const fields = received.subarray(5).toString('utf8').split('\0');
  const state = fields.find((field) => field.startsWith('C'))?.slice(1) ?? '';
  const text = fields.find((field) => field.startsWith('M'))?.slice(1) ?? 'unknown error';
  // Class 28 (e.g. "SSL required") comes from a server that is up and wants another greeting.
  if (state !== CANNOT_CONNECT_NOW && state.startsWith('28')) return { ready: true };
  return { ready: false, why: `${text} (SQLSTATE ${state})` };
}

/** PING with the credentials of the URL; a server that still loads its file is not ready. */
export async function redisAnswers(redisUrl: string): Promise<Answer> {
  const client = new Redis(redisUrl, {
    lazyConnect: true,
    enableReadyCheck: false,
    connectTimeout: LIMITS.stackProbeMs,
    commandTimeout: LIMITS.stackProbeMs,
    maxRetriesPerRequest: 0,
    retryStrategy: () => null,
  });
  let lastError = '';
  client.on('error', (error: Error) => {
    lastError = error.message;
  });
  try {
    await client.connect();
    await client.ping();
    return { ready: true };
  } catch (error) {
    return { ready: false, why: lastError || (error as Error).message };
  } finally {
    client.disconnect();
  }
}
