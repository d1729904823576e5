/** Whether a CONNECT is let in: the rules first, then the secret, within a bounded time. */
import { type Clock, Fault, LIMITS, type MeterDirectory } from '../../domain/index.ts';
import { CONNACK, type ConnectLike, refuseConnect } from './access.ts';

export interface Refused {
  /** CONNACK return code. */
  readonly code: number;
  readonly reason: string;
}

/** Undefined = welcome. Never rejects: a directory that fails means "come back later". */
export async function turnAway(
  connect: ConnectLike,
  directory: Pick<MeterDirectory, 'authenticate'>,
  clock: Clock,
): Promise<Refused | undefined> {
  const refused = refuseConnect(connect);
  if (refused !== undefined) return refused;
  const { username, password } = connect as Required<ConnectLike>;
  try {
    const known = await inTime(
      directory.authenticate(username as string, password as Buffer),
      clock,
    );
    return known ? undefined : { code: CONNACK.badCredential, reason: 'wrong credential' };
  } catch {
    return { code: CONNACK.serverUnavailable, reason: 'the meter directory does not answer' };
  }
}

/** A directory that does not answer must not hold half-open connections. */
async function inTime<T>(answer: Promise<T>, clock: Clock): Promise<T> {
  const done = new AbortController();
  const late = clock
    .sleep(LIMITS.mqttConnectTimeoutMs, done.signal)
    .then(() => Promise.reject(new Fault('DATABASE_DOWN', { detail: 'no answer in time' })));
  late.catch(() => undefined);
  try {
    return await Promise.race([answer, late]);
  } finally {
    done.abort();
  }
}
