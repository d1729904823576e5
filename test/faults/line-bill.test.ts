/**
 * Goal: billing processes and the database killed in the middle of an issue run: every agreement has
 * one invoice, its number follows the one before, and the books balance to the last cent.
 */
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkTariffText } from '../../billing/tariffs/parse.ts';
import { systemClock } from '../../cli/clock.ts';
import { createApiKey } from '../../db/api-keys.ts';
import { loadMasterData, type MasterData } from '../../db/master.ts';
import { saveTariff } from '../../db/tariffs.ts';
import { cryptoRandom, QUEUES } from '../../domain/index.ts';
import { seededRandom } from '../../simulators/random.ts';
import { home } from '../support/world.ts';
import type { RoleProcess } from './support/role-process.ts';
import { seedsOf } from './support/seeds.ts';
import { TestLine } from './support/test-line.ts';
import { until } from './support/until.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const AGREEMENTS = 600;
const FROM = '2026-10-01';
const TO = '2026-11-01';
/** The local month in Madrid: 745 hours, one of them twice. */
const HOURS = ['2026-09-30T22:00:00Z', '2026-10-31T23:00:00Z'] as const;
const RUN_MS = 120_000;
const [seed = ''] = seedsOf('test/faults/line-bill.test.ts', 0, 1);

let line: TestLine;
let api: RoleProcess;
let token: string;
let redis: Redis;
let queue: Queue;
const billers: RoleProcess[] = [];

beforeAll(async () => {
  line = await TestLine.open('bill');
  api = line.role('api', ['api']);
  api.start();
  for (const name of ['billing-0', 'billing-1']) {
    const biller = line.role(name, ['billing'], { restart: true });
    biller.start();
    billers.push(biller);
  }
  await furnish();
  redis = new Redis(line.stack.urls.redisUrl, { maxRetriesPerRequest: null });
  queue = new Queue(QUEUES.billShard, { connection: redis, prefix: '{meterline}' });
  await Promise.all([api, ...billers].map((role) => role.ready()));
});

afterAll(async () => {
  await queue.close();
  redis.disconnect();
  await line.remove();
});

/** Agreements with a month of readings, straight into the tables: billing is what is tested. */
async function furnish(): Promise<void> {
  const { db } = line;
  const scopes = ['billing:issue', 'billing:read'];
  token = (await createApiKey(db, cryptoRandom, { name: 'biller', scopes })).token;
  const file = join(ROOT, 'billing/tariffs/examples/flat.yaml');
  const checked = checkTariffText(readFileSync(file, 'utf8'));
  await db.transaction(async (tx) => {
    await saveTariff(tx, 'flat', checked.tariff, 'test');
    await loadMasterData(tx, homes(), 'test');
    await tx.query(
      `INSERT INTO batch (uid, origin, received_at, actor, messages, offered, stored, duplicate,
                          rejected, quarantined)
       VALUES (gen_random_uuid(), 'file:test', now(), 'test', 1, $1, $1, 0, 0, 0)`,
      [AGREEMENTS * 745],
    );
    await tx.query(
      `INSERT INTO reading (start_at, value, batch_id, channel_id, quality, flags)
       SELECT at, 100 + (c.id * 7 + extract(epoch FROM at)::bigint / 3600) % 400,
              (SELECT max(id) FROM batch), c.id, 1, 0
       FROM channel c,
            generate_series($1::timestamptz, $2::timestamptz - interval '1 h', '1 h') AS at`,
      [...HOURS],
    );
  });
}

function homes(): MasterData {
  const options = { tariff: 'flat', currency: 'USD', contract: {}, intervalS: 3_600 };
  const all = Array.from({ length: AGREEMENTS }, (_, i) => home(`B${i}`, options));
  const joined = <K extends keyof MasterData>(section: K) =>
    all.flatMap((one) => (one[section] ?? []) as unknown[]);
  return {
    customers: joined('customers'),
    accounts: joined('accounts'),
    servicePoints: joined('servicePoints'),
    meters: joined('meters'),
    channels: joined('channels'),
    installations: joined('installations'),
    agreements: joined('agreements'),
  } as MasterData;
}

async function orderRun(): Promise<string> {
  const response = await fetch(`${await api.ready()}/v1/bill-runs`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      'idempotency-key': 'october',
    },
    body: JSON.stringify({ mode: 'issue', from: FROM, to: TO }),
  });
  expect(response.status).toBe(202);
  return ((await response.json()) as { id: string }).id;
}

async function stateOf(run: string) {
  const [row] = await line.db.query<{ state: string; open: bigint; issued: bigint }>(
    `SELECT r.state, count(*) FILTER (WHERE i.state = 'open') AS open,
            count(*) FILTER (WHERE i.state = 'issued') AS issued
     FROM bill_run r JOIN bill_run_item i ON i.run_id = r.id WHERE r.id = $1 GROUP BY r.state`,
    [run],
  );
  return row;
}

describe('an issue run', () => {
  let run: string;

  it('goes on to its end, whoever is killed in it', async () => {
    const random = seededRandom(seed);
    run = await orderRun();
    // The same order again, as a caller does whose answer was lost: the same run.
    expect(await orderRun()).toBe(run);
    const blows: (() => Promise<void>)[] = [
      () => (billers[0] as RoleProcess).kill9(),
      () => (billers[1] as RoleProcess).kill9(),
      async () => {
        await line.stack.kill9('postgres');
        await line.stack.start('postgres');
      },
    ];
    let inside = 0;
    for (const blow of blows) {
      const isDone = await until('a shard under way', RUN_MS, async () => {
        if ((await queue.getActiveCount()) > 0) return 'active';
        return (await stateOf(run))?.state === 'done' ? 'done' : undefined;
      });
      if (isDone === 'done') break;
      await systemClock.sleep(random.below(400));
      const before = await stateOf(run);
      await blow();
      if ((before?.open ?? 0n) > 0n) inside += 1;
    }
    expect(inside).toBeGreaterThan(0);
    await until('the run done', RUN_MS, async () => {
      const state = await stateOf(run).catch(() => undefined);
      return state?.state === 'done' ? true : undefined;
    });
    expect(await orderRun()).toBe(run);
    console.log(`seed ${seed}: ${inside} blows with open agreements`);
  });

  it('bills every agreement once, for what its meter measured', async () => {
    expect(await stateOf(run)).toMatchObject({ open: 0n, issued: BigInt(AGREEMENTS) });
    const wrong = await line.db.query(
      `SELECT g.id, count(i.number) AS invoices FROM agreement g
       LEFT JOIN invoice i ON i.agreement_id = g.id GROUP BY g.id HAVING count(i.number) <> 1`,
    );
    expect(wrong).toEqual([]);
    const [measured] = await line.db.query(
      `SELECT count(*) AS lines, count(*) FILTER (WHERE l.quantity = m.kwh) AS equal
       FROM invoice i
       JOIN invoice_line l ON l.invoice_number = i.number AND l.code = 'energy'
       JOIN agreement g ON g.id = i.agreement_id
       JOIN installation n ON n.service_point_id = g.service_point_id
       JOIN channel c ON c.meter_id = n.meter_id
       JOIN (SELECT channel_id, sum(value) / 1000.0 AS kwh FROM reading GROUP BY 1) m
         ON m.channel_id = c.id`,
    );
    expect(measured).toEqual({ lines: BigInt(AGREEMENTS), equal: BigInt(AGREEMENTS) });
  });

  it('numbers them without a gap', async () => {
    const rows = await line.db.query<{ number: string }>('SELECT number FROM invoice ORDER BY 1');
    const numbers = rows.map(({ number }) => Number(/\d+$/.exec(number)?.[0]));
    expect(numbers).toEqual(Array.from({ length: AGREEMENTS }, (_, i) => i + 1));
    const series = new Set(rows.map(({ number }) => number.replace(/\d+$/, '')));
    expect(series.size).toBe(1);
  });

  it('leaves the books balanced: one transaction an invoice, each account owes its bill', async () => {
    const [totals] = await line.db.query(
      `SELECT (SELECT count(*) FROM ledger_transaction WHERE kind = 'invoice') AS postings,
              (SELECT count(DISTINCT reference) FROM ledger_transaction) AS referenced,
              (SELECT sum(debit) - sum(credit) FROM ledger_entry) AS difference`,
    );
    expect(totals).toMatchObject({
      postings: BigInt(AGREEMENTS),
      referenced: BigInt(AGREEMENTS),
      difference: expect.stringMatching(/^0(\.0+)?$/),
    });
    const wrong = await line.db.query(
      `SELECT a.number, b.balance, i.total FROM account a
       LEFT JOIN account_balance b ON b.account_id = a.id
       LEFT JOIN invoice i ON i.account_id = a.id
       WHERE b.balance IS DISTINCT FROM i.total`,
    );
    expect(wrong).toEqual([]);
  });
});
