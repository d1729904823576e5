import { rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { stackFault } from './errors.ts';
import type { Instance, InstanceState } from './instance.ts';
import { databaseUrlOf, instanceOf, loadState, redisUrlOf } from './instance.ts';
import { withLock } from './lock.ts';
import { PACKAGE_STEPS, packagesAreUp, packagesUp } from './packages.ts';
import { killServer, stopServer } from './servers.ts';

export interface StackProgress {
  readonly step: number;
  readonly of: number;
  readonly text: string;
}

export interface StackOptions {
  /** Which instance; several live side by side. Default: `default`. */
  readonly name?: string;
  /** The project whose `.meterline/stack/<name>` holds the data. Default: the working folder. */
  readonly projectDirectory?: string;
  /** Where unpacked engines are shared by all projects. Default: `~/.cache/meterline`. */
  readonly cacheDirectory?: string;
  /** URLs of running servers; both or neither. They win over everything else. */
  readonly databaseUrl?: string | undefined;
  readonly redisUrl?: string | undefined;
  /** A Debian archive to use instead of the one in the machine's apt sources. */
  readonly mirror?: string | undefined;
  readonly onProgress?: (progress: StackProgress) => void;
}

export interface StackUrls {
  readonly databaseUrl: string;
  readonly redisUrl: string;
  readonly source: 'environment' | 'docker' | 'packages';
  readonly directory: string;
  readonly startedMs: number;
}

function instanceFor(options: StackOptions): Instance {
  return instanceOf(resolve(options.projectDirectory ?? '.'), options.name ?? 'default');
}

export async function stackUp(options: StackOptions = {}): Promise<StackUrls> {
  const startedAtMs = Date.now();
  const instance = instanceFor(options);
  const urls = (state: InstanceState): StackUrls => ({
    databaseUrl: databaseUrlOf(state),
    redisUrl: redisUrlOf(state),
    source: state.source,
    directory: instance.directory,
    startedMs: Date.now() - startedAtMs,
  });
  const known = loadState(instance);
  if (known !== undefined && (await packagesAreUp(instance, known))) return urls(known);
  const tell = (step: number, text: string) =>
    options.onProgress?.({ step, of: PACKAGE_STEPS, text });
  const onWait = (pid: string) => tell(1, `waiting for process ${pid}, which starts this stack`);
  return withLock(instance.directory, onWait, async () => {
    const state = loadState(instance);
    if (state !== undefined && (await packagesAreUp(instance, state))) return urls(state);
    return urls(
      await packagesUp(instance, state, {
        cacheDirectory: options.cacheDirectory ?? join(homedir(), '.cache', 'meterline'),
        ...(options.mirror === undefined ? {} : { mirror: options.mirror }),
        step: tell,
      }),
    );
  });
}

export async function stackDown(options: StackOptions = {}): Promise<void> {
  const instance = instanceFor(options);
  const state = loadState(instance);
  if (state === undefined) return;
  await withLock(
    instance.directory,
    () => undefined,
    async () => {
      await Promise.all([
        stopServer(instance, state, 'postgres'),
        stopServer(instance, state, 'redis'),
      ]);
    },
  );
}

/** Stops the instance and removes all its data. */
export async function stackReset(options: StackOptions = {}): Promise<void> {
  const instance = instanceFor(options);
  await withLock(
    instance.directory,
    () => undefined,
    async () => {
      const state = loadState(instance);
      if (state !== undefined) {
        await killServer(instance, state, 'postgres');
        await killServer(instance, state, 'redis');
      }
      rmSync(instance.directory, { recursive: true, force: true });
    },
  );
}

export { stackFault };
