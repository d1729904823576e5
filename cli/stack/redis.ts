import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { engineTag, type Instance, type InstanceState } from './instance.ts';
import { type SandboxSpec, spawnDaemon } from './sandbox.ts';

const INSIDE = '/var/lib/redis';

export function redisDirectory(instance: Instance): string {
  return join(instance.directory, 'redis');
}

export function redisSpec(root: string, instance: Instance, state: InstanceState): SandboxSpec {
  return { root, binds: { [redisDirectory(instance)]: INSIDE }, tag: engineTag(state, 'redis') };
}

export function redisLog(instance: Instance): string {
  return join(instance.directory, 'redis.log');
}

/** Starts the server in the background; `spec.tag` must not be alive. */
export function spawnRedis(spec: SandboxSpec, instance: Instance, state: InstanceState): void {
  const home = redisDirectory(instance);
  mkdirSync(home, { recursive: true, mode: 0o700 });
  rmSync(join(home, 'redis.pid'), { force: true });
  writeFileSync(join(home, 'redis.conf'), settings(spec, state), { mode: 0o600 });
  spawnDaemon(spec, ['redis-server', `${INSIDE}/redis.conf`], redisLog(instance));
}

function settings(spec: SandboxSpec, state: InstanceState): string {
  return [
    'bind 127.0.0.1',
    `port ${state.redisPort}`,
    `requirepass ${state.redisPassword}`,
    `dir ${INSIDE}`,
    `pidfile ${INSIDE}/redis.pid`,
    'daemonize no',
    'loglevel notice',
    'appendonly yes',
    'appendfsync everysec',
    // AOF alone keeps the data; an extra snapshot at shutdown would only cost time.
    'save ""',
    'maxmemory-policy noeviction',
    `proc-title-template "{title} {listen-addr} ${spec.tag}"`,
    '',
  ].join('\n');
}

export function redisPid(instance: Instance): number | undefined {
  const path = join(redisDirectory(instance), 'redis.pid');
  if (!existsSync(path)) return undefined;
  const pid = Number(readFileSync(path, 'utf8').trim());
  return Number.isInteger(pid) && pid > 0 ? pid : undefined;
}

/** Removes all that Redis has stored; the server must not be alive. */
export function wipeRedis(instance: Instance): void {
  rmSync(redisDirectory(instance), { recursive: true, force: true });
}
