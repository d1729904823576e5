/** One unpaid account: reminder, final notice, cut, read-back, payment, reconnection. */
import { addDays, localMidnightMs } from '../../billing/calendar/local.ts';
import { consumeCollections } from '../../billing/collections/consume.ts';
import { storePlan } from '../../billing/collections/plans.ts';
import { runCollections } from '../../billing/collections/run.ts';
import { type TimelineEntry, timelineOf } from '../../billing/collections/timeline.ts';
import { listInvoices } from '../../db/invoices.ts';
import { loadMasterData } from '../../db/master.ts';
import { formatInstant, HOUR_MS, type MeterCommand } from '../../domain/index.ts';
import { type DemoWorld, streamDays } from './month.ts';
import type { People } from './people.ts';
import { accountOf, DEMO_ZONE, type DemoOptions, demoMaster, serialOf } from './plan.ts';

export const UNPAID = 23;

/** A plan made for the demo; a utility writes its own from its regulator's rules. */
const PLAN = {
  code: 'demo',
  name: 'Reminder, final notice, cut',
  currency: 'EUR',
  minAmount: '10.00',
  steps: [
    { code: 'reminder', action: 'notice', after: 'due_date', offsetDays: 5, channel: 'file' },
    { code: 'final', action: 'final_notice', after: 'due_date', offsetDays: 12, channel: 'file' },
    {
      code: 'cut',
      action: 'disconnect',
      after: 'previous',
      offsetDays: 15,
      minAmount: '20.00',
      noticeAgeMinDays: 15,
      noticeAgeMaxDays: 45,
    },
  ],
  resumeFrom: 'final',
  window: { fromHour: 8, toHour: 15, weekdays: [1, 2, 3, 4], holidays: ['2026-12-25'] },
  paymentGraceHours: 24,
  installedDaysMin: 7,
  unknownBreaker: 'allow',
  reconnect: 'connect',
  reconnectOnHold: ['medical', 'vulnerable'],
};

export interface BreakerResult {
  readonly timeline: readonly TimelineEntry[];
  /** What the meter's own record says its contact did. */
  readonly moves: readonly string[];
  readonly cutMs: number;
  readonly reconnectMs: number;
}

const WAIT_MS_MAX = 60_000;

export async function armBreakers({ operations, approver }: People): Promise<void> {
  // Breakers are locked until two people have said otherwise.
  await operations.call('POST', '/v1/breaker/kill', { on: true, reason: 'before the first day' });
  await approver.call('POST', '/v1/breaker/kill', { on: false, reason: 'first day, checked' });
}

export async function collectAndCut(
  world: DemoWorld,
  people: People,
  options: DemoOptions,
  /** Meters have delivered up to here. */
  streamedTo: string,
): Promise<BreakerResult> {
  const { line, clock, progress, unpaidLog } = world;
  const account = accountOf(UNPAID);
  const deps = { db: line.db, clock, random: line.deps.random };
  await storePlan(line.db, PLAN, 'demo');
  await armBreakers(people);
  const invoice = await unpaidInvoice(world, account);
  const visits = [6, 13, 30, 31, 32, 33].map((days) => addDays(invoice.due, days));
  let cut: string | undefined;
  let streamed = streamedTo;
  for (const [index, date] of visits.entries()) {
    await streamDays(world, streamed, date);
    streamed = date;
    clock.jumpTo(localMidnightMs(DEMO_ZONE, date) + 9 * HOUR_MS);
    await refreshProtections(world, options);
    await runCollections(deps);
    progress.step('collections', index + 1, visits.length, date);
    cut = await commandOf(people, serialOf(UNPAID), 'disconnect');
    if (cut !== undefined) break;
  }
  if (cut === undefined) throw new Error(`no disconnect was decided for ${account}`);
  await refreshProtections(world, options);
  const cutMs = await carryOut(world, people, cut);
  progress.finish('disconnect', `${serialOf(UNPAID)} cut and read back open`);
  await proveLoad(world);
  await people.billing.call('POST', '/v1/payments', {
    provider: 'cash-desk-1',
    reference: `receipt-${invoice.number}`,
    account,
    amount: invoice.total,
    currency: 'EUR',
  });
  await consumeCollections(deps, { log: line.deps.log });
  const connect = await commandOf(people, serialOf(UNPAID), 'connect');
  if (connect === undefined) throw new Error(`no reconnection was ordered for ${account}`);
  const reconnectMs = await carryOut(world, people, connect);
  await consumeCollections(deps, { log: line.deps.log });
  progress.finish('reconnect', `${serialOf(UNPAID)} closed again after the payment`);
  const timeline = await timelineOf(line.db, account);
  const moves = unpaidLog.events.flatMap((e) => (e.kind === 'breaker' ? [e.state] : []));
  return { timeline, moves, cutMs, reconnectMs };
}

async function unpaidInvoice({ line }: DemoWorld, account: string) {
  const [invoice] = await listInvoices(line.db, { account, limit: 1 });
  if (invoice === undefined) throw new Error(`${account} has no invoice`);
  return { number: invoice.number, total: invoice.total, due: invoice.due_date };
}

/** The register of protections, delivered anew each day: evidence older than a day counts as none. */
async function refreshProtections({ line, clock }: DemoWorld, options: DemoOptions): Promise<void> {
  const { servicePoints } = demoMaster(options, formatInstant(clock.nowMs()));
  await line.db.transaction((tx) =>
    loadMasterData(tx, servicePoints ? { servicePoints } : {}, 'protections register'),
  );
}

interface CommandAnswer {
  readonly id: string;
  readonly state: string;
  readonly action: MeterCommand['action'];
  readonly notBefore: string;
}

async function commandOf(people: People, meter: string, action: string) {
  const { items } = await people.approver.call<{ items: CommandAnswer[] }>(
    'GET',
    `/v1/commands?meter=${meter}`,
  );
  return items.find((c) => c.action === action)?.id;
}

/** Approves, lets its time come, and waits for the outcome. Returns ms from approval to outcome. */
async function carryOut({ clock }: DemoWorld, people: People, id: string): Promise<number> {
  const path = `/v1/commands/${id}`;
  const { notBefore } = await people.approver.call<CommandAnswer>('GET', path);
  clock.jumpTo(Date.parse(notBefore) + 1_000);
  const startedMs = performance.now();
  await people.approver.approve(id);
  for (;;) {
    const { state } = await people.approver.call<CommandAnswer>('GET', path);
    if (state === 'confirmed') return performance.now() - startedMs;
    const over = performance.now() - startedMs > WAIT_MS_MAX;
    if (over || ['refused', 'expired', 'cancelled'].includes(state)) {
      throw new Error(`command ${id} ended as ${state}`);
    }
    await clock.sleep(50);
  }
}

/** The proof on the load side: the next hour of the meter shows nothing flowing. */
async function proveLoad({ clock, fleet }: DemoWorld): Promise<void> {
  const quarterMs = 900_000;
  const startMs = Math.ceil(clock.nowMs() / quarterMs) * quarterMs;
  clock.jumpTo(startMs + 4 * quarterMs);
  await fleet.sendOne(serialOf(UNPAID), startMs, 4);
}
