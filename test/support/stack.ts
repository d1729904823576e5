import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { enginesInCache } from '../../cli/stack/engines.ts';
import {
  type EngineName,
  engineTag,
  type Instance,
  type InstanceState,
  instanceOf,
  loadState,
} from '../../cli/stack/instance.ts';
import { findProcesses } from '../../cli/stack/processes.ts';
import { wipeRedis } from '../../cli/stack/redis.ts';
import { killServer, mainPid, startServer } from '../../cli/stack/servers.ts';
import {
  cacheDirectoryOf,
  type StackOptions,
  type StackUrls,
  stackDown,
  stackReset,
  stackUp,
} from '../../cli/stack/stack.ts';

/** A stack that one test file owns alone, so that it may kill and wipe it. */
export interface OwnStack {
  readonly urls: StackUrls;
  readonly options: StackOptions;
  /** The servers' main processes; undefined while one is down. */
  pids(): { readonly postgres: number | undefined; readonly redis: number | undefined };
  /** Every process of the instance: servers, their backends, their sandboxes. */
  processes(): number[];
  /** SIGKILL to all processes of the engine, as a power cut; returns when they are gone. */
  kill9(engine: EngineName): Promise<void>;
  /** Starts a killed engine on its old port; returns when it takes connections. */
  start(engine: EngineName): Promise<void>;
  /** A Redis that lost everything: killed, emptied, started on its old port. */
  redisRestartEmpty(): Promise<void>;
  down(): Promise<void>;
  /** Removes servers, data and folder. Call it in afterAll. */
  remove(): Promise<void>;
}

/** Starts a throw-away stack from Debian packages, whatever URLs the environment names. */
export async function ownStack(name: string): Promise<OwnStack> {
  const projectDirectory = mkdtempSync(join(tmpdir(), `meterline-${name}-`));
  const options: StackOptions = { name, projectDirectory, use: 'packages' };
  const instance = instanceOf(projectDirectory, name);
  const urls = await stackUp(options);
  const crash = crashes(instance, cacheDirectoryOf(options));
  return {
    urls,
    options,
    ...crash,
    async down() {
      await stackDown(options);
    },
    async remove() {
      await stackReset(options);
      rmSync(projectDirectory, { recursive: true, force: true });
    },
  };
}

function crashes(instance: Instance, cacheDirectory: string) {
  const state = (): InstanceState => {
    const found = loadState(instance);
    if (found?.source !== 'packages') throw new Error(`${instance.directory} has no own servers`);
    return found;
  };
  const kill9 = (engine: EngineName) => killServer(instance, state(), engine);
  const start = async (engine: EngineName) => {
    const engines = enginesInCache(cacheDirectory);
    if (engines === undefined) throw new Error('the unpacked engines are gone from the cache');
    await startServer(engines.root, instance, state(), engine);
  };
  return {
    kill9,
    start,
    pids: () => ({
      postgres: mainPid(instance, state(), 'postgres'),
      redis: mainPid(instance, state(), 'redis'),
    }),
    processes: () =>
      (['postgres', 'redis'] as const).flatMap((engine) =>
        findProcesses(engineTag(state(), engine)).map(({ pid }) => pid),
      ),
    async redisRestartEmpty() {
      await kill9('redis');
      wipeRedis(instance);
      await start('redis');
    },
  };
}
