/** A file system small enough to fill up: a tmpfs where we may mount one, else a file-size limit. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, statfsSync } from 'node:fs';
import { join } from 'node:path';

export interface SmallDisk {
  /** For the journal. */
  readonly directory: string;
  /** What the process that writes there must run under. */
  readonly under: readonly string[];
  /** Leaves room for a few records at most; false gives the room back. */
  fill(full: boolean, pid: number | undefined): void;
  remove(): void;
}

const ROOM = '1g';
const LIMITED_BYTES = 20_000;

export function smallDisk(path: string): SmallDisk {
  mkdirSync(path, { recursive: true });
  const mount = ['-t', 'tmpfs', '-o', `size=${ROOM}`, 'none', path];
  return spawnSync('mount', mount).status === 0 ? tmpfs(path) : limited(path);
}

/** Made as small as what is in it: nothing has to be written to fill it. */
function tmpfs(path: string): SmallDisk {
  const resize = (size: string) => execFileSync('mount', ['-o', `remount,size=${size}`, path]);
  return {
    directory: join(path, 'journal'),
    under: [],
    fill(full) {
      const { blocks, bfree, bsize } = statfsSync(path);
      resize(full ? String((blocks - bfree + 1) * bsize) : ROOM);
    },
    remove: () => execFileSync('umount', ['--lazy', path]),
  };
}

/** Without the right to mount: no file may grow beyond what it is. */
function limited(path: string): SmallDisk {
  const limit = (value: string) => `--fsize=${value}:unlimited`;
  return {
    directory: join(path, 'journal'),
    under: ['prlimit', limit('unlimited')],
    fill(full, pid) {
      if (pid === undefined) return;
      const value = full ? String(LIMITED_BYTES) : 'unlimited';
      execFileSync('prlimit', ['--pid', String(pid), limit(value)]);
    },
    remove: () => undefined,
  };
}
