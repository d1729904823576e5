import { existsSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { LIMITS } from '../../domain/limits.ts';
import { stackFault } from './errors.ts';
import type { EngineName, Instance, InstanceState } from './instance.ts';
import { databaseUrlOf, engineTag, redisUrlOf } from './instance.ts';
import { postgresLog, postgresSpec, postmasterPid, spawnPostgres } from './postgres.ts';
import { type Answer, postgresAnswers, redisAnswers } from './probe.ts';
import { findProcesses, killAll, signal, waitGone } from './processes.ts';
import { redisLog, redisPid, redisSpec, spawnRedis } from './redis.ts';
import { tailOf } from './shell.ts';

/** The pid of the engine's main process, or undefined when it does not run. */
export function mainPid(
  instance: Instance,
  state: InstanceState,
  engine: EngineName,
): number | undefined {
  const pid = engine === 'postgres' ? postmasterPid(instance) : redisPid(instance);
  const alive = findProcesses(engineTag(state, engine));
  return alive.some((process) => process.pid === pid) ? pid : undefined;
}

export function engineAnswers(state: InstanceState, engine: EngineName): Promise<Answer> {
  if (engine === 'redis') return redisAnswers(redisUrlOf(state));
  // The server's own database: `meterline` does not exist yet at the first start.
  const url = databaseUrlOf(state).replace(/[^/]*$/, 'postgres');
  return postgresAnswers(url);
}

/** Starts one engine of an initialised instance and returns when it takes connections. */
export async function startServer(
  root: string,
  instance: Instance,
  state: InstanceState,
  engine: EngineName,
): Promise<void> {
  const tag = engineTag(state, engine);
  // Remains of a killed server, such as backends that outlive their postmaster for a moment.
  if (!(await killAll(tag))) throw stuck(engine, tag);
  if (engine === 'postgres') spawnPostgres(postgresSpec(root, instance, state), instance, state);
  else spawnRedis(redisSpec(root, instance, state), instance, state);
  const deadline = Date.now() + LIMITS.stackStartMs;
  let seen = false;
  const spawnedAt = Date.now();
  for (;;) {
    const answer = await engineAnswers(state, engine);
    if (answer.ready && mainPid(instance, state, engine) !== undefined) return;
    const alive = findProcesses(tag).length > 0;
    seen ||= alive;
    const ended = !alive && (seen || Date.now() - spawnedAt > LIMITS.stackProbeMs);
    if (ended || Date.now() > deadline) {
      await killAll(tag);
      throw startFault(instance, engine, answer);
    }
    await sleep(LIMITS.stackPollMs);
  }
}

function startFault(instance: Instance, engine: EngineName, answer: Answer) {
  const logFile = engine === 'postgres' ? postgresLog(instance) : redisLog(instance);
  const log = existsSync(logFile) ? tailOf(readFileSync(logFile, 'utf8'), 8) : '';
  const why = answer.ready ? 'another server answers on its port' : answer.why;
  if (/Address already in use/i.test(log)) {
    return stackFault('port-taken', `${engine} found its port taken`);
  }
  if (/No space left on device/i.test(log)) {
    return stackFault(
      'disk-full',
      `${engine}: the disk is full; make room, then try again\n${log}`,
    );
  }
  return stackFault(
    'start-failed',
    `${engine} did not start (${why}); its log is ${logFile}:\n${log}`,
  );
}

function stuck(engine: EngineName, tag: string) {
  const pids = findProcesses(tag).map(({ pid }) => pid);
  return stackFault(
    'stuck',
    `${engine} cannot be killed: pids ${pids.join(', ')} hang in the kernel`,
  );
}

/**
 * Stops one engine: asks it (PostgreSQL "fast", Redis SIGTERM), waits, then kills. Returns when no
 * process of it is left.
 */
export async function stopServer(
  instance: Instance,
  state: InstanceState,
  engine: EngineName,
): Promise<'stopped' | 'killed' | 'was down'> {
  const tag = engineTag(state, engine);
  if (findProcesses(tag).length === 0) return 'was down';
  const pid = mainPid(instance, state, engine);
  if (pid !== undefined) {
    signal(pid, engine === 'postgres' ? 'SIGINT' : 'SIGTERM');
    if (await waitGone(tag, LIMITS.stackStopMs)) return 'stopped';
  }
  if (!(await killAll(tag, pid))) throw stuck(engine, tag);
  return 'killed';
}

/** What a power cut does to the engine: SIGKILL to all of it, without a word before. */
export async function killServer(
  instance: Instance,
  state: InstanceState,
  engine: EngineName,
): Promise<void> {
  const tag = engineTag(state, engine);
  if (!(await killAll(tag, mainPid(instance, state, engine)))) throw stuck(engine, tag);
}
