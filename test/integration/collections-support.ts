/** A customer with a meter, invoices in the books, a clock by hand, and a sender without radio. */
import { generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { consumeCollections } from '../../billing/collections/consume.ts';
import { parsePlan } from '../../billing/collections/parse.ts';
import { storePlan } from '../../billing/collections/plans.ts';
import { runCollections } from '../../billing/collections/run.ts';
import type { CollectDeps } from '../../billing/collections/work.ts';
import { postPayment } from '../../billing/payments/post.ts';
import { postLedger } from '../../db/books.ts';
import { approveCommand } from '../../db/command-approval.ts';
import { type ClaimOutcome, claimForSend } from '../../db/command-claim.ts';
import {
  approvalPayloadOf,
  type Command,
  getCommand,
  listCommands,
} from '../../db/command-rows.ts';
import { settleCommand } from '../../db/command-state.ts';
import { GOVERNOR_DEFAULTS } from '../../db/governor.ts';
import { insertInvoices } from '../../db/invoices.ts';
import { weekdayMornings } from '../../db/legal-window.ts';
import type { Database } from '../../db/pool.ts';
import { type Clock, cryptoRandom, formatInstant, signApproval } from '../../domain/index.ts';
import { approvalProblem } from '../../gateway/commands/approvals.ts';
import { freshDatabase } from '../support/database.ts';

export const ZONE = 'America/New_York';
export const PLAN = parsePlan(
  readFileSync(
    resolve(import.meta.dirname, '../../billing/collections/examples/standard.yaml'),
    'utf8',
  ),
);

/** 09:00 in New York (summer) on a date. */
export function nine(date: string): number {
  return Date.parse(`${date}T13:00:00Z`);
}

export class HandClock implements Clock {
  #nowMs: number;

  constructor(startMs: number) {
    this.#nowMs = startMs;
  }

  nowMs(): number {
    return this.#nowMs;
  }

  monotonicMs(): number {
    return this.#nowMs;
  }

  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    await new Promise((done) => setTimeout(done, Math.min(ms, 5)));
    signal?.throwIfAborted();
  }

  set(atMs: number): void {
    this.#nowMs = atMs;
  }
}

const PAIR = generateKeyPairSync('ed25519');
const KEYS = new Map([['key-anna', { key: PAIR.publicKey, owner: 'anna' }]]);

/** One invoice in the books: head and ledger; its lines are no business of collections. */
export async function addInvoice(
  db: Database,
  invoice: { number: string; account: number; total: string; issued: string; due: string },
): Promise<void> {
  const { number, account, total, issued, due } = invoice;
  const month = `${issued.slice(0, 7)}-01`;
  await db.transaction(async (tx) => {
    await insertInvoices(tx, [
      {
        number,
        series: 'INV',
        accountId: account,
        agreementId: account,
        periodFrom: month,
        periodTo: issued,
        currency: 'USD',
        net: total,
        tax: '0',
        total,
        inputHash: number,
        resultHash: number,
        asOf: `${issued}T12:00:00Z`,
        issuedAt: `${issued}T12:00:00Z`,
        dueDate: due,
        runId: null,
        snapshot: {},
        lines: [],
        taxes: [],
        determinants: [],
      },
    ]);
    await postLedger(tx, [
      {
        businessDate: issued,
        kind: 'invoice',
        reference: number,
        idempotencyKey: `invoice:${number}`,
        currency: 'USD',
        actor: 'test',
        entries: [
          { ledgerAccount: 'receivable', accountId: account, debit: total },
          { ledgerAccount: 'revenue', accountId: null, credit: total },
        ],
      },
    ]);
  });
}

/** `count` customers A1.. with meters M1.., each at a place, feeder and transformer of its own. */
export async function openOffice(label: string, count: number) {
  const database = await freshDatabase(label);
  const { db } = database;
  const clock = new HandClock(nine('2026-08-25'));
  await seed(db, count);
  await storePlan(db, PLAN, 'test');
  const deps: CollectDeps = { db, clock, random: cryptoRandom };
  let payments = 0;
  const office = {
    db,
    clock,
    deps,
    run: () => runCollections(deps),
    hear: () => consumeCollections(deps),
    /** Fresh evidence on protections, as somebody looks at them each day. */
    protect: (state = 'none') =>
      db.query('UPDATE service_point SET protection = $1, protection_checked_at = $2', [
        state,
        formatInstant(clock.nowMs()),
      ]),
    /** Runs at nine on each of the dates. */
    async runOn(...dates: string[]) {
      let counts = await office.runAt(nine(dates[0] as string));
      for (const date of dates.slice(1)) counts = await office.runAt(nine(date));
      return counts;
    },
    async runAt(atMs: number) {
      clock.set(atMs);
      await office.protect();
      return runCollections(deps);
    },
    /** Overdue, reminded, warned: the cut falls due on 2026-10-06, a Tuesday. */
    async owe(account: number, total = '187.43', number = `INV-${account}`) {
      const dates = { issued: '2026-08-25', due: '2026-09-01' };
      await addInvoice(db, { number, account, total, ...dates });
    },
    pay(account: number, amount: string) {
      payments += 1;
      const { promise } = paying(db, clock, account, amount, `P-${payments}`);
      return promise;
    },
    /** Oldest first; of one instant, the cut before what closes it. */
    async commands(account: number): Promise<Command[]> {
      const all = await listCommands(db, { accountId: account, limit: 100 });
      return all.sort(
        (a, b) => a.requestedAtMs - b.requestedAtMs || b.action.localeCompare(a.action),
      );
    },
    async approve(id: string): Promise<Command> {
      const command = (await getCommand(db, id)) as Command;
      const approval = signApproval(approvalPayloadOf(command), 'key-anna', PAIR.privateKey);
      const grant = { id, approval, approvedBy: 'anna', atMs: clock.nowMs() };
      return db.transaction((tx) => approveCommand(tx, grant));
    },
    claim: (id: string): Promise<ClaimOutcome> =>
      claimForSend(db, id, {
        clock,
        clockIsSimulated: true,
        limits: GOVERNOR_DEFAULTS,
        window: weekdayMornings([]),
        verify: (command) => approvalProblem(command, command.approval, KEYS),
        sender: 'test',
        nonce: 'n',
      }),
    settle: (id: string, to: 'confirmed' | 'refused', output: 'open' | 'closed') =>
      settleCommand(db, {
        id,
        to,
        actor: 'test',
        atMs: clock.nowMs(),
        output,
        control: output,
      }),
    async cases(account: number) {
      return db.query<{ state: string; round: number; reason: string }>(
        'SELECT state, round, reason FROM collection_case WHERE account_id = $1 ORDER BY id',
        [account],
      );
    },
    async work(account: number) {
      return db.query<{ kind: string; detail: { reasons?: string[] } }>(
        `SELECT kind, detail FROM collection_event
         WHERE account_id = $1 AND needs_person AND settled_at IS NULL ORDER BY id`,
        [account],
      );
    },
    close: () => database.drop(),
  };
  return office;
}
export type Office = Awaited<ReturnType<typeof openOffice>>;

function paying(db: Database, clock: Clock, account: number, amount: string, reference: string) {
  const input = { provider: 'bank', reference, account: `A${account}`, amount, currency: 'USD' };
  const moment = { nowMs: clock.nowMs(), random: cryptoRandom };
  return {
    promise: postPayment(db, { ...input, receivedMs: clock.nowMs(), actor: 'bank' }, moment),
  };
}

async function seed(db: Database, count: number): Promise<void> {
  await db.query(
    `INSERT INTO customer (code, name, language)
     SELECT 'C' || n, 'Customer ' || n, CASE WHEN n % 2 = 0 THEN 'es' ELSE 'en' END
     FROM generate_series(1, $1::int) AS n`,
    [count],
  );
  await db.query(
    `INSERT INTO account (number, customer_id, branch, currency)
     SELECT 'A' || n, n, 'north', 'USD' FROM generate_series(1, $1::int) AS n`,
    [count],
  );
  await db.query(
    `INSERT INTO service_point (code, time_zone, branch, feeder, transformer)
     SELECT 'S' || n, $2, 'north', 'F' || n, 'T' || n FROM generate_series(1, $1::int) AS n`,
    [count, ZONE],
  );
  await db.query(
    `INSERT INTO meter (serial, protocol, has_breaker)
     SELECT 'M' || n, 'mqtt', true FROM generate_series(1, $1::int) AS n`,
    [count],
  );
  await db.query(
    `INSERT INTO installation (meter_id, service_point_id, from_at)
     SELECT id, id, '2020-01-01T00:00:00Z' FROM meter`,
  );
  await db.query(
    `INSERT INTO agreement (account_id, service_point_id, tariff_code, from_date)
     SELECT id, id, 'T1', '2020-01-01' FROM account`,
  );
}
