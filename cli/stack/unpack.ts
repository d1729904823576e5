import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statfsSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { type AptSource, debianArchives, parseAptSources } from './apt-sources.ts';
import { STACK_BOUNDS } from './bounds.ts';
import { stackFault } from './errors.ts';
import { withLock } from './lock.ts';
import { runInside, SANDBOX_UID } from './sandbox.ts';
import { shell, tailOf } from './shell.ts';

/** Raise `revision` when the recipe below changes: the next `up` then unpacks afresh. */
const RECIPE = {
  revision: 1,
  release: 'trixie',
  packages: ['postgresql-17', 'postgresql-17-timescaledb', 'redis-server', 'dash', 'coreutils'],
} as const;

export interface Engines {
  readonly root: string;
  readonly postgresVersion: string;
  readonly timescaleVersion: string;
  readonly redisVersion: string;
}

export interface UnpackOptions {
  readonly cacheDirectory: string;
  /** A Debian archive to use instead of the one in the machine's apt sources. */
  readonly mirror?: string;
  readonly onText: (text: string) => void;
}

/** The unpacked engines, from the cache or fetched now. Safe to call from many processes. */
export async function unpackedEngines(options: UnpackOptions): Promise<Engines> {
  const parent = join(options.cacheDirectory, 'engines');
  const root = join(parent, `${RECIPE.release}-${process.arch}-${RECIPE.revision}`);
  const ready = readManifest(root);
  if (ready !== undefined) return ready;
  mkdirSync(parent, { recursive: true, mode: 0o755 });
  const onWait = (pid: string) =>
    options.onText(`waiting for process ${pid} to unpack the engines`);
  return withLock(root, onWait, async () => {
    const made = readManifest(root);
    if (made !== undefined) return made;
    return buildTree(parent, root, options);
  });
}

function readManifest(root: string): Engines | undefined {
  const path = join(root, 'meterline.json');
  if (!existsSync(path)) return undefined;
  return { ...(JSON.parse(readFileSync(path, 'utf8')) as Engines), root };
}

async function buildTree(parent: string, root: string, options: UnpackOptions): Promise<Engines> {
  requireSpace(parent, STACK_BOUNDS.cacheBytesMin);
  await requireTools(options.onText);
  // Whatever a killed run left behind; nobody else is here, the lock is ours.
  for (const entry of readdirSync(parent)) {
    if (entry.startsWith('.new-')) rmSync(join(parent, entry), { recursive: true, force: true });
  }
  const fresh = join(parent, `.new-${process.pid}`);
  await fetchTree(fresh, sourceLines(options.mirror), options.onText);
  completeTree(fresh);
  const versions = await readVersions(fresh);
  writeFileSync(join(fresh, 'meterline.json'), `${JSON.stringify(versions, undefined, 2)}\n`);
  rmSync(root, { recursive: true, force: true });
  renameSync(fresh, root);
  return { ...versions, root };
}

async function fetchTree(
  directory: string,
  lines: readonly string[],
  onText: (text: string) => void,
): Promise<void> {
  let output = '';
  for (const line of lines) {
    rmSync(directory, { recursive: true, force: true });
    const result = await shell(
      'mmdebstrap',
      [
        // Only unpacks: needs neither root nor chroot nor subordinate uids.
        ...['--mode=chrootless', '--variant=extract', '--format=directory'],
        ...[`--include=${RECIPE.packages.join(',')}`, RECIPE.release, directory, line],
      ],
      {
        timeoutMs: STACK_BOUNDS.unpackTimeoutMs,
        onLine: (text) => {
          if (text.startsWith('I: ')) onText(text.slice(3));
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
    ? 'the Debian archive cannot be reached: check the network and the proxy in apt.conf'
    : 'mmdebstrap failed';
  return stackFault(
    network ? 'no-network' : 'unpack-failed',
    `${advice}, or give DATABASE_URL and REDIS_URL of running servers.\n${detail}`,
  );
}

/** Lines for mmdebstrap, one for each archive of Debian that this machine's apt knows. */
function sourceLines(mirror: string | undefined): string[] {
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
    return `deb ${bracket}${archive.uri} ${RECIPE.release} main`;
  });
}

/** The keyring of every Debian release; an entry's own may know only the machine's release. */
function machineKeyring(): string | undefined {
  const folder = '/usr/share/keyrings';
  return ['debian-archive-keyring.gpg', 'debian-archive-keyring.pgp']
    .map((name) => join(folder, name))
    .find((path) => existsSync(path));
}

function readAptFiles() {
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

export async function requireTools(onText: (text: string) => void): Promise<void> {
  const missing: string[] = [];
  if ((await shell('mmdebstrap', ['--version'])).code !== 0) missing.push('mmdebstrap');
  if ((await shell('bwrap', ['--version'])).code !== 0) missing.push('bubblewrap');
  if (missing.length === 0) return;
  const install = ['install', '-y', '--no-install-recommends', ...missing];
  if (process.getuid?.() !== 0) {
    throw stackFault('no-tools', `first run as root: apt-get ${install.join(' ')}`);
  }
  onText(`installing ${missing.join(' and ')}`);
  const options = {
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    timeoutMs: STACK_BOUNDS.unpackTimeoutMs,
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

/** What the packages' install scripts would have made, as far as the servers need it. */
function completeTree(root: string): void {
  for (const name of ['bin', 'sbin', 'lib', 'lib64']) {
    if (!existsSync(join(root, name)) && existsSync(join(root, 'usr', name))) {
      symlinkSync(`usr/${name}`, join(root, name));
    }
  }
  for (const name of ['dev', 'proc', 'tmp', 'run', 'var/lib/postgresql', 'var/lib/redis']) {
    mkdirSync(join(root, name), { recursive: true });
  }
  const id = `${SANDBOX_UID}:${SANDBOX_UID}`;
  const passwd = `root:x:0:0::/:/bin/dash\nmeterline:x:${id}::/var/lib/postgresql:/bin/dash\n`;
  writeFileSync(join(root, 'etc/passwd'), passwd);
  writeFileSync(join(root, 'etc/group'), `root:x:0:\nmeterline:x:${SANDBOX_UID}:\n`);
  // initdb and pg_ctl start their programs through sh(1).
  if (!existsSync(join(root, 'usr/bin/sh'))) symlinkSync('dash', join(root, 'usr/bin/sh'));
  // The compiler for jit is off in our settings and is half of the tree.
  const libraries = readdirSync(join(root, 'usr/lib')).filter((name) => name.includes('-linux-'));
  const bulk = ['usr/share/doc', 'usr/share/man', 'usr/share/locale', 'usr/share/i18n'];
  for (const path of bulk) rmSync(join(root, path), { recursive: true, force: true });
  for (const folder of libraries) {
    for (const name of readdirSync(join(root, 'usr/lib', folder))) {
      if (name.startsWith('libLLVM')) rmSync(join(root, 'usr/lib', folder, name));
    }
  }
  rmSync(join(root, 'usr/lib/postgresql/17/lib/bitcode'), { recursive: true, force: true });
}

async function readVersions(root: string): Promise<Omit<Engines, 'root'>> {
  const spec = { root, binds: {}, tag: 'meterline-unpack' };
  const postgres = await runInside(spec, ['postgres', '--version']);
  const redis = await runInside(spec, ['redis-server', '--version']);
  const control = join(root, 'usr/share/postgresql/17/extension/timescaledb.control');
  const timescale = /default_version = '([^']+)'/.exec(readFileSync(control, 'utf8'))?.[1];
  const postgresVersion = /(\d+\.\d+)/.exec(postgres.stdout)?.[1];
  const redisVersion = /v=(\S+)/.exec(redis.stdout)?.[1];
  if (!postgresVersion || !redisVersion || !timescale) {
    throw stackFault(
      'unpack-failed',
      `the unpacked servers do not run: ${tailOf(postgres.stderr + redis.stderr, 4)}`,
    );
  }
  return { postgresVersion, redisVersion, timescaleVersion: timescale };
}
