/** Goal: no cut without every guard in the moment of sending; unknown is protected (G1, T12, T16). */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bumpAccountGuard } from '../../db/account-guards.ts';
import { approveCommand } from '../../db/command-approval.ts';
import { claimForSend } from '../../db/command-claim.ts';
import { type Command, commandEvents } from '../../db/command-rows.ts';
import { transitionCommand } from '../../db/command-state.ts';
import { setKillSwitch } from '../../db/control.ts';
import { GOVERNOR_DEFAULTS } from '../../db/governor.ts';
import { weekdayMornings } from '../../db/legal-window.ts';
import { cryptoRandom, formatInstant, LIMITS } from '../../domain/index.ts';
import { CommandSender } from '../../gateway/commands/sender.ts';
import { databaseCommandStore } from '../../gateway/commands/store.ts';
import { APPROVER_KEYS, memoryAttempts, openUtility, type Utility } from './command-support.ts';

describe('guards in the moment of sending', () => {
  let u: Utility;
  let next = 0;
  beforeAll(async () => {
    u = await openUtility('command-guards', 60);
  });
  afterAll(() => u.close());

  /** A fresh place with a queued cut and a connected meter, on a morning of its own. */
  async function waitingCut() {
    await u.nextDay();
    const index = next;
    next += 1;
    const meter = await u.connectMeter(index);
    const cut = await u.ordered(index, 'disconnect');
    return { index, meter, cut };
  }

  async function outcomeOf(cut: Command, sender = u.makeSender()) {
    await u.settle(sender);
    return u.state(cut.id);
  }

  const PLACE: readonly (readonly [string, string, object])[] = [
    [
      'unknown protection',
      `protection = 'unknown'`,
      { state: 'queued', reason: 'protection unknown' },
    ],
    ['a protected place', `protection = 'protected'`, { state: 'cancelled', reason: 'protected' }],
    [
      'no evidence',
      'protection_checked_at = NULL',
      { state: 'queued', reason: 'protection evidence is not fresh' },
    ],
    [
      'old evidence',
      `protection_checked_at = protection_checked_at - interval '1 day 1 minute'`,
      { state: 'queued', reason: 'protection evidence is not fresh' },
    ],
    [
      'evidence from the future',
      `protection_checked_at = protection_checked_at + interval '1 hour'`,
      { state: 'queued', reason: 'protection evidence is not fresh' },
    ],
    ['an unknown zone', `time_zone = 'Mars/Base'`, { state: 'queued', reason: 'legal window' }],
  ];
  it.each(PLACE)('holds or ends for %s', async (_name, set, expected) => {
    const { index, meter, cut } = await waitingCut();
    await u.db.query(`UPDATE service_point SET ${set} WHERE code = $1`, [`S${index}`]);
    expect(await outcomeOf(cut)).toMatchObject(expected);
    expect(meter.operations).toEqual([]);
  });

  it('holds at night, on Fridays, on holidays and on their eves; reconnects are not held', async () => {
    const { index, meter, cut } = await waitingCut();
    const today = formatInstant(u.clock.nowMs()).slice(0, 10);
    const tomorrow = formatInstant(u.clock.nowMs() + 86_400_000).slice(0, 10);
    const windows = [
      { ...weekdayMornings([]), fromHour: 13 },
      { ...weekdayMornings([]), weekdays: [5, 6, 7] },
      weekdayMornings([today]),
      weekdayMornings([tomorrow]),
    ];
    for (const window of windows) {
      expect(await outcomeOf(cut, u.makeSender({ window }))).toMatchObject({
        reason: 'legal window',
      });
      u.clock.jump(LIMITS.commandHoldRetryMs + 1_000);
    }
    expect(meter.operations).toEqual([]);
    const back = await u.ordered(index, 'connect');
    expect(await outcomeOf(back, u.makeSender({ window: windows[0]! }))).toMatchObject({
      state: 'confirmed',
    });
    const held = (await commandEvents(u.db, cut.id)).filter((e) => e.from === e.to);
    expect(held).toHaveLength(1);
  });

  it('cancels when the guard was raised, blocked, or another agreement is in force', async () => {
    const paid = await waitingCut();
    await u.db.transaction((tx) =>
      bumpAccountGuard(tx, paid.index + 1, { reason: 'payment', payableOpen: '0.00' }),
    );
    expect(await outcomeOf(paid.cut)).toMatchObject({
      state: 'cancelled',
      reason: 'guards changed',
    });

    const moved = await waitingCut();
    await u.db.query('UPDATE agreement SET to_date = $2 WHERE service_point_id = $1', [
      moved.index + 1,
      '2026-01-01',
    ]);
    expect(await outcomeOf(moved.cut)).toMatchObject({
      state: 'cancelled',
      reason: 'another agreement is in force',
    });
    await u.db.transaction((tx) =>
      bumpAccountGuard(tx, next + 1, { reason: 'case', blocks: { dispute: 'case 7' } }),
    );
    await expect(u.order(next, 'disconnect')).rejects.toMatchObject({ code: 'COMMAND_GUARD' });
    next += 1;
    expect([...paid.meter.operations, ...moved.meter.operations]).toEqual([]);
  });

  it('cancels when the meter was taken down meanwhile', async () => {
    const { index, meter, cut } = await waitingCut();
    await u.db.query('UPDATE installation SET to_at = $2 WHERE meter_id = $1', [
      index + 1,
      formatInstant(u.clock.nowMs()),
    ]);
    u.clock.jump(1_000);
    expect(await outcomeOf(cut)).toMatchObject({ state: 'cancelled' });
    expect(meter.operations).toEqual([]);
  });

  const SIGNED: readonly (readonly [string, string, string])[] = [
    ['none', 'approval_signature = NULL', 'approval: there is none'],
    ['an unknown key', `approval_key_id = 'key-x'`, 'approval: key key-x is not known'],
    ['another signature', `approval_signature = 'AAAA'`, 'approval: the signature does not fit'],
    ['no base64', `approval_signature = '<>'`, 'approval: the signature does not fit'],
    ['the requester', `approved_by = requested_by`, 'approval: by the one who asked'],
  ];
  it.each(SIGNED)('refuses an approval by %s', async (_name, set, reason) => {
    const { meter, cut } = await waitingCut();
    await u.db.query(`UPDATE command SET ${set} WHERE id = $1`, [cut.id]);
    expect(await outcomeOf(cut)).toMatchObject({ state: 'refused', reason });
    expect(meter.operations).toEqual([]);
  });

  it('refuses what was signed for another command', async () => {
    await u.nextDay();
    const meter = await u.connectMeter(next);
    const [one, two] = [await u.ordered(next, 'disconnect'), await u.order(next + 1, 'disconnect')];
    const approval = (await u.state(one.id)).approval!;
    const atMs = u.clock.nowMs();
    const grant = { id: two.id, approval, approvedBy: 'anna', atMs };
    await u.db.transaction((tx) => approveCommand(tx, grant));
    const other = await u.connectMeter(next + 1);
    next += 2;
    expect(await outcomeOf(two)).toMatchObject({ state: 'refused' });
    expect(meter.operations.length + other.operations.length).toBeLessThanOrEqual(1);
    expect(other.operations).toEqual([]);
  });

  it('holds when the clocks disagree or a limit is no number or above its default', async () => {
    const { meter, cut } = await waitingCut();
    expect(await outcomeOf(cut, u.makeSender({ clockIsSimulated: false }))).toMatchObject({
      reason: 'clocks disagree',
    });
    for (const wrong of [Number.NaN, -1, 1e9, Number.POSITIVE_INFINITY]) {
      u.clock.jump(LIMITS.commandHoldRetryMs + 1_000);
      const limits = { ...GOVERNOR_DEFAULTS, disconnectFleetPerHourShare: wrong };
      const held = await outcomeOf(cut, u.makeSender({ limits }));
      expect(held.reason).toMatch(/^governor: limit disconnectFleetPerHourShare is/);
    }
    expect(meter.operations).toEqual([]);
  });

  it('freezes all breakers by flag, by a missing flag and by the local switch', async () => {
    const { meter, cut } = await waitingCut();
    const sender = u.makeSender();
    await setKillSwitch(u.db, true, 'carl', 'drill');
    expect(await outcomeOf(cut, sender)).toMatchObject({ state: 'queued', reason: 'kill switch' });
    await u.db.query(`DELETE FROM control_flag WHERE name = 'breaker.kill'`);
    u.clock.jump(LIMITS.commandHoldRetryMs + 1_000);
    expect(await outcomeOf(cut, sender)).toMatchObject({ state: 'queued', reason: 'kill switch' });
    await setKillSwitch(u.db, true, 'carl', 'drill');
    await setKillSwitch(u.db, false, 'anna', 'drill over');
    u.clock.jump(LIMITS.commandHoldRetryMs + 1_000);
    expect((await outcomeOf(cut, u.makeSender({ killed: () => true }))).state).toBe('queued');
    expect(meter.operations).toEqual([]);
    expect((await outcomeOf(cut, sender)).state).toBe('confirmed');
  });

  it('sends nothing when the local switch falls between the claim and the bytes', async () => {
    const { meter, cut } = await waitingCut();
    let killed = false;
    const crash = (point: string) => {
      killed ||= point === 'after-claim';
    };
    const sender = u.makeSender({ killed: () => killed, crash });
    expect(await outcomeOf(cut, sender)).toMatchObject({
      state: 'refused',
      reason: 'not sent: local kill switch',
    });
    expect(meter.operations).toEqual([]);
  });

  it('sends nothing when the attempt cannot be recorded or the database is away', async () => {
    const { meter, cut } = await waitingCut();
    const attempts = {
      ...memoryAttempts(),
      append: () => Promise.reject(new Error('disk full')),
    };
    expect(await outcomeOf(cut, u.makeSender({ attempts }))).toMatchObject({ state: 'refused' });
    const other = await waitingCut();
    const store = {
      ...databaseCommandStore({
        db: u.db,
        clock: u.clock,
        clockIsSimulated: true,
        instance: 'x',
        approverKeys: APPROVER_KEYS,
        window: weekdayMornings([]),
      }),
      claim: () => Promise.reject(new Error('connection lost')),
    };
    const { clock, broker: link } = u;
    const sender = new CommandSender({
      store,
      link,
      clock,
      random: cryptoRandom,
      attempts: memoryAttempts(),
    });
    await sender.hint(other.cut.id);
    await sender.stop();
    expect((await u.state(other.cut.id)).state).toBe('queued');
    expect([...meter.operations, ...other.meter.operations]).toEqual([]);
  });

  it('does not send again what the database forgot and the record remembers', async () => {
    const { meter, cut } = await waitingCut();
    const attempts = memoryAttempts();
    const at = formatInstant(u.clock.nowMs());
    await attempts.append({ commandId: cut.id, meter: 'x', action: 'disconnect', nonce: '', at });
    expect((await outcomeOf(cut, u.makeSender({ attempts }))).state).toBe('indeterminate');
    expect(meter.operations).toEqual([]);
  });

  it('refuses in the database itself: a second sending, a changed order, a deletion', async () => {
    const { cut } = await waitingCut();
    await outcomeOf(cut);
    const attack = (set: string) =>
      expect(u.db.query(`UPDATE command SET ${set} WHERE id = $1`, [cut.id])).rejects.toThrow();
    await attack(`state = 'queued'`);
    await attack('sent_at = NULL, attempts = 0');
    await attack(`meter_serial = 'M1'`);
    await attack(`not_after = not_after + interval '1 day'`);
    await expect(u.db.query('DELETE FROM command')).rejects.toThrow('append-only');
    await expect(u.db.query('DELETE FROM command_event')).rejects.toThrow('append-only');
    const again = { id: cut.id, from: 'confirmed', to: 'sent', actor: 'x', atMs: 0 } as const;
    await expect(transitionCommand(u.db, again)).rejects.toMatchObject({ code: 'COMMAND_STATE' });
    const claim = await claimForSend(u.db, cut.id, {
      clock: u.clock,
      clockIsSimulated: true,
      limits: GOVERNOR_DEFAULTS,
      window: weekdayMornings([]),
      verify: () => undefined,
      sender: 'x',
      nonce: 'x',
    });
    expect(claim).toEqual({ kind: 'gone', state: 'confirmed' });
  });
});
