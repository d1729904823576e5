/** A file system small enough to fill up: a tmpfs where we may mount one, else a file-size limit. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
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

const TMPFS_MIB = 64;
const LIMITED_BYTES = 20_000;

export function smallDisk(path: string): SmallDisk {
  mkdirSync(path, { recursive: true });
  const size = `size=${TMPFS_MIB}m`;
  const isMounted = spawnSync('mount', ['-t', 'tmpfs', '-o', size, 'none', path]).status === 0;
  return isMounted ? tmpfs(path) : limited(path);
}

function tmpfs(path: string): SmallDisk {
  const filler = join(path, 'filler');
  return {
    directory: join(path, 'journal'),
    under: [],
    fill(full) {
      rmSync(filler, { force: true });
      if (!full) return;
      const { bavail, bsize } = statfsSync(path);
      writeFileSync(filler, Buffer.alloc((bavail - 1) * bsize));
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
