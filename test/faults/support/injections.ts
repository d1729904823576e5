/** Faults of real processes, and a seed's sequence of them. */
import { existsSync, writeFileSync } from 'node:fs';
import { systemClock } from '../../../cli/clock.ts';
import type { Random } from '../../../simulators/random.ts';
import type { Gateway, TestLine } from './test-line.ts';

/** What each kind strikes; while a target is struck, it is not struck again. */
const TARGETS = {
  'kill gateway': ['gateway'],
  'kill worker': ['ingest'],
  'kill both workers': ['ingest'],
  'kill redis': ['redis'],
  'kill postgres': ['postgres'],
  'kill everything': ['gateway', 'ingest', 'redis', 'postgres'],
  'redis empty': ['redis'],
  'pause gateway': ['gateway'],
  'pause worker': ['ingest'],
  'disk full': ['disk'],
  'sync fails': ['gateway'],
  'clock jump': ['clock'],
} as const satisfies Record<string, readonly Target[]>;
type Target = 'gateway' | 'ingest' | 'redis' | 'postgres' | 'disk' | 'clock';

export type FaultKind = keyof typeof TARGETS;
export const FAULT_KINDS = Object.keys(TARGETS) as readonly FaultKind[];

export interface Site {
  readonly line: TestLine;
  readonly gateway: Gateway;
  /** Fills the file system of the journal, or empties it again. */
  readonly fillDisk?: (full: boolean) => void;
  /** The file from which the gateway's clock takes its error; see fakeClock. */
  readonly clockFile?: string;
}

export interface Blow {
  readonly kind: FaultKind;
  readonly atMs: number;
  readonly detail: string;
}

/** Between two blows; kill -9 then falls into every phase of a restart. */
const PAUSE_MS = { least: 150, spread: 2_400 };

/** Strikes for so long, lets everything come back, and tells what it did. */
export async function strikeAtRandom(
  site: Site,
  random: Random,
  kinds: readonly FaultKind[],
  durationMs: number,
  onBlow: (blow: Blow) => void = () => {},
): Promise<Blow[]> {
  const blows: Blow[] = [];
  const struck = new Set<Target>();
  const underWay: Promise<void>[] = [];
  const startedMs = performance.now();
  let draws = 0;
  // Each draw is made whether it is used or not, so that a seed means the same sequence.
  while (performance.now() - startedMs < durationMs) {
    await systemClock.sleep(PAUSE_MS.least + random.below(PAUSE_MS.spread));
    const kind = random.pick(kinds);
    draws += 1;
    const own = random.fork(`${draws}/${kind}`);
    const targets: readonly Target[] = TARGETS[kind];
    if (targets.some((target) => struck.has(target))) continue;
    for (const target of targets) struck.add(target);
    const atMs = Math.round(performance.now() - startedMs);
    const blow = strike(site, kind, own).then((detail) => {
      const done = { kind, atMs, detail };
      blows.push(done);
      onBlow(done);
      for (const target of targets) struck.delete(target);
    });
    underWay.push(blow);
  }
  await Promise.all(underWay);
  return blows.sort((a, b) => a.atMs - b.atMs);
}

export function countKinds(blows: readonly Blow[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { kind } of blows) counts[kind] = (counts[kind] ?? 0) + 1;
  return counts;
}

async function strike(site: Site, kind: FaultKind, random: Random): Promise<string> {
  const { line, gateway } = site;
  const workers = line.workers;
  switch (kind) {
    case 'kill gateway':
      await gateway.process.kill9();
      return '';
    case 'kill worker':
      await random.pick(workers).kill9();
      return '';
    case 'kill both workers':
      await Promise.all(workers.map((worker) => worker.kill9()));
      return '';
    case 'kill redis':
      return await killEngine(line, 'redis', random.below(1_500));
    case 'kill postgres':
      return await killEngine(line, 'postgres', random.below(1_500));
    case 'kill everything':
      return await killEverything(site, random.below(1_000));
    case 'redis empty':
      await line.stack.redisRestartEmpty();
      return '';
    case 'pause gateway':
      return await pause(gateway.process, 500 + random.below(4_000));
    case 'pause worker':
      // Up to longer than the lock of a job: whoever took it over and the one who wakes up both write.
      return await pause(random.pick(workers), 500 + random.below(15_000));
    case 'disk full':
      return await fullDisk(site, 500 + random.below(6_000));
    case 'sync fails':
      return await syncFails(gateway, 1 + random.below(200));
    case 'clock jump':
      return await clockJump(site, random);
  }
}

async function killEngine(
  line: TestLine,
  engine: 'redis' | 'postgres',
  downMs: number,
): Promise<string> {
  await line.stack.kill9(engine);
  await systemClock.sleep(downMs);
  await line.stack.start(engine);
  return `down ${downMs} ms`;
}

async function killEverything({ line, gateway }: Site, downMs: number): Promise<string> {
  await Promise.all([
    gateway.process.kill9(),
    ...line.workers.map((worker) => worker.kill9()),
    line.stack.kill9('postgres'),
    line.stack.kill9('redis'),
  ]);
  await systemClock.sleep(downMs);
  await Promise.all([line.stack.start('postgres'), line.stack.start('redis')]);
  return `engines down ${downMs} ms`;
}

async function pause(
  target: { pause(): void; resume(): void; readonly pid: number | undefined },
  forMs: number,
): Promise<string> {
  target.pause();
  await systemClock.sleep(forMs);
  target.resume();
  return `${forMs} ms`;
}

async function fullDisk({ fillDisk }: Site, forMs: number): Promise<string> {
  if (fillDisk === undefined) throw new Error('this site has no disk to fill');
  fillDisk(true);
  await systemClock.sleep(forMs);
  fillDisk(false);
  return `${forMs} ms`;
}

/** strace's arguments that make the n-th fdatasync of each thread fail; the process keeps its pid. */
export function failingSync(n: number): string[] {
  const quiet = ['-D', '-f', '-qq', '-o', '/dev/null', '-e', 'trace=fdatasync'];
  return ['strace', ...quiet, '-e', `inject=fdatasync:error=EIO:when=${n}`];
}

async function syncFails(gateway: Gateway, n: number): Promise<string> {
  const { process } = gateway;
  const plain = process.under;
  process.under = [...failingSync(n), ...plain];
  await process.kill9();
  // The life under strace begins by itself; it ends at the n-th sync, or the run's next kill ends it.
  const end = await process.ended(60_000).catch(() => undefined);
  process.under = plain;
  if (end === undefined) await process.kill9();
  return end === undefined ? `sync ${n} not reached` : `sync ${n}, exit ${end.code}`;
}

async function clockJump({ clockFile }: Site, random: Random): Promise<string> {
  if (clockFile === undefined) throw new Error('this site has no clock to set');
  const seconds = random.pick([-3_600, 3_600]);
  setClock(clockFile, seconds);
  await systemClock.sleep(1_000 + random.below(8_000));
  setClock(clockFile, 0);
  return `${seconds} s`;
}

export function setClock(file: string, seconds: number): void {
  writeFileSync(file, `${seconds < 0 ? '' : '+'}${seconds}\n`);
}

const FAKETIME = ['x86_64', 'aarch64'].map(
  (machine) => `/usr/lib/${machine}-linux-gnu/faketime/libfaketime.so.1`,
);

/** Environment of a process whose wall clock is off by what `file` says; timers keep running. */
export function fakeClock(file: string): Record<string, string> {
  const library = FAKETIME.find((path) => existsSync(path));
  if (library === undefined) throw new Error('missing: apt-get install libfaketime');
  return {
    LD_PRELOAD: library,
    FAKETIME_TIMESTAMP_FILE: file,
    FAKETIME_NO_CACHE: '1',
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
  };
}
