/**
 * Goal: the database's sums are those of the pure path; a run bills everybody once whatever runs it;
 * issued invoices stay as they are; money is posted once and balances.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { localMidnightMs } from '../../billing/calendar/local.ts';
import { explainInvoice } from '../../billing/invoices/explain.ts';
import { runShard, startRun } from '../../billing/invoices/run.ts';
import { sumSupplies } from '../../billing/invoices/sums.ts';
import { PlanCache, planSupply } from '../../billing/invoices/supply-plan.ts';
import { postPayment } from '../../billing/payments/post.ts';
import { sumIntervals } from '../../billing/rating/determinant.ts';
import { EXAMPLE_TARIFFS } from '../../billing/tariffs/examples.ts';
import { parseTariff } from '../../billing/tariffs/parse.ts';
import { lockAccountGuard } from '../../db/account-guards.ts';
import { verifyAudit } from '../../db/audit.ts';
import { runItems } from '../../db/bill-runs.ts';
import { trialBalance } from '../../db/books.ts';
import { readIntervals } from '../../db/readings.ts';
import { agreementIds, supplies } from '../../db/supplies.ts';
import { currentTariffs, saveTariff } from '../../db/tariffs.ts';
import { QUALITY } from '../../domain/index.ts';
import {
  openPipeline,
  type PipelineDeps,
  processBatch,
} from '../../ingest/pipeline/process-batch.ts';
import { seededRandom } from '../../simulators/random.ts';
import { freshDatabase, type TestDatabase } from '../support/database.ts';
import { batchOf, fixedClock, home, intervals, load, seededBytes } from '../support/world.ts';

const ZONE = 'Europe/Madrid';
const [FROM, TO] = ['2026-10-01', '2026-11-01'];
const FROM_MS = localMidnightMs(ZONE, FROM);
const HOURS = 745; // the month of the autumn change
const SWAP_MS = FROM_MS + 400 * 3_600_000;
const HOMES = ['1', '2', '3', '4', '5'];

describe('billing on the database', () => {
  let t: TestDatabase;
  let pipeline: PipelineDeps;
  const clock = fixedClock(Date.parse('2026-11-02T08:00:00Z'));
  const random = seededRandom(11);

  const month = (count: number) => Array.from({ length: count }, () => random.below(900));
  const send = (n: string, startMs: number, values: number[], quality?: number) =>
    processBatch(
      batchOf([intervals(n, startMs, values, quality === undefined ? {} : { quality })], {
        receivedMs: clock.nowMs(),
        origin: 'file:test',
      }),
      pipeline,
    );
  const run = async (mode: 'preview' | 'issue', key: string) => {
    const deps = { db: t.db, clock, random: seededBytes(key) };
    const request = { mode, from: FROM, to: TO, filter: {}, actor: 'test', idempotencyKey: key };
    const { run: made } = await startRun(deps, request);
    await Promise.all([1, 2, 3].map(() => runShard(deps, made.id, 0)));
    return runItems(t.db, made.id, 0, 100);
  };

  beforeAll(async () => {
    t = await freshDatabase('billing');
    const tariff = parseTariff(await EXAMPLE_TARIFFS.read('residential-tou'));
    await t.db.transaction((tx) => saveTariff(tx, tariff.code, tariff, 'test'));
    await load(t.db, ...HOMES.map((n) => home(n, { zone: ZONE })));
    pipeline = openPipeline(t.db, clock);
    await send('1', FROM_MS, month(HOURS * 4));
    await send('2', FROM_MS, month(HOURS * 4 - 8));
    await send('2', FROM_MS + (HOURS * 4 - 8) * 900_000, month(8), QUALITY.ESTIMATED_LINEAR.code);
    await send('3', FROM_MS, month(HOURS * 4 - 1));
    // home 4: the meter is exchanged in the middle of the month
    await t.db.query(
      `UPDATE installation SET to_at = $1 WHERE meter_id =
      (SELECT id FROM meter WHERE serial = 'M-4')`,
      [new Date(SWAP_MS)],
    );
    const channel = { code: '1-0:1.8.0', direction: 'import', unit: 'Wh' } as const;
    await load(t.db, {
      meters: [{ serial: 'M-4b', protocol: 'mqtt' }],
      channels: [{ ...channel, meter: 'M-4b', kind: 'interval', intervalS: 900 }],
      installations: [
        { meter: 'M-4b', servicePoint: 'S-4', from: new Date(SWAP_MS).toISOString() },
      ],
    });
    await send('4', FROM_MS, month(1_600));
    await send('4b', SWAP_MS, month(HOURS * 4 - 1_600));
    await send('5', FROM_MS, month(HOURS * 4), QUALITY.SUSPECT.code);
  });
  afterAll(() => t.drop());

  it('sums by rate period as the pure path does, fingerprints included', async () => {
    const ids = await agreementIds(t.db, FROM, TO, {});
    const found = await supplies(t.db, FROM, TO, ids);
    const rows = await currentTariffs(t.db, ['residential-tou']);
    const tariffs = new Map(
      rows.map((r) => [
        r.code,
        {
          tariff: parseTariff(JSON.stringify(r.definition)),
          revision: r.revision,
          hash: r.definition_hash,
        },
      ]),
    );
    const planned = found.map((supply) => planSupply(supply, tariffs, new PlanCache()));
    const summed = await sumSupplies(t.db, planned);
    for (const [i, { plan, windows }] of planned.entries()) {
      const readings = await Promise.all(
        windows.map((w) => readIntervals(t.db, w.channel.channelId, w.fromMs, w.toMs)),
      );
      const pure = sumIntervals(
        plan.sums,
        readings.flat().map((r) => ({ ...r, channelDirection: 'import' as const })),
      );
      expect(summed[i]).toEqual(pure);
    }
    expect(summed.map((s) => s.reduce((n, d) => n + d.estimated, 0))).toEqual([0, 8, 0, 0, 0]);
  });

  it('previews, then issues the same once, by three workers at a time', async () => {
    const previewed = await run('preview', 'p');
    const issued = await run('issue', 'i');
    const states = Object.fromEntries(issued.map((r) => [r.account_number, r.state]));
    expect(states).toEqual({
      'A-1': 'issued',
      'A-2': 'issued',
      'A-3': 'held',
      'A-4': 'issued',
      'A-5': 'held',
    });
    expect(issued.find((r) => r.account_number === 'A-3')?.reason).toMatch(/1 of \d+ intervals/);
    expect(issued.find((r) => r.account_number === 'A-5')?.reason).toMatch(/may not be billed/);
    const good = issued.filter((r) => r.state === 'issued');
    for (const bill of good) {
      const before = previewed.find((p) => p.agreement_id === bill.agreement_id);
      expect(bill.total).toBe(before?.total);
      expect(bill.input_hash).toBe(before?.input_hash);
    }
    const numbers = good.map((r) => r.invoice_number).sort();
    expect(numbers).toEqual(['INV-0000001', 'INV-0000002', 'INV-0000003']);
  });

  it('explains every determinant from the versions known then, also after a correction', async () => {
    await send('1', FROM_MS + 40 * 900_000, [12_345]);
    const [bill] = await run('issue', 'i');
    const { determinants, lines } = await explainInvoice(t.db, bill!.invoice_number!);
    expect(determinants.every((d) => d.verified)).toBe(true);
    expect(lines.filter((l) => l.determinants.length > 0).length).toBeGreaterThan(0);
    const now = (await run('preview', 'p2')).find((r) => r.account_number === 'A-1');
    expect(now?.input_hash).not.toBe(bill?.input_hash);
  });

  it('refuses to change what was issued or posted', async () => {
    for (const sql of [
      'UPDATE invoice SET total = total + 1, net = net + 1',
      'DELETE FROM invoice_line',
      'TRUNCATE ledger_entry CASCADE',
      `UPDATE ledger_entry SET debit = 0 WHERE debit > 0`,
      'DELETE FROM audit',
    ]) {
      await expect(t.db.query(sql)).rejects.toThrow(/append-only/);
    }
    const lopsided = t.db.transaction(async (tx) => {
      await tx.query(`INSERT INTO ledger_transaction (business_date, kind, reference,
        idempotency_key, actor) VALUES ('2026-11-02', 'payment', 'x', 'x', 'x')`);
      await tx.query(`INSERT INTO ledger_entry SELECT max(id), 1, 'cash', NULL, 'EUR', 5, 0
        FROM ledger_transaction`);
    });
    await expect(lopsided).rejects.toThrow(/does not balance/);
  });

  it('posts a payment once, raises the guard, and parks what nobody owns', async () => {
    const pay = (account: string, reference: string, amount = '10.00') =>
      postPayment(
        t.db,
        {
          provider: 'bank',
          reference,
          account,
          amount,
          currency: 'EUR',
          receivedMs: clock.nowMs(),
          actor: 'test',
        },
        { nowMs: clock.nowMs(), random: seededBytes(reference) },
      );
    const before = await t.db.transaction((tx) => lockAccountGuard(tx, 1));
    const answers = await Promise.all([1, 2, 3, 4].map(() => pay('A-1', 'r1')));
    expect(answers.filter((a) => a.posted)).toHaveLength(1);
    expect(new Set(answers.map((a) => a.id)).size).toBe(1);
    const after = await t.db.transaction((tx) => lockAccountGuard(tx, 1));
    expect(after.version).toBe(before.version + 1n);
    expect(await pay('NOBODY', 'r2')).toMatchObject({ posted: true, accountId: null });
    await expect(pay('A-1', 'r1', '11.00')).rejects.toMatchObject({ code: 'IDEMPOTENCY_REUSED' });
    await expect(pay('A-1', 'r3', '-1.00')).rejects.toMatchObject({ code: 'BAD_REQUEST' });
    const books = await trialBalance(t.db);
    const cents = (text: string) => BigInt(text.replace('.', ''));
    const total = (side: 'debit' | 'credit') =>
      books.reduce(
        (sum, row) => sum + cents(row[side].includes('.') ? row[side] : `${row[side]}.00`),
        0n,
      );
    expect(total('debit')).toBe(total('credit'));
    expect(books.find((r) => r.ledger_account === 'suspense')?.credit).toBe('10.00');
  });

  it('leaves an audit chain that verifies, until somebody edits it', async () => {
    const whole = await verifyAudit(t.db);
    expect(whole.every((c) => c.broken_at === null && c.head_matches)).toBe(true);
    await t.db.transaction(async (tx) => {
      await tx.query('ALTER TABLE audit DISABLE TRIGGER audit_append_only');
      await tx.query(`UPDATE audit SET actor = 'nobody' WHERE chain = 'billing' AND seq = 2`);
      await tx.query(`DELETE FROM audit WHERE chain = 'master' AND seq =
        (SELECT max(seq) FROM audit WHERE chain = 'master')`);
      await tx.query('ALTER TABLE audit ENABLE TRIGGER audit_append_only');
    });
    const broken = await verifyAudit(t.db);
    expect(broken.find((c) => c.chain === 'billing')?.broken_at).toBe(2n);
    expect(broken.find((c) => c.chain === 'master')?.head_matches).toBe(false);
  });
});
