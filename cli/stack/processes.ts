import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { LIMITS } from '../../domain/limits.ts';

export interface FoundProcess {
  readonly pid: number;
  readonly title: string;
}

/**
 * Every living process whose command line carries `tag`, this one left out.
 *
 * Each server of an instance and its sandbox carry the instance's random tag (PostgreSQL repeats
 * it in the title of every backend), so the search needs no pid file and a reused pid cannot
 * be taken for ours.
 */
export function findProcesses(tag: string): FoundProcess[] {
  const found: FoundProcess[] = [];
  for (const entry of readdirSync('/proc')) {
    const pid = Number(entry);
    if (!Number.isInteger(pid) || pid === process.pid) continue;
    const title = readTitle(pid);
    if (title.includes(tag)) found.push({ pid, title });
  }
  return found;
}

function readTitle(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
  } catch {
    return ''; // it ended between the listing and the reading
  }
}

/** When a process started, as milliseconds since 1970, from the kernel's clock ticks. */
export function startedAtMs(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // Field 22; the second field may contain blanks, so count from its closing parenthesis.
    const ticks = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]);
    const boot = /^btime (\d+)$/m.exec(readFileSync('/proc/stat', 'utf8'))?.[1];
    const ticksPerSecond = 100;
    return Number(boot) * 1000 + (ticks / ticksPerSecond) * 1000;
  } catch {
    return undefined;
  }
}

export function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** Waits until nothing with `tag` is alive; false when the time ran out. */
export async function waitGone(tag: string, timeoutMs: number): Promise<boolean> {
  const deadline = Date.now() + timeoutMs;
  while (findProcesses(tag).length > 0) {
    if (Date.now() > deadline) return false;
    await sleep(LIMITS.stackPollMs);
  }
  return true;
}

/** SIGKILL to all that carries `tag`, the given main process first; returns when all are gone. */
export async function killAll(tag: string, mainPid?: number): Promise<boolean> {
  if (mainPid !== undefined) signal(mainPid, 'SIGKILL');
  const deadline = Date.now() + LIMITS.stackKillMs;
  while (Date.now() < deadline) {
    const alive = findProcesses(tag);
    if (alive.length === 0) return true;
    for (const { pid } of alive) signal(pid, 'SIGKILL');
    await sleep(LIMITS.stackPollMs);
  }
  return findProcesses(tag).length === 0;
}
