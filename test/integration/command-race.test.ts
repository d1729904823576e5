/** Goal: a payment that commits first wins, always (promise 6, T08). */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { bumpAccountGuard, lockAccountGuard } from '../../db/account-guards.ts';
import { cancelAccountDisconnects } from '../../db/command-approval.ts';
import { claimForSend } from '../../db/command-claim.ts';
import { type Command, getCommand } from '../../db/command-rows.ts';
import { GOVERNOR_DEFAULTS } from '../../db/governor.ts';
import type { LegalWindow } from '../../db/legal-window.ts';
import { DAY_MS, formatInstant } from '../../domain/index.ts';
import { openUtility, seeded, type Utility } from './command-support.ts';

const ALWAYS: LegalWindow = {
  fromHour: 0,
  toHour: 24,
  weekdays: [1, 2, 3, 4, 5, 6, 7],
  holidays: [],
};
const RACES = 200;
const SEED = 20_261_006;

let u: Utility;
beforeAll(async () => {
  u = await openUtility('command-race', RACES);
});
afterAll(() => u.close());

/** What the payment saw of the command while it held the guard. */
async function pay(cut: Command, delayMs: number, insideMs: number, cancels: boolean) {
  await sleep(delayMs);
  return u.db.transaction(async (tx) => {
    await lockAccountGuard(tx, cut.accountId as number);
    const seen = (await getCommand(tx, cut.id))?.state;
    await sleep(insideMs);
    await bumpAccountGuard(tx, cut.accountId as number, { reason: 'payment', payableOpen: '0' });
    const step = { actor: 'payments', atMs: u.clock.nowMs(), reason: 'paid' };
    if (cancels) await cancelAccountDisconnects(tx, cut.accountId as number, step);
    return seen;
  });
}

async function claim(cut: Command, sender: string, delayMs: number) {
  await sleep(delayMs);
  return claimForSend(u.db, cut.id, {
    clock: u.clock,
    clockIsSimulated: true,
    limits: GOVERNOR_DEFAULTS,
    window: ALWAYS,
    verify: () => undefined,
    sender,
    nonce: 'n',
  });
}

it(`never sends what was paid before, in ${RACES} races (seed ${SEED})`, {
  timeout: 400_000,
}, async () => {
  const random = seeded(SEED);
  const tally = { paidFirst: 0, sentFirst: 0 };
  for (let race = 0; race < RACES; race += 1) {
    u.clock.jump(DAY_MS + 1_000);
    await u.db.query('UPDATE service_point SET protection_checked_at = $1', [
      formatInstant(u.clock.nowMs()),
    ]);
    const cut = await u.ordered(race, 'disconnect');
    expect(cut.state).toBe('queued');
    const [seen, ...claims] = await Promise.all([
      pay(cut, random() * 6, random() * 4, random() < 0.5),
      claim(cut, 'a', random() * 8),
      claim(cut, 'b', random() * 8),
    ]);
    const sent = claims.filter((c) => c.kind === 'sent').length;
    const { state } = await u.state(cut.id);
    // Under the guard's lock the payment saw `queued`: it was first, so nothing may have been sent.
    if (seen === 'queued') {
      tally.paidFirst += 1;
      expect({ race, sent, state }).toEqual({ race, sent: 0, state: 'cancelled' });
    } else {
      tally.sentFirst += 1;
      expect({ race, seen, sent, state }).toEqual({ race, seen: 'sent', sent: 1, state: 'sent' });
    }
  }
  // Both orders must have happened, or the races prove nothing.
  expect(tally.paidFirst).toBeGreaterThan(RACES / 10);
  expect(tally.sentFirst).toBeGreaterThan(RACES / 10);
});
