import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { LIMITS } from '../../domain/limits.ts';
import { stackFault } from './errors.ts';
import { withLock } from './lock.ts';
import { runInside, SANDBOX_UID } from './sandbox.ts';
import { tailOf } from './shell.ts';
import { requireSpace } from './tools.ts';
import { unpackPackages } from './unpack.ts';

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

export interface EngineOptions {
  readonly cacheDirectory: string;
  /** A Debian archive to use instead of the one in the machine's apt sources. */
  readonly mirror?: string;
  readonly onText: (text: string) => void;
}

/** The unpacked engines, from the cache or fetched now. Safe to call from many processes. */
export async function unpackedEngines(options: EngineOptions): Promise<Engines> {
  const root = treePath(options.cacheDirectory);
  const parent = dirname(root);
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

/** What the cache holds already, if anything. */
export function enginesInCache(cacheDirectory: string): Engines | undefined {
  return readManifest(treePath(cacheDirectory));
}

function treePath(cacheDirectory: string): string {
  const name = `${RECIPE.release}-${process.arch}-${RECIPE.revision}`;
  return join(cacheDirectory, 'engines', name);
}

function readManifest(root: string): Engines | undefined {
  const path = join(root, 'meterline.json');
  if (!existsSync(path)) return undefined;
  return { ...(JSON.parse(readFileSync(path, 'utf8')) as Engines), root };
}

async function buildTree(parent: string, root: string, options: EngineOptions): Promise<Engines> {
  requireSpace(parent, LIMITS.stackCacheBytesMin);
  // Whatever a killed run left behind; nobody else is here, the lock is ours.
  for (const entry of readdirSync(parent)) {
    if (!entry.startsWith('.new-')) continue;
    rmSync(join(parent, entry), { recursive: true, force: true, maxRetries: 5 });
  }
  const fresh = join(parent, `.new-${process.pid}`);
  await unpackPackages(fresh, RECIPE, options.mirror, options.onText);
  completeTree(fresh);
  const versions = await readVersions(fresh);
  writeFileSync(join(fresh, 'meterline.json'), `${JSON.stringify(versions, undefined, 2)}\n`);
  rmSync(root, { recursive: true, force: true });
  renameSync(fresh, root);
  return { ...versions, root };
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
