/** Goal: credits cover the oldest debt first and no cent is made or lost, whatever comes. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { openItems, overdueDebt } from '../../billing/collections/debts.ts';
import type { Receivable } from '../../billing/collections/model.ts';
import { exact, exactText } from '../../billing/rating/exact.ts';

const item = (invoice: string, dueDate: string, amount: string): Receivable => ({
  invoice,
  dueDate,
  amount,
  servicePointId: 1,
});

const cents = (n: number) => exactText(exact(String(n)).dividedBy(exact('100')));

const receivables = fc
  .array(
    fc.record({
      day: fc.integer({ min: 1, max: 28 }),
      cents: fc.integer({ min: -5_000, max: 50_000 }),
    }),
    {
      maxLength: 12,
    },
  )
  .map((list) =>
    list.map(({ day, cents: n }, i) =>
      item(`I${i}`, `2026-01-${String(day).padStart(2, '0')}`, cents(n)),
    ),
  );
const credits = fc.integer({ min: -20_000, max: 200_000 }).map(cents);

const sum = (texts: readonly string[]) =>
  texts.reduce((total, text) => total.plus(exact(text)), exact('0'));

describe('open items', () => {
  it('sum of open = sum of invoices - credits + what is left over', () => {
    fc.assert(
      fc.property(receivables, credits, (list, credit) => {
        const { items, leftOver } = openItems(list, credit);
        const left = sum(list.map((i) => i.amount))
          .minus(exact(credit))
          .plus(exact(leftOver));
        expect(exactText(sum(items.map((i) => i.open)))).toBe(exactText(left));
      }),
      { numRuns: 500 },
    );
  });

  it('never opens a newer item before an older one is covered, nor beyond its amount', () => {
    fc.assert(
      fc.property(receivables, credits, (list, credit) => {
        const { items, leftOver } = openItems(list, credit);
        for (const i of items) {
          expect(exact(i.open).isNegative()).toBe(false);
          expect(exact(i.open).greaterThan(exact(i.amount))).toBe(false);
        }
        const firstOpen = items.findIndex((i) => i.open !== '0');
        const touched = items.findLastIndex((i) => i.open !== exactText(exact(i.amount)));
        if (firstOpen >= 0) expect(touched).toBeLessThanOrEqual(firstOpen);
        if (exact(leftOver).greaterThan(0)) expect(firstOpen).toBe(-1);
        expect(items.map((i) => i.dueDate)).toEqual(items.map((i) => i.dueDate).toSorted());
      }),
      { numRuns: 500 },
    );
  });

  it('does not depend on the order in which the books list them', () => {
    fc.assert(
      fc.property(receivables, credits, (list, credit) => {
        expect(openItems(list.toReversed(), credit)).toEqual(openItems(list, credit));
      }),
    );
  });

  const list = [item('new', '2026-03-01', '80.00'), item('old', '2026-01-01', '100.00')];
  it.each([
    ['0', '2026-01-01', '0', null],
    ['0', '2026-01-02', '100', '2026-01-01'],
    ['30.50', '2026-01-02', '69.5', '2026-01-01'],
    ['100.00', '2026-02-28', '0', null],
    ['100.00', '2026-03-02', '80', '2026-03-01'],
    ['180.00', '2026-03-02', '0', null],
    ['-25.00', '2026-03-02', '180', '2026-01-01'],
  ])('credits of %s leave on %s %s overdue, oldest %s', (credit, today, amount, oldestDue) => {
    expect(overdueDebt(list, credit, today)).toMatchObject({ amount, oldestDue });
  });

  it('takes a negative invoice for a credit', () => {
    const with_ = [...list, item('credit', '2026-02-01', '-120.00')];
    expect(overdueDebt(with_, '0', '2026-03-02')).toMatchObject({
      amount: '60',
      items: [{ invoice: 'new', open: '60' }],
    });
  });
});
