/** Goal: the command killed in the middle of a file, and run again: nothing lost, nothing doubled. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { importPrefix } from '../../cli/import/session.ts';
import { storedRows } from '../../db/conservation.ts';
import { QUEUES } from '../../domain/index.ts';
import { freshDatabase, type TestDatabase } from '../support/database.ts';
import { dayOf, marketDates, nem12Text } from '../support/nem12.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const METERS = 60;
const DAYS = 10;
const READINGS = METERS * DAYS * 288;

let t: TestDatabase;
let folder: string;
let path: string;
beforeAll(async () => {
  t = await freshDatabase('import_kill9');
  folder = await mkdtemp(join(tmpdir(), 'import-kill9-'));
  path = join(folder, 'many.csv');
  const dates = marketDates('2026-03-01', DAYS);
  const streams = Array.from({ length: METERS }, (_, m) => ({
    nmi: `NMI${String(m).padStart(7, '0')}`,
    serial: `K${m}`,
    minutes: 5,
    days: dates.map((date, d) => dayOf(date, 5, (i) => m * 1_000_000 + d * 1_000 + i)),
  }));
  await writeFile(path, nem12Text(streams));
});
afterAll(async () => {
  const connection = new Redis(inject('redisUrl'));
  const prefix = importPrefix(join(folder, 'import-journal'));
  await new Queue(QUEUES.readings, { connection, prefix }).obliterate({ force: true });
  connection.disconnect();
  await t.drop();
  await rm(folder, { recursive: true, force: true });
});

function start(...args: string[]): ChildProcess {
  return spawn(process.execPath, ['--import', 'tsx', join(ROOT, 'cli/main.ts'), ...args], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      ...process.env,
      DATABASE_URL: t.url,
      REDIS_URL: inject('redisUrl'),
      METERLINE_JOURNAL_DIR: join(folder, 'journal'),
      METERLINE_LOG: 'error',
    },
  });
}

async function ended(child: ChildProcess): Promise<{ code: number | null; out: string }> {
  let out = '';
  child.stdout?.on('data', (chunk: Buffer) => {
    out += chunk.toString();
  });
  const code = await new Promise<number | null>((done) => child.once('close', done));
  return { code, out };
}

interface Said {
  readonly recovered: number;
  readonly files: readonly {
    readonly state: string;
    readonly counts: Readonly<Record<string, number>>;
  }[];
}

async function stored(): Promise<number> {
  const [row] = await t.db.query<{ n: number }>('SELECT count(*)::int AS n FROM reading');
  return row?.n ?? 0;
}

it('is finished by the next import', async () => {
  const victim = start('import', path, '--create-meters', '--no-close', '--json');
  const death = ended(victim);
  while ((await stored()) < READINGS / 10) {
    if (victim.exitCode !== null) throw new Error('the import ended before it was killed');
    await new Promise((done) => setTimeout(done, 5));
  }
  victim.kill('SIGKILL');
  expect((await death).code).toBeNull();
  const before = await stored();
  expect(before).toBeLessThan(READINGS);
  expect(await readdir(join(folder, 'import-journal', 'spool'))).toHaveLength(1);

  const again = await ended(start('import', path, '--create-meters', '--no-close', '--json'));
  expect(again.code).toBe(0);
  const said = JSON.parse(again.out) as Said;
  expect(said.recovered).toBeGreaterThan(0);
  const counts = said.files[0]?.counts ?? {};
  expect(counts).toMatchObject({ offered: READINGS, rejected: 0, quarantined: 0 });
  expect(counts['duplicate']).toBeGreaterThan(before);

  const [sum] = await t.db.query<{ n: bigint; total: bigint; meters: bigint }>(
    `SELECT count(*) AS n, sum(value)::bigint AS total, count(DISTINCT channel_id) AS meters
     FROM reading`,
  );
  const perDay = (from: number) => 288 * from + (287 * 288) / 2;
  let total = 0;
  for (let m = 0; m < METERS; m += 1) {
    for (let d = 0; d < DAYS; d += 1) total += perDay(m * 1_000_000 + d * 1_000);
  }
  expect(sum).toEqual({ n: BigInt(READINGS), total: BigInt(total), meters: BigInt(METERS) });
  expect(await storedRows(t.db)).toEqual({ rows: BigInt(READINGS), claimed: BigInt(READINGS) });
  expect(await readdir(join(folder, 'import-journal', 'spool'))).toEqual([]);
});

it('ends with 1 when a file was refused, with 2 when it is used wrongly', async () => {
  const bad = join(folder, 'bad.csv');
  await writeFile(bad, '100,NEM12,202601010000,A,B\r\n900\r\n');
  const [refused, misused] = await Promise.all([
    ended(start('import', bad)),
    ended(start('import', path, '--no-such-flag')),
  ]);
  expect(refused.code).toBe(1);
  expect(refused.out).toContain('bad.csv:2: RecordIndicator: there is no 200 record');
  expect(misused.code).toBe(2);
});
