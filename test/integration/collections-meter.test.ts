/** Goal: the whole way with a real meter on real MQTT: owed, cut, paid, connected again. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { consumeCollections } from '../../billing/collections/consume.ts';
import { storePlan } from '../../billing/collections/plans.ts';
import { runCollections } from '../../billing/collections/run.ts';
import { timelineOf } from '../../billing/collections/timeline.ts';
import { postPayment } from '../../billing/payments/post.ts';
import { listCommands } from '../../db/command-rows.ts';
import { cryptoRandom, DAY_MS, formatInstant, LIMITS } from '../../domain/index.ts';
import { addInvoice, PLAN } from './collections-support.ts';
import { openUtility, TUESDAY_NINE, type Utility } from './command-support.ts';

describe('one meter', () => {
  let u: Utility;
  beforeAll(async () => {
    u = await openUtility('collections-meter', 1);
  });
  afterAll(() => u.close());

  it('is cut for an unpaid invoice and connected after the payment', async () => {
    const { db, clock } = u;
    const deps = { db, clock, random: cryptoRandom };
    await db.query(`UPDATE account SET currency = 'USD'`);
    await storePlan(db, PLAN, 'test');
    const invoice = { number: 'INV-1', account: 1, total: '187.43' };
    await addInvoice(db, { ...invoice, issued: '2026-08-25', due: '2026-09-01' });
    const meter = await u.connectMeter(0);
    const sender = u.makeSender();
    for (const days of [30, 15]) {
      clock.jump(TUESDAY_NINE - days * DAY_MS - clock.nowMs());
      expect(await runCollections(deps)).toMatchObject({ notices: 1 });
    }
    clock.jump(TUESDAY_NINE - clock.nowMs());
    await db.query('UPDATE service_point SET protection_checked_at = $1', [
      formatInstant(clock.nowMs()),
    ]);
    expect(await runCollections(deps)).toMatchObject({ disconnects: 1 });
    const [cut] = await listCommands(db, { accountId: 1, limit: 10 });
    await u.approve(cut as never);
    await u.settle(sender);
    expect([meter.output, (await u.state(cut?.id as string)).state]).toEqual(['open', 'confirmed']);
    await consumeCollections(deps);

    clock.jump(LIMITS.meterDwellMs + 1_000);
    const nowMs = clock.nowMs();
    const payment = { provider: 'bank', reference: 'P-1', account: 'A0', actor: 'bank' };
    const money = { amount: '187.43', currency: 'USD', receivedMs: nowMs };
    await postPayment(db, { ...payment, ...money }, { nowMs, random: cryptoRandom });
    expect((await consumeCollections(deps)).counts).toMatchObject({ reconnects: 1 });
    const [connect] = await listCommands(db, { accountId: 1, limit: 10 });
    expect(connect).toMatchObject({ action: 'connect', state: 'requested' });
    await u.approve(connect as never);
    await u.settle(sender);
    expect([meter.output, meter.operations.length]).toEqual(['closed', 2]);
    expect((await consumeCollections(deps)).counts).toMatchObject({ closed: 1 });
    const what = (await timelineOf(db, 'A0')).map((entry) => entry.what);
    expect(what.at(-1)).toBe('case.closed');
    expect(what.indexOf('disconnect.confirmed')).toBeLessThan(what.indexOf('payment.received'));
    expect(what.indexOf('payment.received')).toBeLessThan(what.indexOf('connect.confirmed'));
  });
});
