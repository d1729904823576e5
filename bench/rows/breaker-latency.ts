/**
 * From the decision (ordered, approved, queued) to the breaker read back and confirmed, with
 * simulated meters on real MQTT. All guards and the governor are on; the fleet is large enough for
 * its hourly share, each meter has its own feeder and transformer, and the random start of cuts is
 * not asked for.
 */
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { approveCommand } from '../../db/command-approval.ts';
import { approvalPayloadOf } from '../../db/command-rows.ts';
import { createCommand } from '../../db/commands.ts';
import { hashSecret } from '../../db/master.ts';
import type { Database } from '../../db/pool.ts';
import {
  type CommandAction,
  cryptoRandom,
  formatInstant,
  HOUR_MS,
  signApproval,
  uuidV7,
} from '../../domain/index.ts';
import { type CommandHinter, commandHinter } from '../../gateway/commands/hints.ts';
import { SECRET, serialOf } from '../load.ts';
import { type Bench, type BenchContext, figure, quantile, type Row, rounded } from '../row.ts';
import { startSenders } from '../senders/parent.ts';
import { openStage } from '../stage.ts';

/** So that 0.02 % of it may be cut within the hour. */
const FLEET = 500_000;
const AT_ONCE = 5;
const LIMIT_MS = 2_000;
const TIMEOUT_MS = 30_000;
const EVERY_HOUR = { fromHour: 0, toHour: 24, weekdays: [1, 2, 3, 4, 5, 6, 7], holidays: [] };

export const breakerLatency: Bench = { names: ['breaker-latency'], run };

async function run(context: BenchContext): Promise<Row[]> {
  const stage = await openStage('breaker-latency');
  const senders = startSenders();
  const pair = generateKeyPairSync('ed25519');
  try {
    const commands = context.quick ? 40 : 100;
    await loadUtility(stage.db, commands);
    const line = await stage.startLine({
      approverKeys: new Map([['key-anna', { key: pair.publicKey, owner: 'anna' }]]),
      legalWindow: EVERY_HOUR,
    });
    const serials = Array.from({ length: commands }, (_, n) => serialOf(n));
    await senders.ask('breakers', { url: line.mqttUrl ?? '', serials });
    const hinter = commandHinter({ connection: line.deps.redis, prefix: stage.prefix });
    const desk = { db: stage.db, hinter, key: pair.privateKey };
    const latenciesMs: number[] = [];
    const warmUp = AT_ONCE;
    for (let from = 0; from < commands; from += AT_ONCE) {
      const some = serials.slice(from, from + AT_ONCE);
      const took = await Promise.all(some.map((serial) => confirmedMs(desk, serial, 'disconnect')));
      if (from >= warmUp) latenciesMs.push(...took);
    }
    await hinter.close();
    const at = (share: number) => `${figure(quantile(latenciesMs, share))} ms`;
    const said = `p50 ${at(0.5)}, p99 ${at(0.99)}, most ${at(1)}`;
    context.say(`${latenciesMs.length} cuts, ${AT_ONCE} at once, fleet of ${FLEET}: ${said}`);
    const p99 = quantile(latenciesMs, 0.99);
    return [
      {
        name: 'breaker-latency',
        ours: rounded(p99),
        limit: LIMIT_MS,
        ratio: rounded(p99 / LIMIT_MS),
        unit: 'ms, p99',
        target: '< 2,000 (ratio < 1)',
      },
    ];
  } finally {
    await senders.stop();
    await stage.close();
  }
}

/** Where people decide: orders, approves, says that there is something to send. */
interface Desk {
  readonly db: Database;
  readonly hinter: CommandHinter;
  readonly key: KeyObject;
}

async function confirmedMs(desk: Desk, serial: string, action: CommandAction): Promise<number> {
  const { db, hinter, key } = desk;
  const started = performance.now();
  const nowMs = Date.now();
  const id = uuidV7(nowMs, cryptoRandom);
  await db.transaction(async (tx) => {
    const { command } = await createCommand(tx, {
      id,
      meterSerial: serial,
      action,
      requestedBy: 'collections',
      nowMs,
      notBeforeMs: nowMs,
      notAfterMs: nowMs + 10 * 60_000,
      decision: { why: 'unpaid' },
      idempotencyKey: id,
    });
    const approval = signApproval(approvalPayloadOf(command), 'key-anna', key);
    await approveCommand(tx, { id, approval, approvedBy: 'anna', atMs: nowMs });
  });
  await hinter.hint(id);
  for (;;) {
    const [row] = await db.query<{ state: string; reason: string | null }>(
      'SELECT state, reason FROM command WHERE id = $1',
      [id],
    );
    const tookMs = performance.now() - started;
    if (row?.state === 'confirmed') return tookMs;
    const open = ['queued', 'sent', 'accepted'].includes(row?.state ?? '');
    if (!open || tookMs > TIMEOUT_MS) {
      throw new Error(`command for ${serial} is ${row?.state}: ${row?.reason}`);
    }
    await sleep(3);
  }
}

async function loadUtility(db: Database, places: number): Promise<void> {
  await db.query(
    `INSERT INTO meter (serial, protocol, has_breaker, secret_hash)
     SELECT 'B' || lpad(n::text, 7, '0'), 'mqtt', true, $2
     FROM generate_series(0, $1::int - 1) AS n ORDER BY n`,
    [FLEET, hashSecret(SECRET)],
  );
  await db.query(`INSERT INTO customer (code, name) VALUES ('C', 'Customer')`);
  await db.query(
    `INSERT INTO account (number, customer_id, branch, currency)
     SELECT 'A' || n, 1, 'north', 'EUR' FROM generate_series(0, $1::int - 1) AS n ORDER BY n`,
    [places],
  );
  await db.query(
    `INSERT INTO service_point (code, time_zone, branch, feeder, transformer, protection,
       protection_checked_at)
     SELECT 'S' || n, 'Europe/Madrid', 'north', 'F' || n, 'T' || n, 'none', $2
     FROM generate_series(0, $1::int - 1) AS n ORDER BY n`,
    [places, formatInstant(Date.now() - HOUR_MS)],
  );
  await db.query(
    `INSERT INTO installation (meter_id, service_point_id, from_at)
     SELECT id, id, '2020-01-01T00:00:00Z' FROM service_point`,
  );
  await db.query(
    `INSERT INTO agreement (account_id, service_point_id, tariff_code, from_date)
     SELECT id, id, 'none', '2020-01-01' FROM account`,
  );
  await db.query('VACUUM ANALYZE meter');
}
