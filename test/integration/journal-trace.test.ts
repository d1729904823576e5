/**
 * Goal: the real process makes the system calls that durability needs, in the right order. Its trace
 * is played on the simulated disk, and every state a power loss could leave is looked at.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import type { Envelope } from '../../domain/index.ts';
import type { JournalFile } from '../../gateway/journal/files.ts';
import { pick, SimulatedDisk, seededChance } from '../faults/journal-disk.ts';
import { look } from '../faults/journal-image.ts';
import { envelopeOf } from '../faults/journal-workload.ts';

const SEED = Number(process.env['JOURNAL_SEED'] ?? Date.now() % 1_000_000_000);
const ROOT = resolve(import.meta.dirname, '../..');
const MESSAGES = 300;
const base = mkdtempSync(join(tmpdir(), 'meterline-journal-'));

afterAll(() => rmSync(base, { recursive: true, force: true }));

interface Call {
  readonly name: string;
  /** Path of the file handle, or what openat names. */
  readonly path: string;
  readonly flags: string;
  readonly bytes: Buffer;
  readonly numbers: readonly number[];
  readonly result: number;
}

const bytesOf = (text: string) => Buffer.from(text.replaceAll('\\x', ''), 'hex');
const LINE = /^\d+ +(\w+)\((.*)\) += (-?\d+)/;

/** The calls in the order of their ends; a call that another thread interrupted is put together. */
function callsOf(trace: string): Call[] {
  const begun = new Map<string, string>();
  const calls: Call[] = [];
  for (const line of trace.split('\n')) {
    const thread = line.slice(0, line.indexOf(' '));
    if (line.endsWith('<unfinished ...>')) {
      begun.set(thread, line.slice(0, -'<unfinished ...>'.length));
      continue;
    }
    const resumed = /<\.\.\. \w+ resumed>(.*)$/.exec(line);
    const whole = resumed === null ? line : `${begun.get(thread) ?? ''}${resumed[1]}`;
    const match = LINE.exec(whole);
    if (match !== null) calls.push(callOf(match));
  }
  return calls;
}

function callOf(match: RegExpExecArray): Call {
  const [, name = '', args = '', result = ''] = match;
  const handle = /^\w+<([^>]*)>/.exec(args)?.[1] ?? '';
  const text = /"([^"]*)"/.exec(args)?.[1] ?? '';
  const isNamed = name === 'openat' || name === 'unlink';
  return {
    name,
    path: bytesOf(isNamed ? text : handle).toString('utf8'),
    flags: name === 'openat' ? args : '',
    bytes: bytesOf(text),
    numbers: [...args.matchAll(/, (\d+)/g)].map((m) => Number(m[1])),
    result: Number(result),
  };
}

/** Plays journal calls on a disk; anything unknown on a segment is an error. */
class Player {
  readonly disk = new SimulatedDisk();
  private readonly files = new Map<string, JournalFile>();

  async play(call: Call, directory: string): Promise<boolean> {
    if (call.path === directory && call.name === 'fsync') {
      await this.disk.syncDirectory();
      return true;
    }
    if (dirname(call.path) !== directory || !call.path.endsWith('.journal')) return false;
    const name = basename(call.path);
    if (call.name === 'openat') {
      if (!call.flags.includes('O_CREAT')) return false;
      this.files.set(name, await this.disk.create('', name));
      return true;
    }
    const file = this.files.get(name) as JournalFile;
    if (call.name === 'pwrite64') await file.write(call.bytes, call.numbers.at(-1) as number);
    else if (call.name === 'fdatasync') await file.datasync();
    else throw new Error(`${call.name} of ${name} was not expected`);
    return true;
  }
}

it(`system calls of a real process survive any power loss (seed ${SEED})`, async () => {
  console.log(`trace: JOURNAL_SEED=${SEED}`);
  const directory = join(base, 'd');
  const output = join(base, 'trace');
  const calls = 'trace=openat,write,pwrite64,fdatasync,fsync,ftruncate,unlink';
  const strace = ['-f', '-qq', '-y', '-xx', '-s', '1000000', '-o', output, '-e', calls];
  const child = [join(ROOT, 'test/faults/journal-child.ts'), directory, String(MESSAGES), '2'];
  const done = spawnSync('strace', [...strace, process.execPath, '--import', 'tsx', ...child], {
    cwd: ROOT,
    encoding: 'utf8',
    env: { ...process.env, UV_THREADPOOL_SIZE: '1' },
  });
  if (done.error !== undefined) throw new Error('strace is needed: apt-get install strace');
  expect(done.status).toBe(0);
  const chance = seededChance(SEED);
  const player = new Player();
  const acked: number[] = [];
  const appended = new Map<number, Envelope>();
  for (let id = 1; id <= MESSAGES; id += 1) appended.set(id, envelopeOf(id, 50));
  let images = 0;
  let damaged = 0;
  for (const call of callsOf(readFileSync(output, 'utf8'))) {
    const ack = /^ack (\d+)/.exec(call.name === 'write' ? call.bytes.toString('latin1') : '');
    if (ack !== null) acked.push(Number(ack[1]));
    if (!(await player.play(call, directory)) && ack === null) continue;
    for (let n = ack === null ? 2 + pick(chance, 4) : pick(chance, 2); n > 0; n -= 1) {
      images += 1;
      const image = player.disk.image(chance);
      const seen = await look(image, appended);
      const ids = new Set(seen.unsealed);
      expect(acked.filter((id) => !ids.has(id))).toEqual([]);
      if (seen.damage > 0) damaged += 1;
    }
  }
  console.log(`${images} images of a real process, ${damaged} of them damaged`);
  expect(acked).toHaveLength(MESSAGES);
  expect(player.disk.names().length).toBeGreaterThan(1);
  expect(images).toBeGreaterThan(1_000);
  expect(damaged).toBeGreaterThan(20);
}, 60_000);
