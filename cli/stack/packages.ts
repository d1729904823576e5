import { LIMITS } from '../../domain/limits.ts';
import { enginesInCache, unpackedEngines } from './engines.ts';
import { troubleOf } from './errors.ts';
import type { Instance, InstanceState } from './instance.ts';
import { makeInstanceDirectory, newState, saveState } from './instance.ts';
import { freePort, portIsFree } from './ports.ts';
import { createDatabase, initPostgres, postgresSpec } from './postgres.ts';
import { checkSandbox } from './sandbox.ts';
import { engineAnswers, mainPid, startServer, stopServer } from './servers.ts';
import { requireSpace, requireTools } from './tools.ts';

export interface PackagesOptions {
  readonly cacheDirectory: string;
  readonly mirror?: string;
  readonly step: (step: number, text: string) => void;
}

export const PACKAGE_STEPS = 5;

/** Brings both servers up from the unpacked packages; the caller holds the instance's lock. */
export async function packagesUp(
  instance: Instance,
  known: InstanceState | undefined,
  options: PackagesOptions,
): Promise<InstanceState> {
  options.step(1, 'PostgreSQL, TimescaleDB and Redis: looking for the unpacked packages');
  const cached = enginesInCache(options.cacheDirectory) !== undefined;
  await requireTools(cached ? ['bubblewrap'] : ['mmdebstrap', 'bubblewrap'], (text) =>
    options.step(1, text),
  );
  await checkSandbox();
  const { root } = await unpackedEngines({
    cacheDirectory: options.cacheDirectory,
    ...(options.mirror === undefined ? {} : { mirror: options.mirror }),
    onText: (text) => options.step(1, text),
  });
  makeInstanceDirectory(instance);
  requireSpace(instance.directory, LIMITS.stackInstanceBytesMin);
  let state = known ?? (await choosePorts());
  saveState(instance, state);
  options.step(2, 'PostgreSQL: preparing the data folder');
  await initPostgres(postgresSpec(root, instance, state), instance, state);
  options.step(3, 'PostgreSQL: starting');
  state = await startOnFreePort(root, instance, state, 'postgres');
  options.step(4, 'Redis: starting');
  state = await startOnFreePort(root, instance, state, 'redis');
  options.step(5, 'database: checking');
  if (!state.databaseReady) {
    await createDatabase(postgresSpec(root, instance, state), state);
    state = saveState(instance, { ...state, databaseReady: true });
  }
  return state;
}

async function choosePorts(): Promise<InstanceState> {
  const postgresPort = await freePort();
  return newState('packages', postgresPort, await freePort([postgresPort]));
}

/** Keeps the remembered port as long as it is free, so that the URLs stay the same. */
async function startOnFreePort(
  root: string,
  instance: Instance,
  before: InstanceState,
  engine: 'postgres' | 'redis',
): Promise<InstanceState> {
  let state = before;
  if (mainPid(instance, state, engine) !== undefined) {
    if ((await engineAnswers(state, engine)).ready) return state;
    await stopServer(instance, state, engine);
  }
  const key = engine === 'postgres' ? 'postgresPort' : 'redisPort';
  for (let attempt = 1; ; attempt += 1) {
    if (!(await portIsFree(state[key]))) {
      const port = await freePort([state.postgresPort, state.redisPort]);
      state = saveState(instance, { ...state, [key]: port });
    }
    try {
      await startServer(root, instance, state, engine);
      return state;
    } catch (error) {
      const taken = troubleOf(error) === 'port-taken';
      if (!taken || attempt >= LIMITS.stackStartTriesMax) throw error;
    }
  }
}
