import { statfsSync } from 'node:fs';
import { LIMITS } from '../../domain/limits.ts';
import { stackFault } from './errors.ts';
import { shell, tailOf } from './shell.ts';

const PROGRAM_OF = { mmdebstrap: 'mmdebstrap', bubblewrap: 'bwrap' } as const;

/** Installs the Debian packages when their programs are missing and we may; else says how. */
export async function requireTools(
  packages: readonly (keyof typeof PROGRAM_OF)[],
  onText: (text: string) => void,
): Promise<void> {
  const missing: string[] = [];
  for (const name of packages) {
    if ((await shell(PROGRAM_OF[name], ['--version'])).code !== 0) missing.push(name);
  }
  if (missing.length === 0) return;
  const install = ['install', '-y', '--no-install-recommends', ...missing];
  if (process.getuid?.() !== 0) {
    throw stackFault('no-tools', `first run as root: apt-get ${install.join(' ')}`);
  }
  onText(`installing ${missing.join(' and ')}`);
  const options = {
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    timeoutMs: LIMITS.stackImagesMs,
  };
  if ((await shell('apt-get', install, options)).code === 0) return;
  await shell('apt-get', ['update'], options);
  const second = await shell('apt-get', install, options);
  if (second.code === 0) return;
  throw stackFault(
    'no-tools',
    `apt-get ${install.join(' ')} failed; install them by hand.\n${tailOf(second.stderr, 4)}`,
  );
}

export function requireSpace(directory: string, bytes: number): void {
  const { bavail, bsize } = statfsSync(directory);
  if (bavail * bsize >= bytes) return;
  throw stackFault(
    'disk-full',
    `${directory} has ${Math.floor((bavail * bsize) / 1e6)} MB free, ` +
      `${Math.ceil(bytes / 1e6)} MB are needed; make room, then try again`,
  );
}
