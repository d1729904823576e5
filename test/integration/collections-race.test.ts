/**
 * Goal: payment, claim, run and both listeners meet on the same accounts. Whatever comes first, nobody
 * who paid before the send is cut, and everybody who was cut gets one connect.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Office, openOffice } from './collections-support.ts';

const ACCOUNTS = 16;
const SENT_FIRST = [1, 2, 3];
const PAID_FIRST = [14, 15, 16];
const CUT_DAY = '2026-10-06';

describe('a payment in the moment of sending', () => {
  let office: Office;
  beforeAll(async () => {
    office = await openOffice('collections_race', ACCOUNTS);
    // A fleet so large that the governor lets all of these cuts go in one hour.
    await office.db.query(
      `INSERT INTO meter (serial, protocol, has_breaker)
       SELECT 'X' || n, 'mqtt', true FROM generate_series(1, 100000) AS n`,
    );
  });
  afterAll(() => office.close());

  it('comes before it or after it, never in between', async () => {
    const accounts = Array.from({ length: ACCOUNTS }, (_, i) => i + 1);
    for (const account of accounts) await office.owe(account);
    await office.runOn('2026-09-06', '2026-09-21', CUT_DAY);
    const cuts = new Map<number, string>();
    for (const account of accounts) {
      const [cut] = await office.commands(account);
      cuts.set(account, (cut as { id: string }).id);
      await office.approve((cut as { id: string }).id);
    }
    const claim = (account: number) => office.claim(cuts.get(account) as string);
    const pay = (account: number) => office.pay(account, '187.43');
    // Both orders are met for certain; in between it is chance.
    for (const account of SENT_FIRST) expect(await claim(account)).toMatchObject({ kind: 'sent' });
    for (const account of PAID_FIRST) await pay(account);
    const work = accounts.flatMap((account) => {
      if (SENT_FIRST.includes(account)) return [() => pay(account)];
      if (PAID_FIRST.includes(account)) return [() => claim(account)];
      const [one, other] = [() => claim(account), () => pay(account)];
      return account % 2 === 0 ? [one, other] : [other, one];
    });
    await Promise.all([
      ...work.map((start) => start()),
      office.hear(),
      office.run(),
      office.hear(),
      office.run(),
    ]);
    await office.hear();
    let sent = 0;
    for (const account of accounts) {
      const id = cuts.get(account) as string;
      const [cut] = await office.commands(account);
      if (cut?.state === 'sent') {
        sent += 1;
        expect(await office.settle(id, 'confirmed', 'open')).toBe(true);
      } else expect([account, cut?.state]).toEqual([account, 'cancelled']);
    }
    await Promise.all([office.hear(), office.hear(), office.run(), office.run()]);
    await office.hear();
    for (const account of accounts) {
      const [cut, ...connects] = await office.commands(account);
      const wasCut = cut?.state === 'confirmed';
      expect(connects.map((c) => c.action)).toEqual(wasCut ? ['connect'] : []);
      const state = wasCut ? 'restoring' : 'closed';
      expect(await office.cases(account)).toMatchObject([{ state, reason: 'paid' }]);
      const order = await office.db.query<{ later: boolean }>(
        `SELECT (SELECT max(o.id) FROM outbox o WHERE o.topic = 'payment.posted'
                   AND o.payload ->> 'accountId' = $1::text)
              > (SELECT max(o.id) FROM outbox o WHERE o.topic = 'command.changed' AND o.key = $2
                   AND o.payload ->> 'to' = 'sent') AS later`,
        [account, cut?.id],
      );
      if (wasCut) expect(order).toEqual([{ later: true }]);
    }
    expect(sent).toBeGreaterThanOrEqual(SENT_FIRST.length);
    expect(sent).toBeLessThanOrEqual(ACCOUNTS - PAID_FIRST.length);
  });
});
