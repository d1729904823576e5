import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parse, stringify } from 'yaml';
import { LIMITS } from '../../domain/limits.ts';
import { stackFault } from './errors.ts';
import type { Instance, InstanceState } from './instance.ts';
import { makeInstanceDirectory, newState, saveState } from './instance.ts';
import { freePort } from './ports.ts';
import { type ShellResult, shell, tailOf } from './shell.ts';

const SERVICES = ['timescaledb', 'redis'];

/** True when a Docker engine answers and its client knows `docker compose`. */
export async function dockerAnswers(): Promise<boolean> {
  const info = await shell('docker', ['info', '--format', '{{.ServerVersion}}']);
  if (info.code !== 0) return false;
  return (await shell('docker', ['compose', 'version'])).code === 0;
}

/** The project's docker-compose.yml, found from this file upwards (sources and dist alike). */
export function composeFile(): string {
  let folder = import.meta.dirname;
  for (;;) {
    const path = join(folder, 'docker-compose.yml');
    if (existsSync(path)) return path;
    const parent = dirname(folder);
    if (parent === folder) break;
    folder = parent;
  }
  throw stackFault('docker', 'docker-compose.yml is missing from this installation; reinstall it');
}

/** The image that the compose file names for a service, for the status table. */
export function composeImage(service: 'timescaledb' | 'redis'): string {
  const compose = parse(readFileSync(composeFile(), 'utf8')) as {
    services: Record<string, { image?: string }>;
  };
  return compose.services[service]?.image ?? 'unknown';
}

/**
 * Writes what a local stack adds to the compose file: loopback ports, passwords, and a network that
 * the machine can reach (the file's own is internal). Returns the arguments up to the verb.
 */
export function composeArguments(instance: Instance, state: InstanceState): string[] {
  makeInstanceDirectory(instance);
  const overlay = join(instance.directory, 'compose.local.yml');
  const published = (port: number, inside: number) => ({
    ports: [`127.0.0.1:${port}:${inside}`],
    networks: ['local'],
  });
  writeFileSync(
    overlay,
    stringify({
      services: {
        timescaledb: published(state.postgresPort, 5432),
        redis: published(state.redisPort, 6379),
      },
      networks: { local: {} },
    }),
  );
  const variables = join(instance.directory, 'compose.env');
  writeFileSync(
    variables,
    `POSTGRES_PASSWORD=${state.postgresPassword}\nREDIS_PASSWORD=${state.redisPassword}\n`,
    { mode: 0o600 },
  );
  return [
    ...['compose', '--project-name', `meterline-${state.tag}`, '--env-file', variables],
    ...['--file', composeFile(), '--file', overlay],
  ];
}

export async function dockerUp(
  instance: Instance,
  known: InstanceState | undefined,
  step: (step: number, text: string) => void,
): Promise<InstanceState> {
  const state = known ?? (await chooseState());
  makeInstanceDirectory(instance);
  saveState(instance, state);
  step(1, 'Docker: fetching images, starting TimescaleDB and Redis');
  const up = ['up', '--detach', '--wait', ...SERVICES];
  const result = await compose(instance, state, up, (text) => step(2, text));
  if (result.code !== 0) {
    throw stackFault(
      'docker',
      `docker compose up failed:\n${tailOf(result.stderr)}\n` +
        'Mend it, or stop the Docker engine and wipe this stack to use Debian packages instead.',
    );
  }
  // The image makes the database and the extension itself.
  return saveState(instance, { ...state, databaseReady: true });
}

async function chooseState(): Promise<InstanceState> {
  const postgresPort = await freePort();
  return newState('docker', postgresPort, await freePort([postgresPort]));
}

export async function dockerStop(instance: Instance, state: InstanceState): Promise<void> {
  const seconds = String(LIMITS.stackStopMs / 1000);
  await composeOrFail(instance, state, ['stop', '--timeout', seconds, ...SERVICES]);
}

/** Removes containers, networks and volumes of the instance. */
export async function dockerWipe(instance: Instance, state: InstanceState): Promise<void> {
  await composeOrFail(instance, state, ['down', '--volumes', '--timeout', '1']);
}

async function composeOrFail(
  instance: Instance,
  state: InstanceState,
  verb: readonly string[],
): Promise<void> {
  const result = await compose(instance, state, verb, () => undefined);
  if (result.code === 0) return;
  const advice = 'start the Docker engine that this stack was made with, then try again';
  throw stackFault(
    'docker',
    `docker compose ${verb[0]} failed: ${tailOf(result.stderr)}\n${advice}`,
  );
}

function compose(
  instance: Instance,
  state: InstanceState,
  verb: readonly string[],
  onLine: (line: string) => void,
): Promise<ShellResult> {
  const args = [...composeArguments(instance, state), ...verb];
  return shell('docker', args, { timeoutMs: LIMITS.stackImagesMs, onLine });
}
