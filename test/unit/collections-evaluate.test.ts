/** Goal: facts decide. Every state of a case, a debt and a breaker has one right answer. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { evaluateAccount } from '../../billing/collections/evaluate.ts';
import {
  type AccountFacts,
  type BreakerCommand,
  type CaseFacts,
  POLICY,
  type StepRecord,
} from '../../billing/collections/model.ts';
import { noticeText, proofOf } from '../../billing/collections/notice-text.ts';
import { parsePlan } from '../../billing/collections/parse.ts';
import { DAY_MS, LIMITS } from '../../domain/index.ts';

const EXAMPLE = resolve(import.meta.dirname, '../../billing/collections/examples/standard.yaml');
const PLAN = parsePlan(readFileSync(EXAMPLE, 'utf8'));
const nine = (date: string) => Date.parse(`${date}T13:00:00Z`);
const CUT_DAY = nine('2026-10-06');

const base: AccountFacts = {
  accountId: 1,
  account: 'A1',
  currency: 'USD',
  customer: 'Customer',
  language: 'en',
  timeZone: 'America/New_York',
  receivables: [{ invoice: 'INV-1', servicePointId: 1, dueDate: '2026-09-01', amount: '187.43' }],
  credits: '0',
  payments: { unheard: 0, lastReceivedMs: null },
  holds: [],
  otherBlocks: {},
  commands: [],
  case: null,
  places: [
    {
      servicePointId: 1,
      servicePoint: 'S1',
      timeZone: 'America/New_York',
      protection: 'none',
      protectionCheckedMs: CUT_DAY,
      meter: { serial: 'M1', hasBreaker: true, breaker: 'closed', installedFromMs: 0 },
    },
  ],
};

const step = (code: string, date: string, more: Partial<StepRecord> = {}): StepRecord => ({
  round: 1,
  step: code,
  attempt: 1,
  action: code === 'final' ? 'final_notice' : code === 'cut' ? 'disconnect' : 'notice',
  atMs: nine(date),
  commandId: null,
  ...more,
});

function withCase(more: Partial<CaseFacts> = {}): CaseFacts {
  return {
    id: 1n,
    state: 'open',
    round: 1,
    reason: 'overdue',
    steps: [step('reminder', '2026-09-06'), step('final', '2026-09-21')],
    finalNotice: {
      id: 'n',
      round: 1,
      servedAtMs: nine('2026-09-21'),
      channel: 'file',
      proofHash: 'h',
      computedHash: 'h',
    },
    ...more,
  };
}

const command = (
  action: 'disconnect' | 'connect',
  state: BreakerCommand['state'],
  more: Partial<BreakerCommand> = {},
): BreakerCommand => ({
  id: `${action}-1`,
  action,
  state,
  requestedBy: POLICY,
  requestedAtMs: CUT_DAY,
  confirmedAtMs: state === 'confirmed' ? CUT_DAY + 60_000 : null,
  changedAtMs: CUT_DAY + 60_000,
  meterSerial: 'M1',
  servicePointId: 1,
  ...more,
});

const hold = (kind: 'dispute' | 'medical', toMs: number | null = null) => [
  { id: '1', kind, fromMs: nine('2026-09-10'), toMs, reason: 'r' },
];

const CUT = command('disconnect', 'confirmed');
const LATER = CUT_DAY + 3_600_000;
const PAID = { credits: '187.43' };

type Row = readonly [
  string,
  Partial<AccountFacts>,
  number,
  { state?: string; round?: number; effect?: string; cancel?: string; why?: RegExp },
];
// biome-ignore format: a table reads best with one row a line
const ROWS: readonly Row[] = [
  ['not yet overdue on the due date', {}, nine('2026-09-01'), { why: /nothing to collect/ }],
  ['overdue the day after', {}, nine('2026-09-02'), { state: 'open', why: /reminder is due on 2026-09-06/ }],
  ['still the due date in the west', {}, Date.parse('2026-09-02T03:00:00Z'), { why: /nothing/ }],
  ['a debt below the minimum', { credits: '137.44' }, CUT_DAY, { why: /nothing/ }],
  ['a debt under a hold opens nothing', { holds: hold('dispute') }, CUT_DAY, { why: /held: dispute/ }],
  ['a debt found late begins with the reminder', {}, CUT_DAY, { state: 'open', effect: 'notice' }],
  ['steps of a late debt keep their distance', { case: withCase({ steps: [step('reminder', '2026-10-06')], finalNotice: null }) }, nine('2026-10-20'), { state: 'open', why: /final is due on 2026-10-21/ }],
  ['the reminder', { case: withCase({ steps: [], finalNotice: null }) }, nine('2026-09-06'), { state: 'open', effect: 'notice' }],
  ['the final notice', { case: withCase({ steps: [step('reminder', '2026-09-06')], finalNotice: null }) }, nine('2026-09-21'), { state: 'open', effect: 'notice' }],
  ['the day before the cut', { case: withCase() }, nine('2026-10-05'), { state: 'open', why: /cut is due on 2026-10-06/ }],
  ['the cut', { case: withCase() }, CUT_DAY, { state: 'open', effect: 'disconnect' }],
  ['the cut has a minimum of its own', { case: withCase(), credits: '87.44' }, CUT_DAY, { state: 'open', why: /cut needs 100.00, 99.99 is overdue/ }],
  ['a gate blocks', { case: withCase(), otherBlocks: { fraud: 'x' } }, CUT_DAY, { state: 'open', effect: 'blocked' }],
  ['paid', { case: withCase(), ...PAID }, CUT_DAY, { state: 'closed', cancel: 'paid' }],
  ['nearly paid', { case: withCase(), credits: '150.00' }, CUT_DAY, { state: 'stopped', cancel: '37.43 is below the minimum of 50.00' }],
  ['held', { case: withCase(), holds: hold('dispute') }, CUT_DAY, { state: 'stopped', cancel: 'held: dispute' }],
  ['the hold is over', { case: withCase({ state: 'stopped' }), holds: hold('dispute', CUT_DAY) }, CUT_DAY, { state: 'open', round: 2, effect: 'notice' }],
  ['the final notice expired', { case: withCase() }, nine('2026-11-06'), { state: 'open', round: 2, effect: 'notice' }],
  ['ordered and not sent', { case: withCase({ steps: [...withCase().steps, step('cut', '2026-10-06')] }), commands: [command('disconnect', 'queued')] }, LATER, { state: 'open', why: /is queued/ }],
  ['one order a day', { case: withCase({ steps: [...withCase().steps, step('cut', '2026-10-06')] }), commands: [command('disconnect', 'expired')] }, LATER, { state: 'open', why: /ordered today/ }],
  ['paid, the cut under way', { case: withCase(), commands: [command('disconnect', 'sent')], ...PAID }, LATER, { state: 'open', why: /is awaited/ }],
  ['paid, the cut not clear', { case: withCase(), commands: [command('disconnect', 'indeterminate')], ...PAID }, LATER, { state: 'open', why: /is awaited/ }],
  ['paid, the meter refused', { case: withCase(), commands: [command('disconnect', 'refused')], ...PAID }, LATER, { state: 'closed' }],
  ['cut and not paid', { case: withCase(), commands: [CUT] }, LATER, { state: 'open', why: /waits for payment/ }],
  ['cut and paid', { case: withCase(), commands: [CUT], ...PAID }, LATER, { state: 'restoring', effect: 'reconnect' }],
  ['cut and below the minimum', { case: withCase(), commands: [CUT], credits: '150.00' }, LATER, { state: 'restoring', effect: 'reconnect' }],
  ['cut and a medical certificate', { case: withCase(), commands: [CUT], holds: hold('medical') }, LATER, { state: 'restoring', effect: 'reconnect' }],
  ['cut and a dispute, which the plan does not restore for', { case: withCase(), commands: [CUT], holds: hold('dispute') }, LATER, { state: 'stopped', cancel: 'held: dispute' }],
  ['cut by somebody else is theirs to close', { case: withCase(), commands: [{ ...CUT, requestedBy: 'fire brigade' }], ...PAID }, LATER, { state: 'closed' }],
  ['a cut of somebody else under way keeps no paid case open', { case: withCase(), commands: [command('disconnect', 'sent', { requestedBy: 'fire brigade' })], ...PAID }, LATER, { state: 'closed' }],
  ['the connect is under way', { case: withCase({ state: 'restoring', reason: 'paid' }), commands: [command('connect', 'approved', { requestedAtMs: LATER }), CUT], ...PAID }, LATER, { state: 'restoring', why: /connect-1 is approved/ }],
  ['new debt does not stop a reconnection', { case: withCase({ state: 'restoring', reason: 'paid' }), commands: [CUT] }, LATER, { state: 'restoring', effect: 'reconnect' }],
  ['a connect expired a moment ago', { case: withCase({ state: 'restoring' }), commands: [command('connect', 'expired', { requestedAtMs: LATER, changedAtMs: LATER }), CUT], ...PAID }, LATER + 1, { state: 'restoring', why: /soon again/ }],
  ['a connect expired, again', { case: withCase({ state: 'restoring' }), commands: [command('connect', 'expired', { requestedAtMs: LATER, changedAtMs: LATER }), CUT], ...PAID }, LATER + LIMITS.collectionReconnectRetryMs, { state: 'restoring', effect: 'reconnect' }],
  ['connected again', { case: withCase({ state: 'restoring', reason: 'paid' }), commands: [command('connect', 'confirmed', { confirmedAtMs: LATER }), CUT], ...PAID }, LATER, { state: 'closed' }],
  ['connected again with new debt', { case: withCase({ state: 'restoring', reason: 'paid' }), commands: [command('connect', 'confirmed', { confirmedAtMs: LATER }), CUT] }, LATER, { state: 'open', round: 2, effect: 'notice' }],
];

describe('an account', () => {
  it.each(ROWS)('%s', (_case, change, nowMs, want) => {
    const decision = evaluateAccount({ ...base, ...change }, PLAN, nowMs);
    expect(decision.case?.state).toBe(want.state);
    expect(decision.effect?.kind).toBe(want.effect);
    expect(decision.cancel).toBe(want.cancel ?? (want.state === 'closed' ? 'paid' : undefined));
    if (want.round !== undefined) expect(decision.case?.round).toBe(want.round);
    if (want.why !== undefined) expect(decision.why).toMatch(want.why);
  });

  it('stops ordering after LIMITS.collectionAttemptsMax orders without effect', () => {
    const tries = Array.from({ length: LIMITS.collectionAttemptsMax }, (_, i) =>
      step('cut', '2026-10-06', { attempt: i + 1, atMs: CUT_DAY - (i + 1) * DAY_MS }),
    );
    const facts = { ...base, case: withCase({ steps: [...withCase().steps, ...tries] }) };
    expect(evaluateAccount(facts, PLAN, CUT_DAY).effect).toMatchObject({ kind: 'stuck' });
  });

  it('decides the same from the same facts', () => {
    const facts = { ...base, case: withCase() };
    expect(evaluateAccount(facts, PLAN, CUT_DAY)).toEqual(evaluateAccount(facts, PLAN, CUT_DAY));
  });
});

describe('a notice', () => {
  const content = {
    kind: 'final_notice' as const,
    customer: 'Ana {amount}',
    account: 'A1',
    amount: '187.43',
    currency: 'USD',
    items: [{ invoice: 'INV-1', dueDate: '2026-09-01', open: '187.43' }],
    more: 2,
    cutNotBefore: '2026-10-06',
  };

  it.each([
    ['en', 'FINAL NOTICE', 'may be disconnected from 2026-10-06 on', 'and 2 more invoices'],
    ['es', 'AVISO FINAL', 'suspendido a partir del 2026-10-06', 'y 2 facturas más'],
  ] as const)('says in %s what is owed and from when', (language, ...parts) => {
    const text = noticeText(content, language);
    for (const part of [...parts, '187.43 USD', 'INV-1', 'Ana {amount}']) {
      expect(text).toContain(part);
    }
    expect(text.replace('Ana {amount}', '')).not.toMatch(/[{}]/);
  });

  it('has a proof that hangs on everything that was served', () => {
    const served = {
      id: 'n',
      accountId: 1,
      kind: 'notice',
      channel: 'file',
      language: 'en',
      body: 'text',
      servedAtMs: 1_000,
    };
    const others = [
      { ...served, accountId: 2 },
      { ...served, body: 'text ' },
      { ...served, servedAtMs: 2_000 },
      { ...served, kind: 'final_notice' },
    ];
    expect(new Set([served, ...others].map(proofOf)).size).toBe(5);
  });
});
