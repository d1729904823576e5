/** A small utility for the command suites: places, meters on real MQTT, keys, a clock, senders. */
import { generateKeyPairSync } from 'node:crypto';
import { approveCommand } from '../../db/command-approval.ts';
import { approvalPayloadOf, type Command, getCommand } from '../../db/command-rows.ts';
import { createCommand } from '../../db/commands.ts';
import type { GovernorLimits } from '../../db/governor.ts';
import { type LegalWindow, weekdayMornings } from '../../db/legal-window.ts';
import { hashSecret } from '../../db/master.ts';
import { databaseDirectory } from '../../db/meter-directory.ts';
import type { Database } from '../../db/pool.ts';
import {
  type Clock,
  type CommandAction,
  cryptoRandom,
  DAY_MS,
  formatInstant,
  HOUR_MS,
  signApproval,
  uuidV7,
} from '../../domain/index.ts';
import { EmbeddedBroker } from '../../gateway/broker/embedded.ts';
import type { ApproverKeys } from '../../gateway/commands/approvals.ts';
import type { AttemptLog, CommandLink, CrashPoint } from '../../gateway/commands/ports.ts';
import { CommandSender } from '../../gateway/commands/sender.ts';
import { databaseCommandStore } from '../../gateway/commands/store.ts';
import { attachMqttDriver } from '../../gateway/drivers/mqtt/driver.ts';
import { freshDatabase } from '../support/database.ts';
import { type MeterMode, SECRET, TestClock, TestMeter } from './command-meter.ts';

/** Tuesday 2026-10-06, 09:00 in Berlin. */
export const TUESDAY_NINE = Date.UTC(2026, 9, 6, 7, 0);
export const ZONE = 'Europe/Berlin';
const PAIR = generateKeyPairSync('ed25519');
export const APPROVER_KEYS: ApproverKeys = new Map([
  ['key-anna', { key: PAIR.publicKey, owner: 'anna' }],
]);
export const APPROVER_PRIVATE = PAIR.privateKey;

export interface SenderSetup {
  readonly instance?: string;
  readonly limits?: GovernorLimits;
  readonly window?: LegalWindow;
  readonly clockIsSimulated?: boolean;
  readonly killed?: () => boolean;
  readonly crash?: (point: CrashPoint) => void;
  readonly link?: CommandLink;
  readonly attempts?: AttemptLog;
}

/** Attempts in memory: the suites of the file itself are elsewhere. */
export function memoryAttempts(): AttemptLog {
  const ids = new Set<string>();
  return {
    async append(record) {
      ids.add(record.commandId);
    },
    seen: (id) => ids.has(id),
  };
}

/** Each place has its own feeder, transformer, account and meter: M0, M1, ... */
export async function openUtility(label: string, places: number) {
  const database = await freshDatabase(label);
  const { db } = database;
  const clock = new TestClock(TUESDAY_NINE);
  await seed(db, places, clock.nowMs());
  const broker = new EmbeddedBroker({
    host: '127.0.0.1',
    port: 0,
    clock,
    directory: databaseDirectory({ db, clock }),
  });
  let senders: CommandSender[] = [];
  attachMqttDriver({
    link: broker,
    journal: { append: async () => {} },
    async onReply(serial, reply) {
      for (const sender of senders) await sender.onReply(serial, reply);
    },
  });
  await broker.start();
  const meters: TestMeter[] = [];

  function makeSender(setup: SenderSetup = {}): CommandSender {
    const sender = new CommandSender({
      store: databaseCommandStore({
        db,
        clock,
        clockIsSimulated: setup.clockIsSimulated ?? true,
        instance: setup.instance ?? 'test',
        approverKeys: APPROVER_KEYS,
        window: setup.window ?? weekdayMornings([]),
        ...(setup.limits && { limits: setup.limits }),
      }),
      link: setup.link ?? broker,
      clock,
      random: cryptoRandom,
      attempts: setup.attempts ?? memoryAttempts(),
      ...(setup.killed && { killed: setup.killed }),
      ...(setup.crash && { crash: setup.crash }),
    });
    senders = [...senders, sender];
    return sender;
  }

  async function connectMeter(index: number, mode: MeterMode = 'honest'): Promise<TestMeter> {
    const meter = new TestMeter(`M${index}`, clock, mode);
    await meter.connect(broker.port);
    meters.push(meter);
    return meter;
  }

  return {
    db,
    url: database.url,
    clock,
    broker,
    makeSender,
    connectMeter,
    dropSenders: () => {
      senders = [];
    },
    /** The next morning on which cuts are allowed, with fresh evidence on protections. */
    async nextDay(): Promise<void> {
      const dayEnd = Math.ceil((clock.nowMs() + DAY_MS) / DAY_MS) * DAY_MS;
      clock.jump(dayEnd + 7 * HOUR_MS - clock.nowMs());
      while (![1, 2, 3, 4].includes(new Date(clock.nowMs()).getUTCDay())) {
        clock.jump(DAY_MS);
      }
      await db.query(`UPDATE service_point SET protection_checked_at = $1`, [
        formatInstant(clock.nowMs()),
      ]);
    },
    order: (index: number, action: CommandAction, more: OrderMore = {}) =>
      placeOrder(db, clock, `M${index}`, action, more),
    approve: (command: Command) => approve(db, clock, command),
    async ordered(index: number, action: CommandAction, more: OrderMore = {}): Promise<Command> {
      return approve(db, clock, await placeOrder(db, clock, `M${index}`, action, more));
    },
    state: async (id: string) => (await getCommand(db, id)) as Command,
    /** Sweeps until nothing is under way; the claim and all read-backs are over then. */
    async settle(sender: CommandSender): Promise<void> {
      await sender.sweep();
      await sender.idle();
    },
    async close(): Promise<void> {
      for (const sender of senders) await sender.stop();
      for (const meter of meters) await meter.disconnect();
      await broker.stop();
      await database.drop();
    },
  };
}
export type Utility = Awaited<ReturnType<typeof openUtility>>;

export interface OrderMore {
  readonly requestedBy?: string;
  readonly notBeforeMs?: number;
  readonly notAfterMs?: number;
  readonly idempotencyKey?: string;
  readonly guardsVersion?: bigint;
}

let orders = 0;

async function placeOrder(
  db: Database,
  clock: Clock,
  meterSerial: string,
  action: CommandAction,
  more: OrderMore,
): Promise<Command> {
  orders += 1;
  const nowMs = clock.nowMs();
  const { command } = await db.transaction((tx) =>
    createCommand(tx, {
      id: uuidV7(nowMs, cryptoRandom),
      meterSerial,
      action,
      requestedBy: 'collections',
      nowMs,
      notBeforeMs: nowMs,
      notAfterMs: nowMs + 10 * 60_000,
      decision: { why: 'unpaid', order: orders },
      idempotencyKey: `order-${orders}`,
      ...more,
    }),
  );
  return command;
}

export async function approve(db: Database, clock: Clock, command: Command): Promise<Command> {
  const approval = signApproval(approvalPayloadOf(command), 'key-anna', APPROVER_PRIVATE);
  const grant = { id: command.id, approval, approvedBy: 'anna', atMs: clock.nowMs() };
  return db.transaction((tx) => approveCommand(tx, grant));
}

async function seed(db: Database, places: number, nowMs: number): Promise<void> {
  await db.query(`INSERT INTO customer (code, name) VALUES ('C', 'Customer')`);
  await db.query(
    `INSERT INTO account (number, customer_id, branch, currency)
     SELECT 'A' || n, 1, 'north', 'EUR' FROM generate_series(0, $1::int - 1) AS n`,
    [places],
  );
  await db.query(
    `INSERT INTO service_point (code, time_zone, branch, feeder, transformer, protection,
       protection_checked_at)
     SELECT 'S' || n, $2, 'north', 'F' || n, 'T' || n, 'none', $3
     FROM generate_series(0, $1::int - 1) AS n`,
    [places, ZONE, formatInstant(nowMs)],
  );
  await db.query(
    `INSERT INTO meter (serial, protocol, has_breaker, secret_hash)
     SELECT 'M' || n, 'mqtt', true, $2 FROM generate_series(0, $1::int - 1) AS n`,
    [places, hashSecret(SECRET)],
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

/** mulberry32: small, seeded, good enough to spread delays and choices. */
export function seeded(seed: number): () => number {
  let a = seed;
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}
