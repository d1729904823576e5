/** Goal: what stands in the way of a cut, and how a case rests and goes on, on the real database. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { setHold } from '../../billing/collections/holds.ts';
import { addInvoice, nine, type Office, openOffice } from './collections-support.ts';

const CUT_DAY = '2026-10-06'; // Tuesday

describe('a case that may not go on', () => {
  let office: Office;
  beforeAll(async () => {
    office = await openOffice('collections_holds', 12);
  });
  afterAll(() => office.close());

  async function warned(account: number): Promise<void> {
    await office.owe(account);
    await office.runOn('2026-09-06', '2026-09-21');
  }

  it('a hold cancels, stops and blocks; after it the notice period runs again', async () => {
    await warned(10);
    await office.runOn(CUT_DAY);
    const [command] = await office.commands(10);
    await office.approve(command?.id as string);
    const request = { account: 'A10', kind: 'dispute', reason: 'meter read wrong' } as const;
    const key = { actor: 'eva', idempotencyKey: 'h-1' };
    const first = await setHold(office.deps, { ...request, ...key });
    expect(first.cancelled).toEqual([command?.id]);
    expect(await setHold(office.deps, { ...request, ...key })).toMatchObject({ created: false });
    const other = setHold(office.deps, { ...request, ...key, reason: 'something else' });
    await expect(other).rejects.toMatchObject({ code: 'IDEMPOTENCY_REUSED' });
    expect(await office.cases(10)).toMatchObject([{ state: 'stopped', reason: 'held: dispute' }]);
    const [guard] = await office.db.query('SELECT blocks FROM account_guard WHERE account_id = 10');
    expect(guard?.['blocks']).toEqual({ 'hold.dispute': 'meter read wrong' });
    await office.runOn('2026-10-07', '2026-10-08');
    expect(await office.commands(10)).toHaveLength(1);
    await office.db.query('UPDATE collection_hold SET to_at = $1 WHERE account_id = 10', [
      '2026-10-09T00:00:00Z',
    ]);
    await office.runOn('2026-10-12');
    expect(await office.cases(10)).toMatchObject([{ state: 'open', round: 2 }]);
    const notices = await office.db.query(
      `SELECT round FROM collection_notice WHERE account_id = 10 AND kind = 'final_notice'`,
    );
    expect(notices.map((n) => n['round'])).toEqual([1, 2]);
    expect(await office.commands(10)).toHaveLength(1);
    await office.runOn('2026-10-27');
    expect((await office.commands(10)).map((c) => c.state)).toEqual(['cancelled', 'requested']);
  });

  it('a hold that is still to come moves the guard too, and one too near blocks', async () => {
    await warned(9);
    const version = async () => {
      const sql = 'SELECT version FROM account_guard WHERE account_id = 9';
      return (await office.db.query<{ version: bigint }>(sql))[0]?.version as bigint;
    };
    const before = await version();
    const fromMs = nine(CUT_DAY) + 3_600_000;
    const request = { account: 'A9', kind: 'arrangement', reason: 'six months' } as const;
    await setHold(office.deps, { ...request, fromMs, actor: 'eva', idempotencyKey: 'h-9' });
    expect(await version()).toBeGreaterThan(before);
    await office.runOn(CUT_DAY);
    expect(await office.commands(9)).toEqual([]);
    expect(await office.work(9)).toMatchObject([{ detail: { reasons: ['held: arrangement'] } }]);
  });

  it('unknown protection blocks, says so once a day to a person, and is tried again', async () => {
    await warned(11);
    office.clock.set(nine(CUT_DAY));
    await office.protect('unknown');
    await office.run();
    await office.run();
    expect(await office.commands(11)).toEqual([]);
    const work = await office.work(11);
    expect(work).toMatchObject([
      { kind: 'cut.blocked', detail: { reasons: ['protection is not known'] } },
    ]);
    await office.runOn('2026-10-07');
    expect(await office.commands(11)).toHaveLength(1);
    expect(await office.work(11)).toEqual([]);
  });

  it('a partial payment withdraws; below the minimum the case rests, more debt resumes it', async () => {
    await warned(12);
    await office.runOn(CUT_DAY);
    await office.pay(12, '137.50');
    await office.hear();
    expect((await office.commands(12)).map((c) => c.state)).toEqual(['cancelled']);
    expect(await office.cases(12)).toMatchObject([{ state: 'stopped' }]);
    await office.runOn('2026-10-07');
    expect(await office.cases(12)).toMatchObject([
      { state: 'stopped', reason: '49.93 is below the minimum of 50.00' },
    ]);
    const dates = { issued: '2026-09-25', due: '2026-10-08' };
    await addInvoice(office.db, { number: 'INV-12b', account: 12, total: '90.00', ...dates });
    await office.runOn('2026-10-12');
    expect(await office.cases(12)).toMatchObject([{ state: 'open', round: 2 }]);
    const [last] = await office.db.query(
      'SELECT step, round, amount FROM collection_notice WHERE account_id = 12 ORDER BY round DESC',
    );
    expect(last).toEqual({ step: 'final', round: 2, amount: '139.93' });
  });
});
