/** A line with the console in front, two homes, an October with a gap and its bills. */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pino } from 'pino';
import { inject } from 'vitest';
import { runShard, startRun } from '../../billing/invoices/run.ts';
import { checkTariffText } from '../../billing/tariffs/parse.ts';
import { createContext } from '../../cli/context.ts';
import { type Line, startLine } from '../../cli/roles/line.ts';
import { createApiKey } from '../../db/api-keys.ts';
import { openShards } from '../../db/bill-runs.ts';
import type { Database } from '../../db/pool.ts';
import { saveTariff } from '../../db/tariffs.ts';
import { cryptoRandom, SCOPES } from '../../domain/index.ts';
import { closeAllDue, layOutDays } from '../../ingest/ledger/worker.ts';
import { processBatch } from '../../ingest/pipeline/process-batch.ts';
import { freshDatabase } from '../support/database.ts';
import { clockAt, pipelineAt, QUARTER_MS, seal } from '../support/ingest.ts';
import { home, intervals, load } from '../support/world.ts';

const ROOT = resolve(import.meta.dirname, '../..');
/** Local midnights of Europe/Madrid around the month whose 25th day has 25 hours. */
const FROM_MS = Date.parse('2026-09-30T22:00:00Z');
const TO_MS = Date.parse('2026-10-31T23:00:00Z');
/** Ten hours that never arrive, too long to estimate: from 08:00 local on the 10th. */
const GAP_MS = [Date.parse('2026-10-10T06:00:00Z'), Date.parse('2026-10-10T16:00:00Z')] as const;
/** Three quarter hours on the 12th, short enough to estimate. */
const SHORT_MS = [Date.parse('2026-10-12T06:00:00Z'), Date.parse('2026-10-12T06:45:00Z')] as const;
const NOW_MS = Date.parse('2026-11-01T12:00:00Z');

export interface ConsoleWorld {
  readonly line: Line;
  readonly url: string;
  readonly token: string;
  stop(): Promise<void>;
}

export async function openConsoleWorld(): Promise<ConsoleWorld> {
  buildConsole();
  const t = await freshDatabase('console');
  await fill(t.db);
  const { token } = await createApiKey(t.db, cryptoRandom, { name: 'lucia', scopes: SCOPES });
  const context = createContext(ROOT, true);
  const line = await startLine(
    { ...context, log: pino({ level: 'silent' }), config: { ...context.config, httpPort: 0 } },
    {
      engines: { databaseUrl: t.url, redisUrl: inject('redisUrl') },
      roles: ['api'],
      clock: clockAt(NOW_MS),
      prefix: `{console-test-${process.pid}}`,
    },
  );
  return {
    line,
    token,
    url: `${line.httpUrl}/console/`,
    async stop() {
      await line.stop();
      await t.drop();
    },
  };
}

async function fill(db: Database): Promise<void> {
  await load(db, home('1'), home('2'));
  const pipeline = await pipelineAt(db, NOW_MS);
  const count = (TO_MS - FROM_MS) / QUARTER_MS;
  const values = (gaps: readonly (readonly [number, number])[]) =>
    Array.from({ length: count }, (_, i) => {
      const at = FROM_MS + i * QUARTER_MS;
      return gaps.some(([from, to]) => at >= from && at < to) ? null : 100 + ((i * 7) % 90);
    });
  const whole = seal([intervals('1', FROM_MS, values([SHORT_MS]))], { receivedMs: NOW_MS });
  const holed = seal([intervals('2', FROM_MS, values([GAP_MS]))], { receivedMs: NOW_MS });
  const again = { ...whole, uid: '0197f3a0-0000-7000-8000-0000000000c1' };
  const stranger = seal([intervals('9', FROM_MS, [1, 2, 3])], { receivedMs: NOW_MS });
  for (const batch of [whole, holed, again, stranger]) await processBatch(batch, pipeline);
  const ledger = { pipeline, random: cryptoRandom };
  await layOutDays(ledger);
  await closeAllDue(ledger);
  await bill(db);
}

async function bill(db: Database): Promise<void> {
  const file = join(ROOT, 'billing/tariffs/examples/residential-tou.yaml');
  const { tariff } = checkTariffText(readFileSync(file, 'utf8'));
  if (tariff === undefined) throw new Error('the example tariff has problems');
  await db.transaction((tx) => saveTariff(tx, tariff.code, tariff, 'test'));
  const deps = { db, clock: clockAt(NOW_MS), random: cryptoRandom };
  const { run } = await startRun(deps, {
    mode: 'issue',
    from: '2026-10-01',
    to: '2026-11-01',
    filter: { accountNumber: 'A-1' },
    actor: 'test',
    idempotencyKey: 'console',
  });
  for (const { shard } of await openShards(db, run.id)) await runShard(deps, run.id, shard);
}

/** Builds when a source is newer than the built page, so that what is tested is what is written. */
function buildConsole(): void {
  const built = newest(join(ROOT, 'console/dist'));
  const written = Math.max(
    ...['src', 'public', 'index.html', 'vite.config.ts'].map((name) =>
      newest(join(ROOT, 'console', name)),
    ),
  );
  if (built > written) return;
  const vite = join(ROOT, 'node_modules/vite/bin/vite.js');
  execFileSync(process.execPath, [vite, 'build', 'console'], { cwd: ROOT, stdio: 'pipe' });
}

/** Newest modification under a path; 0 when there is nothing. */
function newest(path: string): number {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return 0;
  if (!stat.isDirectory()) return stat.mtimeMs;
  return Math.max(0, ...readdirSync(path).map((name) => newest(join(path, name))));
}
