/** A small utility for the command suites: places, meters on real MQTT, keys, a clock, senders. */
import { generateKeyPairSync } from 'node:crypto';
import { setTimeout as sleepFor } from 'node:timers/promises';
import mqtt, { type MqttClient } from 'mqtt';
import { approveCommand } from '../../db/command-approval.ts';
import { approvalPayloadOf, type Command, getCommand } from '../../db/command-rows.ts';
import { createCommand } from '../../db/commands.ts';
import type { GovernorLimits } from '../../db/governor.ts';
import { type LegalWindow, weekdayMornings } from '../../db/legal-window.ts';
import { databaseDirectory } from '../../db/meter-directory.ts';
import type { Database } from '../../db/pool.ts';
import {
  type BreakerState,
  type Clock,
  type CommandAction,
  cryptoRandom,
  DAY_MS,
  formatInstant,
  HOUR_MS,
  type MeterCommand,
  type MeterReply,
  parseInstant,
  signApproval,
  TOPIC,
  uuidV7,
} from '../../domain/index.ts';
import { EmbeddedBroker } from '../../gateway/broker/embedded.ts';
import type { ApproverKeys } from '../../gateway/commands/approvals.ts';
import type { AttemptLog, CommandLink, CrashPoint } from '../../gateway/commands/ports.ts';
import { CommandSender } from '../../gateway/commands/sender.ts';
import { databaseCommandStore } from '../../gateway/commands/store.ts';
import { attachMqttDriver } from '../../gateway/drivers/mqtt/driver.ts';
import { freshDatabase } from '../support/database.ts';

/** Tuesday 2026-10-06, 09:00 in Berlin. */
export const TUESDAY_NINE = Date.UTC(2026, 9, 6, 7, 0);
export const ZONE = 'Europe/Berlin';
const SECRET = 'a-meter-secret-of-some-length-123456';

/** Wall time that jumps on demand; waiting takes a fiftieth. */
export class TestClock implements Clock {
  #offsetMs: number;

  constructor(startMs: number) {
    this.#offsetMs = startMs - Date.now();
  }

  nowMs(): number {
    return Date.now() + this.#offsetMs;
  }

  monotonicMs(): number {
    return performance.now();
  }

  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    await sleepFor(ms / 50, undefined, signal && { signal });
  }

  jump(ms: number): void {
    this.#offsetMs += ms;
  }
}

export type MeterMode =
  | 'honest'
  /** Acts, but the answer is lost. */
  | 'mute'
  /** Acts and answers every question three times. */
  | 'stutter'
  /** Says done; the relay does not move. */
  | 'stuck'
  /** Says done and shows the relay as ordered; the logical state disagrees. */
  | 'lying'
  | 'refusing'
  /** Hears the breaker command and does neither act nor answer. */
  | 'deaf';

/** A meter on a real MQTT connection that writes down every movement of its relay. */
export class TestMeter {
  readonly serial: string;
  mode: MeterMode;
  output: BreakerState = 'closed';
  control: BreakerState = 'closed';
  readonly operations: { id: string; action: CommandAction; atMs: number }[] = [];
  readonly heard: MeterCommand[] = [];
  readonly #done = new Set<string>();
  readonly #clock: Clock;
  #client: MqttClient | undefined;

  constructor(serial: string, clock: Clock, mode: MeterMode = 'honest') {
    this.serial = serial;
    this.#clock = clock;
    this.mode = mode;
  }

  async connect(port: number): Promise<void> {
    const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${port}`, {
      clientId: this.serial,
      username: this.serial,
      password: SECRET,
      reconnectPeriod: 0,
    });
    this.#client = client;
    client.on('message', (_topic, payload) => {
      this.hear(JSON.parse(payload.toString('utf8')) as MeterCommand);
    });
    await client.subscribeAsync(TOPIC.command(this.serial), { qos: 1 });
  }

  async disconnect(): Promise<void> {
    await this.#client?.endAsync(true);
    this.#client = undefined;
  }

  hear(command: MeterCommand): void {
    this.heard.push(command);
    const late = this.#clock.nowMs() > (parseInstant(command.notAfter) as number);
    if (command.action === 'read') this.#reply(command.id, 'done');
    else if (this.mode === 'deaf') return;
    else if (this.#done.has(command.id)) this.#reply(command.id, 'duplicate');
    else if (late) this.#reply(command.id, 'expired');
    else if (this.mode === 'refusing') this.#reply(command.id, 'refused', 'voltage on the load');
    else this.#act(command);
  }

  #act(command: MeterCommand): void {
    this.#done.add(command.id);
    this.#move(command);
    if (this.mode === 'mute') return;
    for (let n = 0; n < (this.mode === 'stutter' ? 3 : 1); n += 1) {
      this.#reply(command.id, 'accepted');
      this.#reply(command.id, 'done');
    }
  }

  #move(command: MeterCommand): void {
    this.operations.push({ id: command.id, action: command.action, atMs: this.#clock.nowMs() });
    const wanted: BreakerState = command.action === 'connect' ? 'closed' : 'open';
    if (this.mode !== 'stuck') this.output = wanted;
    if (this.mode !== 'lying') this.control = command.action === 'arm' ? 'ready' : wanted;
  }

  #reply(id: string, outcome: MeterReply['outcome'], reason?: string): void {
    const reply: MeterReply = {
      id,
      outcome,
      output: this.output,
      control: this.control,
      at: formatInstant(this.#clock.nowMs()),
      ...(reason !== undefined && { reason }),
    };
    this.publishReply(reply);
  }

  publishReply(reply: MeterReply): void {
    this.#client?.publish(TOPIC.reply(this.serial), JSON.stringify(reply), { qos: 1 });
  }
}

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
  const { hashSecret } = await import('../../db/master.ts');
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
