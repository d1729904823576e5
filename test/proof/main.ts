/**
 * npm run proof [-- --minutes N --seed S]: the whole line under all faults mixed, for as long as asked
 * (10 minutes). Prints what it did and what the judge found; exit code 1 on any violation.
 */
import { randomInt } from 'node:crypto';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { DAY_MS, MINUTE_MS } from '../../domain/index.ts';
import { seededRandom } from '../../simulators/random.ts';
import {
  type Blow,
  countKinds,
  FAULT_KINDS,
  fakeClock,
  type Site,
  setClock,
  strikeAtRandom,
} from '../faults/support/injections.ts';
import { INTERVAL_S } from '../faults/support/senders.ts';
import { smallDisk } from '../faults/support/small-disk.ts';
import { type Load, TestLine } from '../faults/support/test-line.ts';
import { type Books, isClean, type LineVerdict, settle } from '../faults/support/verdict.ts';

const SETTLE_MS = 5 * MINUTE_MS;
const METERS = 20;
const HEAD_ENDS = 3;
/** Intervals a second of one meter at most: what a long run must share out over its time. */
const PACE_MAX = 20;
const HISTORY_DAYS = 38;

function options() {
  const { values } = parseArgs({
    options: { minutes: { type: 'string' }, seed: { type: 'string' } },
  });
  const minutes = Number(values.minutes ?? '10');
  if (!(minutes > 0 && minutes <= 24 * 60)) throw new Error('--minutes: above 0, at most 1440');
  const seed = values.seed ?? process.env['METERLINE_SEED'] ?? String(randomInt(1, 2 ** 31));
  return { minutes, seed };
}

async function prove(minutes: number, seed: string): Promise<boolean> {
  const line = await TestLine.open('proof');
  const disk = smallDisk(join(line.directory, 'disk'));
  let isProven = false;
  const remove = async () => {
    disk.remove();
    await line.remove(!isProven);
    if (!isProven) say(`the meters' files and the logs are in ${line.directory}`);
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => void remove().finally(() => process.exit(130)));
  }
  try {
    const clockFile = join(line.directory, 'clock');
    setClock(clockFile, 0);
    line.startWorkers(2);
    const gateway = await line.startGateway('gateway', {
      journal: disk.directory,
      under: disk.under,
      // One thread of file access makes the n-th sync of strace the n-th sync of the process.
      env: { ...fakeClock(clockFile), UV_THREADPOOL_SIZE: '1' },
    });
    const intervals = (HISTORY_DAYS * DAY_MS) / (INTERVAL_S * 1_000);
    const pace = Math.min(PACE_MAX, intervals / (minutes * 60));
    const load = await line.startLoad(seed, gateway, { meters: METERS, headEnds: HEAD_ENDS, pace });
    const site: Site = {
      line,
      gateway,
      clockFile,
      fillDisk: (full) => disk.fill(full, gateway.process.pid),
    };
    const blows = await strikeAtRandom(
      site,
      seededRandom(seed),
      FAULT_KINDS,
      minutes * MINUTE_MS,
      (blow) => say(`${clock(blow.atMs)}  ${blow.kind}${blow.detail && `: ${blow.detail}`}`),
    );
    isProven = await report(line, load, blows);
    return isProven;
  } finally {
    await remove();
  }
}

async function report(line: TestLine, load: Load, blows: readonly Blow[]): Promise<boolean> {
  say('quiet; waiting until everything acknowledged is stored');
  const { verdicts, books, afterMs } = await settle(line, [load], SETTLE_MS);
  const verdict = verdicts[0] as LineVerdict;
  const rows: [string, number | string][] = [
    ...Object.entries(countKinds(blows)).sort(),
    ['faults injected', blows.length],
    ['settled after, s', Math.round(afterMs / 1_000)],
    ['intervals emitted', verdict.emitted],
    ['intervals acknowledged', verdict.acked],
    ['intervals stored', verdict.stored],
    ['never acknowledged', verdict.unacknowledged],
    ['LOST', verdict.lost.length],
    ['DOUBLED', verdict.doubled.length],
    ['INVENTED', verdict.invented.length],
    ['ALTERED', verdict.altered.length],
    ['good readings refused', verdict.failures.length],
    ['batches', books.batches],
    ['records offered', books.offered],
    ['duplicates found', books.duplicate],
    ['BATCHES UNBALANCED', books.unbalanced.length],
    ['ROWS WITHOUT A BATCH', books.surplus],
  ];
  for (const [name, value] of rows) say(`${name.padEnd(24)}${String(value).padStart(10)}`);
  const examples = violations(verdict, books);
  for (const example of examples.slice(0, 20)) say(example);
  return examples.length === 0 && isClean(verdict) && verdict.stored === books.stored;
}

function violations(verdict: LineVerdict, books: Books): string[] {
  const named = (name: string, list: readonly string[]) => list.map((item) => `${name}: ${item}`);
  return [
    ...named('lost', verdict.lost),
    ...named('doubled', verdict.doubled),
    ...named('invented', verdict.invented),
    ...named('altered', verdict.altered),
    ...named('refused', verdict.failures),
    ...named('unbalanced', books.unbalanced),
    ...(books.surplus === 0 ? [] : [`rows without a batch: ${books.surplus}`]),
  ];
}

function clock(ms: number): string {
  const seconds = Math.floor(ms / 1_000);
  return `${String(Math.floor(seconds / 60)).padStart(3)}:${String(seconds % 60).padStart(2, '0')}`;
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

const { minutes, seed } = options();
say(
  `seed ${seed}, ${minutes} minutes; again: npm run proof -- --minutes ${minutes} --seed ${seed}`,
);
const isProven = await prove(minutes, seed);
say(isProven ? 'PROVEN: nothing lost, nothing counted twice' : `VIOLATED, seed ${seed}`);
process.exit(isProven ? 0 : 1);
