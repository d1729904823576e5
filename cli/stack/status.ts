import { type Dirent, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { composeImage } from './docker.ts';
import { enginesInCache } from './engines.ts';
import type { GivenUrls } from './environment.ts';
import type { EngineName, Instance, InstanceState } from './instance.ts';
import { databaseUrlOf, redisUrlOf } from './instance.ts';
import { postgresDirectory } from './postgres.ts';
import { postgresAnswers, redisAnswers } from './probe.ts';
import { startedAtMs } from './processes.ts';
import { redisDirectory } from './redis.ts';
import { engineAnswers, mainPid } from './servers.ts';

export interface EngineStatus {
  readonly engine: EngineName;
  readonly version: string;
  readonly answers: boolean;
  /** Why it does not answer. */
  readonly why?: string;
  readonly port: number;
  readonly pid?: number;
  readonly dataBytes?: number;
  readonly since?: string;
}

export interface StackStatus {
  readonly name: string;
  readonly source: 'environment' | 'docker' | 'packages' | 'none';
  readonly directory: string;
  readonly up: boolean;
  readonly databaseUrl?: string;
  readonly redisUrl?: string;
  readonly engines: readonly EngineStatus[];
}

export async function environmentStatus(instance: Instance, urls: GivenUrls): Promise<StackStatus> {
  const answers = await Promise.all([
    postgresAnswers(urls.databaseUrl),
    redisAnswers(urls.redisUrl),
  ]);
  const engines = answers.map((answer, index): EngineStatus => {
    const isDatabase = index === 0;
    return {
      engine: isDatabase ? 'postgres' : 'redis',
      version: 'unknown',
      answers: answer.ready,
      ...(answer.ready ? {} : { why: answer.why }),
      port: portOf(isDatabase ? urls.databaseUrl : urls.redisUrl, isDatabase ? 5432 : 6379),
    };
  });
  const up = engines.every((engine) => engine.answers);
  return { ...instance, source: 'environment', up, ...urls, engines };
}

function portOf(url: string, usual: number): number {
  return Number(new URL(url).port || usual);
}

export async function instanceStatus(
  instance: Instance,
  state: InstanceState | undefined,
  cacheDirectory: string,
): Promise<StackStatus> {
  if (state === undefined) return { ...instance, source: 'none', up: false, engines: [] };
  const engines = await Promise.all(
    (['postgres', 'redis'] as const).map((engine) =>
      engineStatus(instance, state, engine, cacheDirectory),
    ),
  );
  return {
    ...instance,
    source: state.source,
    up: state.databaseReady && engines.every((engine) => engine.answers),
    databaseUrl: databaseUrlOf(state),
    redisUrl: redisUrlOf(state),
    engines,
  };
}

async function engineStatus(
  instance: Instance,
  state: InstanceState,
  engine: EngineName,
  cacheDirectory: string,
): Promise<EngineStatus> {
  const answer = await engineAnswers(state, engine);
  const common = {
    engine,
    answers: answer.ready,
    ...(answer.ready ? {} : { why: answer.why }),
    port: engine === 'postgres' ? state.postgresPort : state.redisPort,
  };
  if (state.source === 'docker') {
    return { ...common, version: composeImage(engine === 'postgres' ? 'timescaledb' : 'redis') };
  }
  const pid = mainPid(instance, state, engine);
  const since = pid === undefined ? undefined : startedAtMs(pid);
  return {
    ...common,
    version: packageVersion(engine, cacheDirectory),
    // Somebody else may answer on the port of a stopped server.
    answers: answer.ready && pid !== undefined,
    ...(pid === undefined ? {} : { pid }),
    ...(since === undefined ? {} : { since: new Date(since).toISOString() }),
    dataBytes: folderBytes(
      engine === 'postgres' ? postgresDirectory(instance) : redisDirectory(instance),
    ),
  };
}

function packageVersion(engine: EngineName, cacheDirectory: string): string {
  const engines = enginesInCache(cacheDirectory);
  if (engines === undefined) return 'unknown';
  if (engine === 'redis') return engines.redisVersion;
  return `${engines.postgresVersion} + TimescaleDB ${engines.timescaleVersion}`;
}

/** Sum of the files' sizes; a file removed meanwhile counts as nothing. */
function folderBytes(folder: string): number {
  let entries: Dirent[];
  try {
    entries = readdirSync(folder, { withFileTypes: true });
  } catch {
    return 0;
  }
  return entries.reduce((sum, entry) => {
    const path = join(folder, entry.name);
    return sum + (entry.isDirectory() ? folderBytes(path) : fileBytes(path));
  }, 0);
}

function fileBytes(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}
