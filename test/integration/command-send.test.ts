/** Goal: what happens to one command, with a real meter on real MQTT and the real database. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { commandEvents } from '../../db/command-rows.ts';
import { LIMITS } from '../../domain/index.ts';
import { openUtility, type Utility } from './command-support.ts';

describe('one command', () => {
  let u: Utility;
  beforeAll(async () => {
    u = await openUtility('command-send', 20);
  });
  afterAll(() => u.close());

  it('opens, reads back and closes a breaker; every step is an event and an audit row', async () => {
    const meter = await u.connectMeter(0);
    const sender = u.makeSender();
    const cut = await u.ordered(0, 'disconnect');
    await u.settle(sender);
    const after = await u.state(cut.id);
    expect(after).toMatchObject({
      state: 'confirmed',
      result: { output: 'open', control: 'open' },
    });
    expect(meter.operations.map((o) => o.id)).toEqual([cut.id]);
    const [row] = await u.db.query(`SELECT breaker_state FROM meter WHERE serial = 'M0'`);
    expect(row).toEqual({ breaker_state: 'open' });
    const steps = ['requested', 'approved', 'queued', 'sent', 'accepted', 'confirmed'];
    expect((await commandEvents(u.db, cut.id)).map((e) => e.to)).toEqual(steps);
    const trail = await u.db.query<{ action: string }>(
      `SELECT action FROM audit WHERE chain = 'command' AND subject_id = $1 ORDER BY seq`,
      [cut.id],
    );
    expect(trail.map((a) => a.action)).toEqual(steps.map((s) => `command.${s}`));
    const told = await u.db.query(
      `SELECT FROM outbox WHERE topic = 'command.changed' AND key = $1`,
      [cut.id],
    );
    expect(told).toHaveLength(steps.length);

    u.clock.jump(LIMITS.meterDwellMs + 1_000);
    const back = await u.ordered(0, 'connect');
    await u.settle(sender);
    expect((await u.state(back.id)).state).toBe('confirmed');
    expect(meter.output).toBe('closed');
  });

  it('sends nothing after the deadline', async () => {
    await u.nextDay();
    const meter = await u.connectMeter(1);
    const cut = await u.ordered(1, 'disconnect');
    u.clock.jump(11 * 60_000);
    await u.settle(u.makeSender());
    expect((await u.state(cut.id)).state).toBe('expired');
    expect(meter.heard).toEqual([]);
  });

  it('keeps nothing for a meter that is away, and does not act when it returns late', async () => {
    await u.nextDay();
    const sender = u.makeSender();
    const cut = await u.ordered(2, 'disconnect');
    await u.settle(sender);
    expect((await u.state(cut.id)).state).toBe('queued');
    u.clock.jump(2 * 86_400_000);
    const meter = await u.connectMeter(2);
    await u.settle(sender);
    expect((await u.state(cut.id)).state).toBe('expired');
    expect(meter.heard).toEqual([]);
  });

  it('acts when the meter returns in time', async () => {
    await u.nextDay();
    const sender = u.makeSender();
    const cut = await u.ordered(3, 'disconnect');
    await u.settle(sender);
    const meter = await u.connectMeter(3);
    await u.settle(sender);
    expect((await u.state(cut.id)).state).toBe('confirmed');
    expect(meter.operations).toHaveLength(1);
  });

  it('does not execute a cut older than the age limit even before its deadline', async () => {
    await u.nextDay();
    const meter = await u.connectMeter(4);
    const cut = await u.ordered(4, 'disconnect', { notAfterMs: u.clock.nowMs() + 3_600_000 });
    u.clock.jump(LIMITS.commandAgeMsMax + 1_000);
    await u.settle(u.makeSender());
    expect(await u.state(cut.id)).toMatchObject({ state: 'expired' });
    expect(meter.operations).toEqual([]);
  });

  it('reads a meter on demand, without approval, and does not move it', async () => {
    const meter = await u.connectMeter(5);
    const read = await u.order(5, 'read');
    expect(read.state).toBe('queued');
    await u.settle(u.makeSender());
    expect(await u.state(read.id)).toMatchObject({
      state: 'confirmed',
      result: { output: 'closed', control: 'closed' },
    });
    expect(meter.operations).toEqual([]);
  });

  it('ends refused when the meter refuses', async () => {
    await u.nextDay();
    const meter = await u.connectMeter(6, 'refusing');
    const cut = await u.ordered(6, 'disconnect');
    await u.settle(u.makeSender());
    expect(await u.state(cut.id)).toMatchObject({
      state: 'refused',
      reason: 'the meter: refused, voltage on the load',
    });
    expect(meter.operations).toEqual([]);
  });

  it('is confirmed by the read-back when the answer is lost, and sent once', async () => {
    await u.nextDay();
    const meter = await u.connectMeter(7, 'mute');
    const cut = await u.ordered(7, 'disconnect');
    await u.settle(u.makeSender());
    expect((await u.state(cut.id)).state).toBe('confirmed');
    const steps = (await commandEvents(u.db, cut.id)).map((e) => e.to);
    expect(steps).toContain('indeterminate');
    expect(meter.heard.filter((c) => c.action === 'disconnect')).toHaveLength(1);
  });

  it('takes repeated answers once', async () => {
    await u.nextDay();
    const meter = await u.connectMeter(8, 'stutter');
    const cut = await u.ordered(8, 'disconnect');
    await u.settle(u.makeSender());
    expect((await u.state(cut.id)).state).toBe('confirmed');
    const steps = (await commandEvents(u.db, cut.id)).map((e) => e.to);
    expect(steps.filter((s) => s === 'confirmed')).toHaveLength(1);
    expect(meter.operations).toHaveLength(1);
  });

  it.each(['stuck', 'lying'] as const)('never confirms a %s relay', async (mode) => {
    await u.nextDay();
    const index = mode === 'stuck' ? 9 : 10;
    const meter = await u.connectMeter(index, mode);
    const sender = u.makeSender();
    const cut = await u.ordered(index, 'disconnect');
    await u.settle(sender);
    expect((await u.state(cut.id)).state).toBe('indeterminate');
    for (let n = 0; n < 5; n += 1) {
      u.clock.jump(LIMITS.commandRereadMsMax);
      await u.settle(sender);
    }
    const after = await u.state(cut.id);
    expect(after.state).toBe('indeterminate');
    expect(after.rereads).toBeGreaterThanOrEqual(5);
    expect(meter.heard.filter((c) => c.action === 'disconnect')).toHaveLength(1);
    // While it is unclear no second command starts on this meter.
    const back = await u.ordered(index, 'connect');
    await u.settle(sender);
    expect((await u.state(back.id)).state).toBe('approved');
  });

  it('ends refused when the meter never acted and its deadline is over', async () => {
    await u.nextDay();
    const meter = await u.connectMeter(11, 'deaf');
    const sender = u.makeSender();
    const cut = await u.ordered(11, 'disconnect');
    await u.settle(sender);
    expect((await u.state(cut.id)).state).toBe('indeterminate');
    u.clock.jump(60_000);
    await u.settle(sender);
    // It might still act: its deadline has not passed.
    expect((await u.state(cut.id)).state).toBe('indeterminate');
    u.clock.jump(15 * 60_000);
    await u.settle(sender);
    expect(await u.state(cut.id)).toMatchObject({
      state: 'refused',
      reason: 'the meter did not act',
    });
    expect(meter.operations).toEqual([]);
  });

  it('sends once when two gateways want the same command', async () => {
    await u.nextDay();
    const meter = await u.connectMeter(12);
    const senders = [u.makeSender({ instance: 'a' }), u.makeSender({ instance: 'b' })];
    const cut = await u.ordered(12, 'disconnect');
    await Promise.all(senders.flatMap((s) => [s.hint(cut.id), s.sweep(), s.hint(cut.id)]));
    await Promise.all(senders.map((s) => s.idle()));
    expect((await u.state(cut.id)).state).toBe('confirmed');
    expect(meter.operations).toHaveLength(1);
    expect(senders.reduce((n, s) => n + s.stats.sent, 0)).toBe(1);
  });

  it('lets a connect supersede a cut that was not sent', async () => {
    await u.nextDay();
    const meter = await u.connectMeter(13);
    const cut = await u.ordered(13, 'disconnect');
    const back = await u.ordered(13, 'connect');
    await u.settle(u.makeSender());
    expect(await u.state(cut.id)).toMatchObject({ state: 'cancelled' });
    expect((await u.state(back.id)).state).toBe('confirmed');
    expect(meter.operations.map((o) => o.action)).toEqual(['connect']);
  });

  it('ignores answers of another meter', async () => {
    await u.nextDay();
    const meter = await u.connectMeter(14, 'deaf');
    const other = await u.connectMeter(15);
    const sender = u.makeSender();
    const cut = await u.ordered(14, 'disconnect');
    await u.settle(sender);
    other.publishReply({ id: cut.id, outcome: 'refused', at: '2026-10-06T00:00:00Z' });
    await new Promise((r) => setTimeout(r, 100));
    expect((await u.state(cut.id)).state).toBe('indeterminate');
    meter.publishReply({ id: cut.id, outcome: 'refused', at: '2026-10-06T00:00:00Z' });
    await expect.poll(async () => (await u.state(cut.id)).state).toBe('refused');
  });
});
