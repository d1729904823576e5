/** Goal: from an unpaid invoice to the cut and back, on the real database, each thing once. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { askGates, type GateInputs } from '../../billing/collections/gates.ts';
import { proofOf } from '../../billing/collections/notice-text.ts';
import { timelineOf } from '../../billing/collections/timeline.ts';
import { verifyAudit } from '../../db/audit.ts';
import { hashOf } from '../../domain/index.ts';
import { nine, type Office, openOffice } from './collections-support.ts';

const CUT_DAY = '2026-10-06'; // Tuesday

describe('one account after the other', () => {
  let office: Office;
  beforeAll(async () => {
    office = await openOffice('collections', 12);
  });
  afterAll(() => office.close());

  /** To the morning of the cut, with both notices served. */
  async function warned(account: number): Promise<void> {
    await office.owe(account);
    await office.runOn('2026-09-06', '2026-09-21');
  }

  /** As `warned`, and the disconnect is sent; each on a day of its own, so the governor lets it. */
  async function cut(account: number, day = CUT_DAY) {
    await warned(account);
    await office.runOn(day);
    const [command] = await office.commands(account);
    const id = command?.id as string;
    await office.approve(id);
    expect(await office.claim(id)).toMatchObject({ kind: 'sent' });
    return { id, settle: () => office.settle(id, 'confirmed', 'open') };
  }

  it('reminds, warns and orders one disconnect, however often it runs', async () => {
    await office.owe(1);
    expect(await office.runOn('2026-09-01')).toMatchObject({ opened: 0 }); // due, not overdue
    expect(await office.runOn('2026-09-02')).toMatchObject({ opened: 1, notices: 0 });
    expect(await office.runOn('2026-09-05', '2026-09-06')).toMatchObject({ notices: 1 });
    expect(await office.runOn('2026-09-07', '2026-09-20')).toMatchObject({ notices: 0 });
    expect(await office.runOn('2026-09-21', '2026-10-05')).toMatchObject({ disconnects: 0 });
    await office.runOn(CUT_DAY);
    for (let n = 0; n < 5; n += 1) await office.run();
    await Promise.all([office.run(), office.run()]);
    const commands = await office.commands(1);
    expect(commands).toHaveLength(1);
    expect(commands[0]).toMatchObject({
      action: 'disconnect',
      state: 'requested',
      requestedBy: 'policy:collections',
      meterSerial: 'M1',
      notBeforeMs: nine(CUT_DAY),
      notAfterMs: nine(CUT_DAY) + 6 * 3_600_000, // 15:00 local
    });
    const notices = await office.db.query<Record<string, string | number>>(
      'SELECT * FROM collection_notice WHERE account_id = 1 ORDER BY served_at',
    );
    expect(notices.map((n) => [n['step'], n['kind'], n['served_at']])).toEqual([
      ['reminder', 'notice', nine('2026-09-06')],
      ['final', 'final_notice', nine('2026-09-21')],
    ]);
    expect(notices[1]?.['body']).toContain('may be disconnected from 2026-10-06 on');
    const steps = await office.db.query('SELECT step, attempt FROM collection_step ORDER BY at');
    expect(steps.map((s) => s['step'])).toEqual(['reminder', 'final', 'cut']);
  });

  it('orders once when two runs meet on the same morning', async () => {
    await warned(2);
    office.clock.set(nine(CUT_DAY));
    await office.protect();
    await Promise.all([office.run(), office.run(), office.run()]);
    expect(await office.commands(2)).toHaveLength(1);
    const [notice] = await office.db.query(
      'SELECT body FROM collection_notice WHERE account_id = 2',
    );
    expect(notice?.['body']).toContain('Recordatorio de pago');
  });

  it('keeps a proof that shows any change of a notice', async () => {
    const [n] = await office.db.query<Record<string, never>>(
      `SELECT * FROM collection_notice WHERE account_id = 1 AND step = 'final'`,
    );
    const served = { ...n, accountId: n?.['account_id'], servedAtMs: n?.['served_at'] } as never;
    expect(proofOf(served)).toBe(n?.['proof_hash']);
    expect(proofOf({ ...(served as object), body: 'another' } as never)).not.toBe(
      n?.['proof_hash'],
    );
    const change = office.db.query(`UPDATE collection_notice SET body = '' WHERE account_id = 1`);
    await expect(change).rejects.toThrow('append-only');
  });

  it('gives the same answers from the evidence stored with the command', async () => {
    const [command] = await office.commands(1);
    const decision = command?.decision as { inputs: GateInputs; gates: unknown };
    expect(JSON.parse(JSON.stringify(askGates(decision.inputs)))).toEqual(decision.gates);
    expect(hashOf(decision)).toBe(command?.decisionHash);
    expect(command?.decision).toMatchObject({
      plan: { code: 'standard', revision: 1 },
      inputs: { overdue: { amount: '187.43', invoices: [{ invoice: 'INV-1', open: '187.43' }] } },
    });
  });

  it('orders nothing when the payment came before', async () => {
    await warned(3);
    office.clock.set(nine('2026-10-05'));
    await office.pay(3, '187.43');
    expect((await office.hear()).counts).toMatchObject({ closed: 1 });
    await office.runOn(CUT_DAY);
    expect(await office.commands(3)).toEqual([]);
    expect(await office.cases(3)).toEqual([{ state: 'closed', round: 1, reason: 'paid' }]);
  });

  it('does not order while a payment has not been heard', async () => {
    await warned(4);
    office.clock.set(nine('2026-10-01'));
    await office.pay(4, '20.00');
    await office.runOn(CUT_DAY);
    expect(await office.commands(4)).toEqual([]);
    await office.hear();
    await office.run();
    expect(await office.commands(4)).toHaveLength(1);
  });

  it('withdraws the queued disconnect when a payment comes, and the guard moves', async () => {
    await warned(5);
    await office.runOn(CUT_DAY);
    const [command] = await office.commands(5);
    const queued = await office.approve(command?.id as string);
    expect(queued.state).toBe('queued');
    await office.pay(5, '187.43');
    const [guard] = await office.db.query<{ version: bigint }>(
      'SELECT version FROM account_guard WHERE account_id = 5',
    );
    expect(guard?.version).toBeGreaterThan(command?.guardsVersion as bigint);
    const heard = await Promise.all([office.hear(), office.hear()]);
    expect(heard.map((h) => h.counts.cancelled).sort()).toEqual([0, 1]);
    const [after] = await office.commands(5);
    expect(after).toMatchObject({ state: 'cancelled' });
    expect(after?.reason).toMatch(/^payment /);
    expect(await office.claim(queued.id)).toMatchObject({ kind: 'gone', state: 'cancelled' });
    expect(await office.cases(5)).toMatchObject([{ state: 'closed', reason: 'paid' }]);
  });

  it('a payment that was not heard yet still keeps the breaker closed', async () => {
    await warned(6);
    await office.runOn(CUT_DAY);
    const [command] = await office.commands(6);
    await office.approve(command?.id as string);
    await office.pay(6, '187.43');
    expect(await office.claim(command?.id as string)).toMatchObject({
      kind: 'ended',
      state: 'cancelled',
      reason: 'guards changed',
    });
    await office.hear();
    expect(await office.cases(6)).toMatchObject([{ state: 'closed', reason: 'paid' }]);
  });

  it('after the confirmed cut a payment orders one connect, then the case closes', async () => {
    const { settle } = await cut(7);
    office.clock.set(nine(CUT_DAY) + 60_000);
    await settle();
    await office.hear();
    await office.run();
    expect(await office.commands(7)).toHaveLength(1);
    office.clock.set(nine(CUT_DAY) + 120_000);
    await office.pay(7, '187.43');
    await Promise.all([office.hear(), office.hear(), office.hear()]);
    await office.run();
    const [, connect, ...more] = await office.commands(7);
    expect(more).toEqual([]);
    expect(connect).toMatchObject({ action: 'connect', state: 'requested' });
    expect(await office.cases(7)).toMatchObject([{ state: 'restoring', reason: 'paid' }]);
    office.clock.set(nine(CUT_DAY) + 20 * 60_000);
    await office.approve(connect?.id as string);
    expect(await office.claim(connect?.id as string)).toMatchObject({ kind: 'sent' });
    await office.settle(connect?.id as string, 'confirmed', 'closed');
    await office.hear();
    expect(await office.cases(7)).toMatchObject([{ state: 'closed', reason: 'paid' }]);
    const entries = await timelineOf(office.db, 'A7');
    expect(entries.map((e) => e.at)).toEqual(entries.map((e) => e.at).toSorted());
    const what = entries.map((e) => e.what);
    expect(what).toEqual([
      'invoice.issued',
      'case.opened',
      'notice.served',
      'notice.served',
      'disconnect.requested',
      'disconnect.approved',
      'disconnect.queued',
      'disconnect.sent',
      'disconnect.confirmed',
      'supply.disconnected',
      'payment.received',
      'connect.requested',
      'case.restoring',
      'connect.approved',
      'connect.queued',
      'connect.sent',
      'connect.confirmed',
      'supply.reconnected',
      'case.closed',
    ]);
    const gates = entries[4]?.detail['gates'] as { result: string }[];
    expect(gates.map((g) => g.result)).toEqual(Array(9).fill('allow'));
  });

  it('paid while the cut is in flight: connect when it acted, nothing when it did not', async () => {
    const acted = await cut(8, '2026-10-08');
    await office.pay(8, '187.43');
    await office.hear();
    expect(await office.commands(8)).toHaveLength(1);
    expect(await office.cases(8)).toMatchObject([{ state: 'open' }]);
    await acted.settle();
    await office.hear();
    expect((await office.commands(8)).map((c) => c.action)).toEqual(['disconnect', 'connect']);

    const spared = await cut(9, '2026-10-12');
    await office.pay(9, '187.43');
    await office.hear();
    await office.settle(spared.id, 'refused', 'closed');
    await office.hear();
    expect(await office.commands(9)).toHaveLength(1);
    expect(await office.cases(9)).toMatchObject([{ state: 'closed', reason: 'paid' }]);
  });

  it('leaves a chain of audit rows that verifies', async () => {
    const chains = await verifyAudit(office.db);
    expect(chains.map((c) => [c.chain, c.broken_at, c.head_matches])).toEqual([
      ['billing', null, true],
      ['collections', null, true],
      ['command', null, true],
    ]);
  });
});
