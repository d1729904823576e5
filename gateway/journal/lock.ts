/**
 * One process a journal directory. The lock names the process by number and start time, so that
 * a number used again after a crash or a reboot is not mistaken for the owner.
 */
import { readFile, rename, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Fault } from '../../domain/faults.ts';

const NAME = 'lock';
const held = new Set<string>();

export async function lockDirectory(directory: string): Promise<() => Promise<void>> {
  const path = join(directory, NAME);
  const own = `${process.pid} ${(await startOf(process.pid)) ?? '-'}\n`;
  if (held.has(path)) throw new Fault('JOURNAL_LOCKED', { directory, owner: process.pid });
  held.add(path);
  try {
    await take(directory, path, own);
  } catch (error) {
    held.delete(path);
    throw error;
  }
  return async () => {
    held.delete(path);
    if ((await contentOf(path)) === own) await unlink(path);
  };
}

async function take(directory: string, path: string, own: string): Promise<void> {
  if (await create(path, own)) return;
  const found = await contentOf(path);
  if (found !== undefined) {
    const owner = await liveOwner(found);
    if (owner !== undefined) throw new Fault('JOURNAL_LOCKED', { directory, owner });
    await setAside(directory, path, found);
  }
  if (!(await create(path, own))) throw new Fault('JOURNAL_LOCKED', { directory, owner: '?' });
}

async function create(path: string, own: string): Promise<boolean> {
  try {
    await writeFile(path, own, { flag: 'wx', mode: 0o600 });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** Renaming first keeps two starters from removing each other's fresh lock. */
async function setAside(directory: string, path: string, stale: string): Promise<void> {
  const aside = `${path}.${process.pid}`;
  await rename(path, aside);
  if ((await contentOf(aside)) !== stale) {
    await rename(aside, path);
    throw new Fault('JOURNAL_LOCKED', { directory, owner: '?' });
  }
  await unlink(aside);
}

async function liveOwner(content: string): Promise<number | undefined> {
  const [pid = '', start = '-'] = content.trim().split(' ');
  const owner = Number(pid);
  // An unreadable lock was torn by a crash; this process's own number is a leftover of another.
  if (!Number.isSafeInteger(owner) || owner <= 0 || owner === process.pid) return undefined;
  try {
    process.kill(owner, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return undefined;
  }
  const started = await startOf(owner);
  return start !== '-' && started !== undefined && started !== start ? undefined : owner;
}

/** Boot and start time of a process where the system tells (Linux); undefined elsewhere. */
async function startOf(pid: number): Promise<string | undefined> {
  const stat = await contentOf(`/proc/${pid}/stat`);
  const boot = await contentOf('/proc/sys/kernel/random/boot_id');
  if (stat === undefined || boot === undefined) return undefined;
  // The name in brackets may hold spaces; start time is field 22, the 20th after it.
  const after = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return `${boot.trim()}:${after[19] ?? '-'}`;
}

async function contentOf(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch {
    return undefined;
  }
}
