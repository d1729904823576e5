import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type AptFile, type AptSource, debianArchives, parseAptSources } from './apt-sources.ts';
import { stackFault } from './errors.ts';

/** Lines for mmdebstrap, one for each archive of Debian that this machine's apt knows. */
export function sourceLines(release: string, mirror: string | undefined): string[] {
  const archives: AptSource[] =
    mirror === undefined
      ? debianArchives(parseAptSources(readAptFiles()))
      : [{ uri: mirror, suites: [], components: [], trusted: false }];
  if (archives.length === 0) {
    throw stackFault(
      'no-apt-sources',
      'no Debian archive in /etc/apt/sources.list or /etc/apt/sources.list.d; ' +
        'name one with --mirror URL, or give DATABASE_URL and REDIS_URL of running servers',
    );
  }
  return archives.map((archive) => {
    const keyring = machineKeyring() ?? archive.signedBy;
    const options = [
      ...(keyring === undefined ? [] : [`signed-by=${keyring}`]),
      ...(archive.trusted ? ['trusted=yes'] : []),
    ];
    const bracket = options.length === 0 ? '' : `[${options.join(' ')}] `;
    return `deb ${bracket}${archive.uri} ${release} main`;
  });
}

/** The keyring of every Debian release; an entry's own may know only the machine's release. */
function machineKeyring(): string | undefined {
  const folder = '/usr/share/keyrings';
  return ['debian-archive-keyring.gpg', 'debian-archive-keyring.pgp']
    .map((name) => join(folder, name))
    .find((path) => existsSync(path));
}

function readAptFiles(): AptFile[] {
  const folder = '/etc/apt/sources.list.d';
  const listed = existsSync(folder)
    ? readdirSync(folder)
        .filter((name) => name.endsWith('.list') || name.endsWith('.sources'))
        .sort()
        .map((name) => join(folder, name))
    : [];
  return ['/etc/apt/sources.list', ...listed]
    .filter((path) => existsSync(path))
    .map((path) => ({ path, text: readFileSync(path, 'utf8') }));
}
