/**
 * Goal: real processes on a real file system, killed at a sync, with a failing disk and with a full
 * one: what was acknowledged is there afterwards, and nothing was acknowledged that is not.
 */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../cli/clock.ts';
import { cryptoRandom, isFault } from '../../domain/index.ts';
import { nodeFiles } from '../../gateway/journal/files.ts';
import { Journal } from '../../gateway/journal/journal.ts';
import { decode, Judge, originOf } from '../faults/journal-workload.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const CHILD = join(ROOT, 'test/faults/journal-child.ts');
const base = mkdtempSync(join(tmpdir(), 'meterline-journal-'));
let count = 0;

interface Outcome {
  readonly directory: string;
  readonly status: number | null;
  readonly signal: string | null;
  readonly lines: readonly string[];
}

interface ChildOptions {
  /** What runs node, e.g. strace with its arguments. */
  readonly under?: readonly string[];
  readonly messages: number;
  readonly together: number;
  readonly directory?: string;
  readonly filler?: string;
}

function newDirectory(): string {
  count += 1;
  const directory = join(base, String(count));
  execFileSync('mkdir', ['-p', directory]);
  return directory;
}

function runChild(options: ChildOptions): Outcome {
  const directory = options.directory ?? newDirectory();
  const { messages, together, filler } = options;
  const own = [directory, String(messages), String(together), ...(filler ? [filler] : [])];
  const command = [...(options.under ?? []), process.execPath, '--import', 'tsx', CHILD, ...own];
  const done = spawnSync(command[0] as string, command.slice(1), {
    cwd: ROOT,
    encoding: 'utf8',
    timeout: 30_000,
    // `when=N` of strace counts by thread: one thread makes it the N-th sync of the process.
    env: { ...process.env, UV_THREADPOOL_SIZE: '1' },
  });
  const lines = done.stdout.split('\n').filter((line) => line !== '');
  if (!lines.includes('open')) throw new Error(`the child did not open: ${done.stderr}`);
  return { directory, status: done.status, signal: done.signal, lines };
}

function strace(inject: string): string[] {
  // Not --seccomp-bpf: with it strace 6.1 does not deliver an injected SIGKILL.
  const quiet = ['-f', '-qq', '-o', '/dev/null'];
  return ['strace', ...quiet, '-e', 'trace=fdatasync,fsync', '-e', `inject=${inject}`];
}

function idsOf(lines: readonly string[], word: string): number[] {
  const prefix = `${word} `;
  return lines.filter((l) => l.startsWith(prefix)).map((l) => Number(l.slice(prefix.length)));
}

/** Opens what a process left, delivers everything, and says which messages came. */
async function delivered(directory: string): Promise<{ ids: Set<number>; journal: Journal }> {
  const journal = await Journal.open({
    directory,
    files: nodeFiles,
    clock: systemClock,
    random: cryptoRandom,
    limits: { batchLingerMs: 1, journalPollMs: 2 },
  });
  const judge = new Judge();
  journal.forward({
    decode,
    originOf,
    outlet: {
      offer: async (batch) => judge.take(batch),
      committed: async (uids) => new Set(uids.filter((uid) => judge.batches.has(uid))),
    },
  });
  const deadline = performance.now() + 5_000;
  while (journal.stats().uncommittedMessages > 0 && performance.now() < deadline) {
    await new Promise((next) => setTimeout(next, 3));
  }
  await journal.close();
  expect(judge.complaints).toEqual([]);
  const ids = new Set([...judge.uidOf.keys()].map((value) => Math.floor(value / 1_000)));
  return { ids, journal };
}

beforeAll(() => {
  for (const tool of ['strace', 'prlimit']) {
    const found = spawnSync(tool, ['--version']).status === 0;
    if (!found) throw new Error(`${tool} is needed for these tests: apt-get install ${tool}`);
  }
});

afterAll(() => rmSync(base, { recursive: true, force: true }));

describe('a failing disk', () => {
  it.each([1, 3])('EIO at fdatasync %i: exits, acknowledges nothing of that group', async (n) => {
    const under = strace(`fdatasync:error=EIO:when=${n}`);
    const outcome = runChild({ under, messages: 40, together: 4 });
    expect(outcome.status).toBe(70);
    const acked = idsOf(outcome.lines, 'ack');
    expect(acked).toEqual(Array.from({ length: (n - 1) * 4 }, (_, i) => i + 1));
    expect(idsOf(outcome.lines, 'failed')).toHaveLength(40 - acked.length);
    const { ids, journal } = await delivered(outcome.directory);
    expect(acked.filter((id) => !ids.has(id))).toEqual([]);
    expect(journal.recovered.damage).toEqual([]);
    const again = runChild({ messages: 8, together: 4, directory: outcome.directory });
    expect(again.status).toBe(0);
    expect(idsOf(again.lines, 'ack')).toHaveLength(8);
  });

  it('EIO at the fsync of the directory: exits, acknowledges nothing', () => {
    const outcome = runChild({ under: strace('fsync:error=EIO:when=1'), messages: 4, together: 4 });
    expect(outcome.status).toBe(70);
    expect(idsOf(outcome.lines, 'ack')).toEqual([]);
  });
});

describe('kill -9', () => {
  it.each([1, 2, 5, 9])('at fdatasync %i loses nothing acknowledged', async (n) => {
    const under = strace(`fdatasync:signal=SIGKILL:when=${n}`);
    const outcome = runChild({ under, messages: 60, together: 3 });
    expect(outcome.lines).not.toContain('done');
    const acked = idsOf(outcome.lines, 'ack');
    expect(acked).toHaveLength((n - 1) * 3);
    const { ids, journal } = await delivered(outcome.directory);
    expect(acked.filter((id) => !ids.has(id))).toEqual([]);
    expect(Math.max(...ids)).toBeLessThanOrEqual(n * 3);
    // The process was killed, the disk was not: nothing is torn.
    expect(journal.recovered.damage).toEqual([]);
  });
});

describe('a full disk', () => {
  /** No torn record, all acknowledged there, nothing refused there. */
  async function expectClean(outcome: Outcome): Promise<void> {
    const acked = idsOf(outcome.lines, 'ack');
    const full = idsOf(outcome.lines, 'full');
    expect(acked.length).toBeGreaterThan(10);
    expect(full.length).toBeGreaterThan(0);
    expect(acked.length + full.length).toBe(400);
    const { ids, journal } = await delivered(outcome.directory);
    expect(journal.recovered.damage).toEqual([]);
    expect([...ids].sort((a, b) => a - b)).toEqual(acked);
  }

  it('a file-size limit: refuses, tears nothing', async () => {
    const under = ['prlimit', '--fsize=30000'];
    const outcome = runChild({ under, messages: 400, together: 4 });
    expect(outcome.status).toBe(0);
    await expectClean(outcome);
  });

  it('a small file system: refuses, tears nothing, goes on when there is room', async () => {
    const small = newDirectory();
    if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=512k', 'none', small]).status !== 0) {
      // Without the right to mount, the file-size limit stands in for the small disk.
      const outcome = runChild({ under: ['prlimit', '--fsize=30000'], messages: 400, together: 7 });
      await expectClean(outcome);
      return;
    }
    try {
      const filler = join(small, 'filler');
      const { bavail, bsize } = statfsSync(small);
      writeFileSync(filler, Buffer.alloc(bavail * bsize - 12 * bsize));
      const directory = join(small, 'journal');
      const outcome = runChild({ messages: 400, together: 4, directory, filler });
      expect(outcome.lines).toContain('room');
      const after = outcome.lines.slice(outcome.lines.indexOf('room'));
      expect(idsOf(after, 'ack').length).toBeGreaterThan(50);
      await expectClean(outcome);
    } finally {
      execFileSync('umount', [small]);
    }
  });
});

it('a directory belongs to one living process', async () => {
  const directory = newDirectory();
  const args = ['--import', 'tsx', CHILD, directory, '2', '1', 'hold'];
  const child = spawn(process.execPath, args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'inherit'] });
  const gone = new Promise((next) => child.once('exit', next));
  await new Promise<void>((next) => {
    child.stdout.on('data', (text) => String(text).includes('done') && next());
  });
  const refused = await delivered(directory).catch((error: unknown) => error);
  expect(isFault(refused, 'JOURNAL_LOCKED')).toBe(true);
  expect(readFileSync(join(directory, 'lock'), 'utf8')).toContain(String(child.pid));
  child.kill('SIGKILL');
  await gone;
  const { ids } = await delivered(directory);
  expect([...ids]).toEqual([1, 2]);
});
