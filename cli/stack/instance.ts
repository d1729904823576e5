import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stackFault } from './errors.ts';

export type EngineName = 'postgres' | 'redis';

/** What an instance remembers between runs: its identity, its ports, its passwords (file 0600). */
export interface InstanceState {
  readonly tag: string;
  readonly source: 'docker' | 'packages';
  readonly postgresPort: number;
  readonly redisPort: number;
  readonly postgresPassword: string;
  readonly redisPassword: string;
  /** True once the database `meterline` and its extension have been made. */
  readonly databaseReady: boolean;
}

export interface Instance {
  readonly name: string;
  readonly directory: string;
}

export const DATABASE = 'meterline';
export const DATABASE_USER = 'meterline';

/** The instance `name` of the project in `projectDirectory`; nothing is made on disk. */
export function instanceOf(projectDirectory: string, name: string): Instance {
  if (!/^[a-z0-9][a-z0-9-]{0,30}$/.test(name)) {
    throw stackFault(
      'bad-name',
      `"${name}" is no stack name: use 1 to 31 letters a-z, digits and dashes`,
    );
  }
  return { name, directory: join(projectDirectory, '.meterline', 'stack', name) };
}

export function makeInstanceDirectory(instance: Instance): void {
  mkdirSync(instance.directory, { recursive: true });
  chmodSync(instance.directory, 0o700);
}

function statePath(instance: Instance): string {
  return join(instance.directory, 'state.json');
}

export function loadState(instance: Instance): InstanceState | undefined {
  const path = statePath(instance);
  if (!existsSync(path)) return undefined;
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as InstanceState;
  } catch {
    throw stackFault(
      'bad-state',
      `${path} is damaged; wipe this stack with: meterline stack reset`,
    );
  }
}

export function saveState(instance: Instance, state: InstanceState): InstanceState {
  const path = statePath(instance);
  writeFileSync(`${path}.new`, `${JSON.stringify(state, undefined, 2)}\n`, { mode: 0o600 });
  renameSync(`${path}.new`, path);
  return state;
}

export function newState(
  source: InstanceState['source'],
  postgresPort: number,
  redisPort: number,
): InstanceState {
  return {
    tag: randomBytes(8).toString('hex'),
    source,
    postgresPort,
    redisPort,
    postgresPassword: randomBytes(24).toString('hex'),
    redisPassword: randomBytes(24).toString('hex'),
    databaseReady: false,
  };
}

export function databaseUrlOf(state: InstanceState): string {
  const { postgresPassword, postgresPort } = state;
  return `postgresql://${DATABASE_USER}:${postgresPassword}@127.0.0.1:${postgresPort}/${DATABASE}`;
}

export function redisUrlOf(state: InstanceState): string {
  return `redis://:${state.redisPassword}@127.0.0.1:${state.redisPort}`;
}

/** The mark on the command line of every process of one engine of one instance. */
export function engineTag(state: InstanceState, engine: EngineName): string {
  return `meterline-${engine}-${state.tag}`;
}
