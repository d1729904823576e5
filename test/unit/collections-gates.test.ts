/** Goal: each gate allows in one case, and blocks or does not know in every other. */
import { describe, expect, it } from 'vitest';
import { askGates, GATES, type GateInputs, mayCut } from '../../billing/collections/gates.ts';
import type { Place } from '../../billing/collections/model.ts';
import { nextWindow } from '../../billing/collections/window.ts';
import { weekdayMornings } from '../../db/legal-window.ts';
import { DAY_MS, HOUR_MS, LIMITS } from '../../domain/index.ts';

const NOW = Date.parse('2026-10-06T13:00:00Z'); // Tuesday, 09:00 in New York
const ZONE = 'America/New_York';

const PLACE: Place = {
  servicePointId: 1,
  servicePoint: 'S1',
  timeZone: ZONE,
  protection: 'none',
  protectionCheckedMs: NOW - HOUR_MS,
  meter: { serial: 'M1', hasBreaker: true, breaker: 'closed', installedFromMs: NOW - 30 * DAY_MS },
};
const METER = PLACE.meter as NonNullable<Place['meter']>;

const GOOD: GateInputs = {
  nowMs: NOW,
  timeZone: ZONE,
  overdue: { amount: '100', minimum: '100.00', oldestDue: '2026-09-01', count: 1, invoices: [] },
  notice: {
    id: 'n',
    round: 1,
    servedAtMs: Date.parse('2026-09-21T13:00:00Z'),
    channel: 'file',
    proofHash: 'h',
    computedHash: 'h',
  },
  noticeAgeMinDays: 15,
  noticeAgeMaxDays: 45,
  holds: [],
  blocks: {},
  payments: { unheard: 0, lastReceivedMs: null, graceHours: 24 },
  places: [PLACE],
  installedDaysMin: 7,
  unknownBreaker: 'allow',
  window: { fromMs: NOW, toMs: NOW + 6 * HOUR_MS },
};

const notice = (more: object) => ({ notice: { ...(GOOD.notice as object), ...more } as never });
const place = (more: Partial<Place>) => ({ places: [{ ...PLACE, ...more }] });
const meter = (more: object) => place({ meter: { ...METER, ...more } });
const hold = (fromMs: number, toMs: number | null) => ({
  holds: [{ id: '1', kind: 'dispute', fromMs, toMs, reason: 'r' }] as GateInputs['holds'],
});
const overdue = (amount: string) => ({ overdue: { ...GOOD.overdue, amount } });
const paid = (unheard: number, lastReceivedMs: number | null) => ({
  payments: { unheard, lastReceivedMs, graceHours: 24 },
});

const ROWS: readonly [string, string, 'allow' | 'block' | 'unknown', Partial<GateInputs>][] = [
  ['amount', 'the minimum exactly', 'allow', overdue('100')],
  ['amount', 'a cent below', 'block', overdue('99.99')],
  [
    'amount',
    'nothing, minimum nothing',
    'block',
    { overdue: { ...GOOD.overdue, amount: '0', minimum: '0' } },
  ],
  ['final_notice', 'none served', 'block', { notice: null }],
  [
    'final_notice',
    'served 15 local days before',
    'allow',
    notice({ servedAtMs: Date.parse('2026-09-22T03:59:00Z') }),
  ],
  [
    'final_notice',
    'served 14 local days before',
    'block',
    notice({ servedAtMs: Date.parse('2026-09-22T04:01:00Z') }),
  ],
  [
    'final_notice',
    '45 days old',
    'allow',
    notice({ servedAtMs: Date.parse('2026-08-22T13:00:00Z') }),
  ],
  [
    'final_notice',
    '46 days old',
    'block',
    notice({ servedAtMs: Date.parse('2026-08-21T13:00:00Z') }),
  ],
  ['final_notice', 'its text was changed', 'unknown', notice({ computedHash: 'other' })],
  ['hold', 'ended in this instant', 'allow', hold(NOW - DAY_MS, NOW)],
  ['hold', 'current', 'block', hold(NOW - DAY_MS, NOW + 1)],
  ['hold', 'current without end', 'block', hold(NOW, null)],
  ['hold', 'begins before the order would end', 'block', hold(NOW + 6 * HOUR_MS, null)],
  ['hold', 'begins after the order has ended', 'allow', hold(NOW + 6 * HOUR_MS + 1, null)],
  ['hold', 'another block of the account', 'block', { blocks: { fraud: 'case 9' } }],
  ['payment', 'one not heard yet', 'block', paid(1, null)],
  ['payment', 'within the grace', 'block', paid(0, NOW - 24 * HOUR_MS + 1)],
  ['payment', 'the grace is over', 'allow', paid(0, NOW - 24 * HOUR_MS)],
  ['payment', 'newer than the decision', 'block', paid(0, NOW + 1)],
  ['place', 'none', 'unknown', { places: [] }],
  ['place', 'two', 'unknown', { places: [PLACE, PLACE] }],
  ['protection', 'protected', 'block', place({ protection: 'protected' })],
  ['protection', 'unknown', 'unknown', place({ protection: 'unknown' })],
  ['protection', 'never checked', 'unknown', place({ protectionCheckedMs: null })],
  [
    'protection',
    'checked a day ago',
    'allow',
    place({ protectionCheckedMs: NOW - LIMITS.protectionAgeMsMax }),
  ],
  [
    'protection',
    'checked longer ago',
    'unknown',
    place({ protectionCheckedMs: NOW - LIMITS.protectionAgeMsMax - 1 }),
  ],
  ['protection', 'checked in the future', 'unknown', place({ protectionCheckedMs: NOW + DAY_MS })],
  ['protection', 'no place', 'unknown', { places: [] }],
  ['meter', 'none installed', 'unknown', place({ meter: null })],
  ['meter', 'without breaker', 'block', meter({ hasBreaker: false })],
  ['meter', 'installed 7 days ago', 'allow', meter({ installedFromMs: NOW - 7 * DAY_MS })],
  ['meter', 'installed later', 'block', meter({ installedFromMs: NOW - 7 * DAY_MS + 1 })],
  ['breaker', 'open', 'block', meter({ breaker: 'open' })],
  ['breaker', 'ready', 'block', meter({ breaker: 'ready' })],
  ['breaker', 'unknown, the plan allows it', 'allow', meter({ breaker: 'unknown' })],
  [
    'breaker',
    'unknown, the plan does not',
    'unknown',
    { ...meter({ breaker: 'unknown' }), unknownBreaker: 'block' },
  ],
  ['legal_window', 'none', 'block', { window: null }],
];

describe('gates', () => {
  it('all allow the good case', () => {
    const results = askGates(GOOD);
    expect(results.map((r) => [r.gate, r.result])).toEqual(
      Object.keys(GATES).map((gate) => [gate, 'allow']),
    );
    expect(mayCut(results)).toBe(true);
  });

  it.each(ROWS)('%s: %s -> %s', (gate, _case, result, change) => {
    const results = askGates({ ...GOOD, ...change });
    const asked = results.find((r) => r.gate === gate);
    expect(asked?.result).toBe(result);
    expect(asked?.reason).not.toBe('');
    expect(mayCut(results)).toBe(results.every((r) => r.result === 'allow'));
    if (result !== 'allow') expect(mayCut(results)).toBe(false);
  });

  it('nothing asked is nothing allowed', () => {
    expect(mayCut([])).toBe(false);
  });
});

describe('the next lawful hours', () => {
  const at = (text: string) => Date.parse(text);
  it.each([
    ['before it opens', '2026-10-06T06:07:00Z', '2026-10-06T12:00:00Z', '2026-10-06T19:00:00Z'],
    ['while it is open', '2026-10-06T13:07:00Z', '2026-10-06T13:07:00Z', '2026-10-06T19:00:00Z'],
    ['too short a rest', '2026-10-06T18:20:00Z', '2026-10-07T12:00:00Z', '2026-10-07T19:00:00Z'],
    [
      'on the evening before',
      '2026-10-05T22:00:00Z',
      '2026-10-06T12:00:00Z',
      '2026-10-06T19:00:00Z',
    ],
  ])('%s', (_case, now, from, to) => {
    const window = nextWindow(weekdayMornings([]), ZONE, at(now));
    expect(window).toEqual({ fromMs: at(from), toMs: at(to) });
  });

  it.each([
    ['Thursday evening', '2026-10-08T22:00:00Z', []],
    ['Saturday', '2026-10-10T13:00:00Z', []],
    ['the eve of a holiday and the holiday', '2026-10-05T22:00:00Z', ['2026-10-07']],
  ])('none within a day: %s', (_case, now, holidays) => {
    expect(nextWindow(weekdayMornings(holidays), ZONE, at(now))).toBeUndefined();
  });

  it('knows no hours in a zone that is not known', () => {
    expect(nextWindow(weekdayMornings([]), 'Mars/Base', NOW)).toBeUndefined();
  });
});
