import { rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { dockerAnswers, dockerStop, dockerUp, dockerWipe } from './docker.ts';
import { type GivenUrls, givenUrls, requireAnswers } from './environment.ts';
import { stackFault } from './errors.ts';
import type { Instance, InstanceState } from './instance.ts';
import { databaseUrlOf, instanceOf, loadState, redisUrlOf } from './instance.ts';
import { withLock } from './lock.ts';
import { PACKAGE_STEPS, packagesUp } from './packages.ts';
import { engineAnswers, killServer, mainPid, stopServer } from './servers.ts';
import { environmentStatus, instanceStatus, type StackStatus } from './status.ts';

export interface StackProgress {
  readonly step: number;
  readonly of: number;
  readonly text: string;
}

export interface StackOptions {
  /** Which instance; several live side by side. Default: `default`. */
  readonly name?: string | undefined;
  /** The project whose `.meterline/stack/<name>` holds the data. Default: the working folder. */
  readonly projectDirectory?: string | undefined;
  /** Where unpacked engines are shared by all projects. Default: the user's cache folder. */
  readonly cacheDirectory?: string | undefined;
  /** URLs of running servers; both or neither. They win over everything else. */
  readonly databaseUrl?: string | undefined;
  readonly redisUrl?: string | undefined;
  /** Only this way of running the servers, instead of Docker where an engine answers. */
  readonly use?: 'docker' | 'packages' | undefined;
  /** A Debian archive to use instead of the one in the machine's apt sources. */
  readonly mirror?: string | undefined;
  readonly onProgress?: ((progress: StackProgress) => void) | undefined;
}

export interface StackUrls {
  readonly databaseUrl: string;
  readonly redisUrl: string;
  readonly source: 'environment' | 'docker' | 'packages';
  /** The instance's folder; it does not exist when the URLs were given. */
  readonly directory: string;
  readonly startedMs: number;
}

function instanceFor(options: StackOptions): Instance {
  return instanceOf(resolve(options.projectDirectory ?? '.'), options.name ?? 'default');
}

export function cacheDirectoryOf(options: StackOptions): string {
  if (options.cacheDirectory !== undefined) return options.cacheDirectory;
  // XDG Base Directory Specification: an empty value counts as unset.
  return join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'meterline');
}

/**
 * Brings TimescaleDB and Redis up and returns when both take connections: from the given URLs,
 * else where the instance was made before, else Docker, else unpacked Debian packages. May be
 * called by many processes at once. Throws Fault STACK with what to do.
 */
export async function stackUp(options: StackOptions = {}): Promise<StackUrls> {
  const startedAt = Date.now();
  const instance = instanceFor(options);
  const finish = (urls: GivenUrls, source: StackUrls['source']): StackUrls => ({
    databaseUrl: urls.databaseUrl,
    redisUrl: urls.redisUrl,
    source,
    directory: instance.directory,
    startedMs: Date.now() - startedAt,
  });
  const given = givenUrls(options.databaseUrl, options.redisUrl);
  if (given !== undefined) {
    await requireAnswers(given);
    return finish(given, 'environment');
  }
  const before = loadState(instance);
  if (before !== undefined && (await isUp(instance, before))) {
    return finish(urlsOf(before), before.source);
  }
  const tell = teller(options);
  const onWait = (pid: string) => tell(1, `waiting for process ${pid}, which has this stack`);
  const state = await withLock(instance.directory, onWait, () => bringUp(instance, options, tell));
  return finish(urlsOf(state), state.source);
}

async function bringUp(
  instance: Instance,
  options: StackOptions,
  step: (step: number, text: string) => void,
): Promise<InstanceState> {
  const state = loadState(instance);
  if (state !== undefined && (await isUp(instance, state))) return state;
  const source = state?.source ?? options.use ?? ((await dockerAnswers()) ? 'docker' : 'packages');
  if (options.use !== undefined && options.use !== source) {
    throw stackFault(
      'bad-state',
      `stack ${instance.name} was made with ${source}; wipe it first: meterline stack reset`,
    );
  }
  if (source === 'docker') return dockerUp(instance, state, step);
  return packagesUp(instance, state, {
    cacheDirectory: cacheDirectoryOf(options),
    ...(options.mirror === undefined ? {} : { mirror: options.mirror }),
    step,
  });
}

function teller(options: StackOptions) {
  return (step: number, text: string) => options.onProgress?.({ step, of: PACKAGE_STEPS, text });
}

function urlsOf(state: InstanceState): GivenUrls {
  return { databaseUrl: databaseUrlOf(state), redisUrl: redisUrlOf(state) };
}

async function isUp(instance: Instance, state: InstanceState): Promise<boolean> {
  if (!state.databaseReady) return false;
  const engines = ['postgres', 'redis'] as const;
  const runs = (engine: 'postgres' | 'redis') => mainPid(instance, state, engine) !== undefined;
  if (state.source === 'packages' && !engines.every(runs)) return false;
  const answers = await Promise.all(engines.map((engine) => engineAnswers(state, engine)));
  return answers.every((answer) => answer.ready);
}

/** What runs where; looks only, changes nothing. */
export async function stackStatus(options: StackOptions = {}): Promise<StackStatus> {
  const instance = instanceFor(options);
  const given = givenUrls(options.databaseUrl, options.redisUrl);
  if (given !== undefined) return environmentStatus(instance, given);
  return instanceStatus(instance, loadState(instance), cacheDirectoryOf(options));
}

/**
 * Stops the instance and keeps its data: a fast shutdown, a bounded wait, then SIGKILL. Servers
 * behind given URLs are never touched. False when there was nothing to stop.
 */
export async function stackDown(options: StackOptions = {}): Promise<boolean> {
  const instance = instanceFor(options);
  if (loadState(instance) === undefined) return false;
  return withLock(instance.directory, onWaitOf(options), async () => {
    const state = loadState(instance);
    if (state === undefined) return false;
    if (state.source === 'docker') {
      await dockerStop(instance, state);
      return true;
    }
    const outcomes = await Promise.all([
      stopServer(instance, state, 'postgres'),
      stopServer(instance, state, 'redis'),
    ]);
    return outcomes.some((outcome) => outcome !== 'was down');
  });
}

/** Stops the instance and removes all its data. False when there was none. */
export async function stackReset(options: StackOptions = {}): Promise<boolean> {
  const instance = instanceFor(options);
  return withLock(instance.directory, onWaitOf(options), async () => {
    const state = loadState(instance);
    if (state?.source === 'docker') await dockerWipe(instance, state);
    if (state?.source === 'packages') {
      await killServer(instance, state, 'postgres');
      await killServer(instance, state, 'redis');
    }
    rmSync(instance.directory, { recursive: true, force: true });
    return state !== undefined;
  });
}

function onWaitOf(options: StackOptions) {
  const tell = teller(options);
  return (pid: string) => tell(1, `waiting for process ${pid}, which has this stack`);
}
