import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';
import { LIMITS } from '../../domain/limits.ts';
import { stackFault } from './errors.ts';

export function portIsFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.on('error', () => resolve(false));
    server.listen({ host: '127.0.0.1', port, exclusive: true }, () => {
      server.close(() => resolve(true));
    });
  });
}

/** A free loopback port outside `taken`, drawn at random so that two instances seldom collide. */
export async function freePort(taken: readonly number[] = []): Promise<number> {
  const { stackPortMin: lowest, stackPortMax: highest, stackPortTriesMax: triesMax } = LIMITS;
  for (let attempt = 0; attempt < triesMax; attempt += 1) {
    const port = randomInt(lowest, highest + 1);
    if (!taken.includes(port) && (await portIsFree(port))) return port;
  }
  throw stackFault(
    'no-port',
    `no free port on 127.0.0.1 between ${lowest} and ${highest} in ${triesMax} tries; ` +
      'stop what listens there (ss -ltn shows it), then try again',
  );
}
