import { rmSync } from 'node:fs';
import { LIMITS } from '../../domain/limits.ts';
import { stackFault } from './errors.ts';
import { sourceLines } from './mirror.ts';
import { shell, tailOf } from './shell.ts';

export interface PackageSet {
  readonly release: string;
  readonly packages: readonly string[];
}

/** Unpacks Debian packages and all they depend on into `directory`; their scripts do not run. */
export async function unpackPackages(
  directory: string,
  { release, packages }: PackageSet,
  mirror: string | undefined,
  onText: (text: string) => void,
): Promise<void> {
  let output = '';
  for (const line of sourceLines(release, mirror)) {
    rmSync(directory, { recursive: true, force: true });
    const result = await shell(
      'mmdebstrap',
      [
        // Only unpacks: needs neither root nor chroot nor subordinate uids.
        ...['--mode=chrootless', '--variant=extract', '--format=directory'],
        ...[`--include=${packages.join(',')}`, release, directory, line],
      ],
      {
        timeoutMs: LIMITS.stackImagesMs,
        onLine: (text) => {
          // "I: main() received signal" is about its own helpers; the fault says what went wrong.
          if (/^I: (?!main)/.test(text)) onText(text.slice(3));
        },
      },
    );
    if (result.code === 0) return;
    output = result.stderr;
  }
  rmSync(directory, { recursive: true, force: true });
  throw unpackFault(output);
}

function unpackFault(output: string) {
  const detail = tailOf(output.replaceAll(/^I: .*\n/gm, ''), 4);
  if (/No space left on device/i.test(output)) {
    return stackFault('disk-full', `the disk is full while unpacking the engines; ${detail}`);
  }
  const network = /resolve|connect|Failed to fetch|timed out|Network is unreachable/i.test(output);
  const advice = network
    ? 'the Debian archive did not answer as it should: check the network, the archive in the ' +
      'apt sources (or --mirror) and the proxy in apt.conf'
    : 'mmdebstrap failed';
  return stackFault(
    network ? 'no-network' : 'unpack-failed',
    `${advice}, or give DATABASE_URL and REDIS_URL of running servers.\n${detail}`,
  );
}
