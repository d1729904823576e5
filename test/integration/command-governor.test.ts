/** Goal: whatever is asked, by how many gateways, with any restarts: every window keeps its bound. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { approveCommand } from '../../db/command-approval.ts';
import { type ClaimRules, claimForSend } from '../../db/command-claim.ts';
import { settleCommand, transitionCommand } from '../../db/command-state.ts';
import { createCommand } from '../../db/commands.ts';
import { capOf, GOVERNOR_DEFAULTS } from '../../db/governor.ts';
import type { LegalWindow } from '../../db/legal-window.ts';
import {
  type CommandAction,
  cryptoRandom,
  DAY_MS,
  formatInstant,
  HOUR_MS,
  isFault,
  LIMITS,
  MINUTE_MS,
  uuidV7,
} from '../../domain/index.ts';
import { openUtility, seeded, type Utility } from './command-support.ts';

const FLEET = 12_000;
const PLACES = 400;
const FEEDERS = 2;
const STEPS = 120;
const ALWAYS: LegalWindow = {
  fromHour: 0,
  toHour: 24,
  weekdays: [1, 2, 3, 4, 5, 6, 7],
  holidays: [],
};

interface Sent extends Record<string, unknown> {
  action: CommandAction;
  meter_id: number;
  feeder: string;
  transformer: string;
  sent_at: number;
}

/** The most that any window of this length holds, ends included once: (t - length, t]. */
function fullest(sent: readonly Sent[], lengthMs: number): number {
  const inWindow = (end: Sent) =>
    sent.filter((s) => s.sent_at <= end.sent_at && s.sent_at > end.sent_at - lengthMs).length;
  return Math.max(0, ...sent.map(inWindow));
}

function groups(sent: readonly Sent[], key: (s: Sent) => string): Sent[][] {
  const map = new Map<string, Sent[]>();
  for (const s of sent) map.set(key(s), [...(map.get(key(s)) ?? []), s]);
  return [...map.values()];
}

describe('governor', { timeout: 400_000 }, () => {
  let u: Utility;
  beforeAll(async () => {
    u = await openUtility('command-governor', PLACES);
    await u.db.query(
      `INSERT INTO meter (serial, protocol, has_breaker)
       SELECT 'X' || n, 'mqtt', true FROM generate_series(1, $1::int) AS n`,
      [FLEET - PLACES],
    );
    await u.db.query(
      `UPDATE service_point SET feeder = 'F' || id % $1::int, transformer = 'T' || id % 30`,
      [FEEDERS],
    );
  });
  afterAll(() => u.close());

  const rules = (sender: string): ClaimRules => ({
    clock: u.clock,
    clockIsSimulated: true,
    limits: GOVERNOR_DEFAULTS,
    window: ALWAYS,
    verify: () => undefined,
    sender,
    nonce: 'n',
  });

  async function ask(random: () => number): Promise<void> {
    const nowMs = u.clock.nowMs();
    const id = uuidV7(nowMs, cryptoRandom);
    try {
      await u.db.transaction((tx) =>
        createCommand(tx, {
          id,
          meterSerial: `M${Math.floor(random() * PLACES)}`,
          action: random() < 0.6 ? 'disconnect' : 'connect',
          requestedBy: random() < 0.5 ? 'carl' : 'policy',
          nowMs,
          notBeforeMs: nowMs,
          notAfterMs: nowMs + DAY_MS,
          decision: { id },
          idempotencyKey: id,
        }),
      );
      const approval = { keyId: 'key-anna', signature: 's' };
      const grant = { id, approval, approvedBy: 'anna', atMs: nowMs };
      await u.db.transaction((tx) => approveCommand(tx, grant));
    } catch (error) {
      if (!isFault(error)) throw error;
    }
  }

  /** Several gateways at once, each with a new life: nothing is remembered but the rows. */
  async function claimSome(random: () => number, holds: Set<string>): Promise<void> {
    const due = await u.db.query<{ id: string }>(
      `SELECT id FROM command WHERE state = 'queued' ORDER BY md5(id::text || $1) LIMIT 4`,
      [String(random())],
    );
    const outcomes = await Promise.all(
      due.map(({ id }, n) => claimForSend(u.db, id, rules(`gateway-${n}-${random()}`))),
    );
    for (const outcome of outcomes) {
      if (outcome.kind === 'held') holds.add(outcome.reason);
      if (outcome.kind !== 'sent') continue;
      const { id } = outcome.command;
      const step = { id, actor: 'test', atMs: u.clock.nowMs() };
      if (random() < 0.05) {
        const set = { indeterminate_at: step.atMs };
        await transitionCommand(u.db, { ...step, from: 'sent', to: 'indeterminate', set });
      }
      const to = random() < 0.7 ? 'confirmed' : 'refused';
      await settleCommand(u.db, { ...step, to, output: undefined, control: undefined });
    }
  }

  it.each([1, 2])('keeps every bound in every sliding window (seed %i)', async (seed) => {
    const random = seeded(seed);
    u.clock.jump(2 * DAY_MS);
    const fromMs = u.clock.nowMs();
    const holds = new Set<string>();
    for (let step = 0; step < STEPS; step += 1) {
      u.clock.jump(Math.floor(random() * (random() < 0.2 ? 90 : 6) * MINUTE_MS));
      await u.db.query('UPDATE service_point SET protection_checked_at = $1', [
        formatInstant(u.clock.nowMs()),
      ]);
      for (let n = 0; n < 2; n += 1) await ask(random);
      await claimSome(random, holds);
    }
    const sent = await u.db.query<Sent>(
      `SELECT action, meter_id, feeder, transformer, sent_at FROM command
       WHERE sent_at >= $1 ORDER BY sent_at`,
      [formatInstant(fromMs)],
    );
    const cuts = sent.filter((s) => s.action === 'disconnect');
    const connects = sent.filter((s) => s.action !== 'disconnect');
    for (const [kin, times] of [
      [cuts, 1],
      [connects, LIMITS.reconnectCapFactor],
    ] as const) {
      const feeders = groups(kin, (s) => s.feeder);
      const transformers = groups(kin, (s) => s.transformer);
      const feederCap = (share: number) => times * capOf(PLACES / FEEDERS, share);
      expect(fullest(kin, HOUR_MS)).toBeLessThanOrEqual(times * 2);
      expect(fullest(kin, DAY_MS)).toBeLessThanOrEqual(times * 12);
      for (const one of feeders) {
        expect(fullest(one, HOUR_MS)).toBeLessThanOrEqual(
          feederCap(LIMITS.disconnectFeederPerHourShare),
        );
        expect(fullest(one, DAY_MS)).toBeLessThanOrEqual(
          feederCap(LIMITS.disconnectFeederPerDayShare),
        );
      }
      for (const one of transformers) expect(fullest(one, HOUR_MS)).toBeLessThanOrEqual(times);
    }
    for (const one of groups(sent, (s) => String(s.meter_id))) {
      expect(fullest(one, DAY_MS)).toBeLessThanOrEqual(LIMITS.meterOperationsPerDay);
      expect(fullest(one, LIMITS.meterDwellMs)).toBe(1);
      const own = one.filter((s) => s.action === 'disconnect');
      expect(fullest(own, DAY_MS)).toBeLessThanOrEqual(LIMITS.meterDisconnectsPerDay);
    }
    // Bounds that nothing reaches would prove nothing.
    expect([...holds]).toEqual(
      expect.arrayContaining([
        'governor: fleet per hour',
        'governor: fleet per day',
        'governor: feeder per day',
      ]),
    );
    expect(cuts.length).toBeGreaterThan(5);
    expect(connects.length).toBeGreaterThan(20);
  });

  it('stops cuts after too many unclear outcomes in an hour, and lets reconnects pass', async () => {
    u.clock.jump(3 * DAY_MS);
    const atMs = u.clock.nowMs();
    await u.db.query('UPDATE service_point SET protection_checked_at = $1', [formatInstant(atMs)]);
    for (let n = 0; n < LIMITS.indeterminateStopPerHour; n += 1) {
      // Straight into the table, as rows of gateways that died.
      await u.db.query(
        `INSERT INTO command (id, meter_id, meter_serial, service_point_id, feeder, transformer,
           action, state, requested_by, requested_at, not_before, not_after, decision, decision_hash,
           idempotency_key, changed_at, indeterminate_at)
         VALUES ($1::uuid, 1000 + $2::int, 'X', 1, 'Z', 'Z', 'disconnect', 'indeterminate', 'x', $3, $3,
           $3::timestamptz + interval '1 h', '{}', '', $1::uuid::text, $3, $3)`,
        [uuidV7(atMs, cryptoRandom), n, formatInstant(atMs - 1_000)],
      );
    }
    await u.db.query(
      `UPDATE command SET state = 'cancelled' WHERE state IN ('requested', 'approved', 'queued')`,
    );
    const cut = await u.ordered(7, 'disconnect');
    const back = await u.ordered(8, 'connect');
    expect(await claimForSend(u.db, cut.id, rules('a'))).toEqual({
      kind: 'held',
      reason: 'governor: unclear outcomes per hour',
    });
    expect((await claimForSend(u.db, back.id, rules('a'))).kind).toBe('sent');
    u.clock.jump(HOUR_MS);
    const later = await u.ordered(9, 'disconnect');
    expect((await claimForSend(u.db, later.id, rules('a'))).kind).toBe('sent');
  });
});
