/**
 * A month of 15-minute time-of-use bills, issued through the queue with invoices and ledger, against
 * a bare SQL sum of the same intervals. A month can be issued once only, so the accounts stand in
 * branches: each round issues one branch; the sum is of all, and both are counted by bill.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parse } from 'yaml';
import { startRun } from '../../billing/invoices/run.ts';
import { acceptTariff } from '../../billing/tariffs/parse.ts';
import type { Line } from '../../cli/roles/line.ts';
import { billRun as readRun, runSummary } from '../../db/bill-runs.ts';
import type { Database } from '../../db/pool.ts';
import { saveTariff } from '../../db/tariffs.ts';
import { DAY_MS } from '../../domain/index.ts';
import { bareCopy } from '../bare.ts';
import { copiesOf, DAY_SLOTS, loadFleet } from '../load.ts';
import { type Bench, type BenchContext, figure, median, type Row, rounded } from '../row.ts';
import { openStage, PROJECT } from '../stage.ts';

/** September in Madrid is two hours ahead of UTC at both ends. */
const FROM = '2026-09-01';
const TO = '2026-10-01';
const START_MS = Date.UTC(2026, 7, 31, 22);
const DAYS = 30;
const NIGHT_BILLS = 24_000;
const TIMEOUT_MS = 600_000;
const TARIFF = 'billing/tariffs/examples/residential-tou.yaml';

export const billRun: Bench = { names: ['bill-run'], run };

async function run(context: BenchContext): Promise<Row[]> {
  const stage = await openStage('bill-run');
  try {
    const rounds = context.quick ? 2 : 3;
    const branchBills = context.full ? NIGHT_BILLS / rounds : context.quick ? 400 : 600;
    const bills = branchBills * (rounds + 1);
    await loadCustomers(stage.db, bills, branchBills);
    const loadMs = await loadMonth(stage.db, bills);
    const rows = bills * DAYS * DAY_SLOTS;
    context.say(`${bills} accounts, ${figure(rows)} readings loaded in ${figure(loadMs / 1e3)} s`);
    // The night's other work, closing days, is done by then: the ledger role is not started.
    const line = await stage.startLine({ roles: ['billing', 'api'] });
    const ours: number[] = [];
    const limits: number[] = [];
    for (let n = 0; n <= rounds; n += 1) {
      const sumMs = await bareSum(stage.db, bills);
      const runMs = await issueBranch(line, `branch-${n}`, branchBills);
      if (n === 0) continue; // warm-up
      ours.push((branchBills / runMs) * 1_000);
      limits.push((bills / sumMs) * 1_000);
      const said = [ours, limits].map((all) => figure(all.at(-1) ?? 0)).join(' / ');
      context.say(`round ${n}: issued / bare sum: ${said} bills/s`);
    }
    const perS = median(ours);
    context.say(`${figure(NIGHT_BILLS)} bills at this rate: ${figure(NIGHT_BILLS / perS)} s`);
    return [
      {
        name: 'bill-run',
        ours: rounded(perS),
        limit: rounded(median(limits)),
        ratio: rounded(perS / median(limits)),
        unit: 'bills/s',
        target: '>= 0.5 and >= 200 (24,000 in 2 min)',
      },
    ];
  } finally {
    await stage.close();
  }
}

async function bareSum(db: Database, channels: number): Promise<number> {
  const started = performance.now();
  const rows = await db.query(
    `SELECT channel_id, sum(value) FROM reading WHERE start_at >= $1 AND start_at < $2
     GROUP BY channel_id`,
    [new Date(START_MS), new Date(START_MS + DAYS * DAY_MS)],
  );
  if (rows.length !== channels) throw new Error(`${rows.length} sums of ${channels}`);
  return performance.now() - started;
}

/** From the order to the run's end; every account must have its invoice. */
async function issueBranch(line: Line, branch: string, bills: number): Promise<number> {
  const { deps, db } = line;
  const started = performance.now();
  const { run } = await startRun(deps, {
    mode: 'issue',
    from: FROM,
    to: TO,
    filter: { branch },
    actor: 'bench',
    idempotencyKey: branch,
  });
  await line.billing?.bills.offer(run.id);
  while ((await readRun(db, run.id))?.state !== 'done') {
    if (performance.now() - started > TIMEOUT_MS) throw new Error('the run did not end in time');
    await sleep(10);
  }
  const tookMs = performance.now() - started;
  const summary = await runSummary(db, run.id);
  const issued = summary.find(({ state }) => state === 'issued')?.items;
  if (issued !== BigInt(bills)) throw new Error(`${issued} of ${bills} bills were issued`);
  return tookMs;
}

async function loadCustomers(db: Database, count: number, branchSize: number): Promise<void> {
  const tariff = acceptTariff(parse(readFileSync(join(PROJECT, TARIFF), 'utf8')));
  await db.transaction((tx) => saveTariff(tx, tariff.code, tariff, 'bench'));
  await loadFleet(db, count);
  await db.query(
    `INSERT INTO customer (code, name)
     SELECT 'C' || n, 'Customer ' || n FROM generate_series(0, $1::int - 1) AS n ORDER BY n`,
    [count],
  );
  await db.query(
    `INSERT INTO account (number, customer_id, branch, currency)
     SELECT 'A' || id, id, 'branch-' || (id - 1) / $1::int, 'EUR' FROM customer ORDER BY id`,
    [branchSize],
  );
  await db.query(
    `INSERT INTO service_point (code, time_zone, branch, feeder, transformer)
     SELECT 'S' || id, 'Europe/Madrid', branch, 'F' || id / 500, 'T' || id / 50
     FROM account ORDER BY id`,
  );
  await db.query(
    `INSERT INTO installation (meter_id, service_point_id, from_at)
     SELECT id, id, '2026-01-01T00:00:00Z' FROM service_point`,
  );
  await db.query(
    `INSERT INTO agreement (account_id, service_point_id, tariff_code, contract, from_date)
     SELECT id, id, $1, '{"kwP1": "4.6", "kwP2": "4.6"}', '2026-01-01' FROM account ORDER BY id`,
    [tariff.code],
  );
  await db.query('ANALYZE');
}

/** Day after day, as a utility receives them: a bill's rows lie in thirty places. */
async function loadMonth(db: Database, meters: number): Promise<number> {
  const started = performance.now();
  for (let day = 0; day < DAYS; day += 1) {
    const load = {
      firstMeter: 0,
      meters,
      startMs: START_MS + day * DAY_MS,
      slots: DAY_SLOTS,
      metersAPush: 50,
      slotsAPush: DAY_SLOTS,
    };
    await bareCopy(db, 'reading', copiesOf(load, 50_000));
  }
  // What autovacuum would have done over the month.
  await db.query('VACUUM ANALYZE reading');
  return performance.now() - started;
}
