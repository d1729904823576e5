import { createHash } from 'node:crypto';
import { connect, createServer, type Server } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { LIMITS } from '../../domain/limits.ts';
import { stackFault } from './errors.ts';

/**
 * Runs `work` while no other process (and no other call in this one) holds the lock on `path`.
 *
 * The lock is a listening socket in Linux's abstract namespace. A lock file with a pid in it has
 * to be stolen when its owner was killed, and two thieves can steal from each other; the kernel
 * takes this one back in the moment its owner dies. Whoever waits hears the owner's connection close.
 */
export async function withLock<T>(
  path: string,
  onWait: (ownerPid: string) => void,
  work: () => Promise<T>,
): Promise<T> {
  const address = `\0meterline-${createHash('sha256').update(path).digest('hex').slice(0, 32)}`;
  const deadline = Date.now() + LIMITS.stackLockMs;
  let told = false;
  for (;;) {
    const server = await tryListen(address);
    if (server !== undefined) {
      try {
        return await work();
      } finally {
        await release(server);
      }
    }
    await ownerGone(address, deadline, (ownerPid) => {
      if (!told) onWait(ownerPid);
      told = true;
    });
    if (Date.now() > deadline) {
      throw stackFault(
        'locked',
        `another meterline process still works on ${path}; wait for it or end it, then try again`,
      );
    }
  }
}

const openSockets = new WeakMap<Server, Set<{ destroy(): void }>>();

function tryListen(address: string): Promise<Server | undefined> {
  return new Promise((resolve, reject) => {
    const sockets = new Set<{ destroy(): void }>();
    const server = createServer((socket) => {
      sockets.add(socket);
      socket.on('close', () => sockets.delete(socket)).on('error', () => undefined);
      socket.write(`${process.pid}\n`);
    });
    openSockets.set(server, sockets);
    server.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(undefined);
      else reject(error);
    });
    server.listen({ path: address }, () => resolve(server));
  });
}

function release(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    for (const socket of openSockets.get(server) ?? []) socket.destroy();
  });
}

async function ownerGone(
  address: string,
  deadline: number,
  onOwner: (pid: string) => void,
): Promise<void> {
  await new Promise<void>((resolve) => {
    const socket = connect({ path: address });
    const timer = setTimeout(() => socket.destroy(), Math.max(1, deadline - Date.now()));
    socket.setEncoding('utf8').on('data', (text: string) => onOwner(text.trim()));
    socket.on('error', () => undefined);
    socket.on('close', () => {
      clearTimeout(timer);
      resolve();
    });
  });
  await sleep(LIMITS.stackPollMs);
}
