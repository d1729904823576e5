/** What is open of each invoice, and how much of it is overdue. */
import { exact, exactText } from '../rating/exact.ts';
import type { Debt, OpenItem, Receivable } from './model.ts';

/**
 * Applies credits to the oldest due date first. Sum of open = sum of amounts - credits + left over;
 * nothing is made or lost. Credits below zero are debt without a due date: they cover nothing.
 * An invoice with a negative total is a credit.
 */
export function openItems(
  receivables: readonly Receivable[],
  credits: string,
): { readonly items: readonly OpenItem[]; readonly leftOver: string } {
  let pool = exact(credits);
  for (const { amount } of receivables) {
    if (exact(amount).isNegative()) pool = pool.minus(exact(amount));
  }
  const items = receivables
    .filter(({ amount }) => exact(amount).greaterThan(0))
    .sort((a, b) => compare(a.dueDate, b.dueDate) || compare(a.invoice, b.invoice))
    .map((item) => {
      const amount = exact(item.amount);
      const covered = pool.greaterThan(amount) ? amount : pool.greaterThan(0) ? pool : undefined;
      if (covered === undefined) return { ...item, open: exactText(amount) };
      pool = pool.minus(covered);
      return { ...item, open: exactText(amount.minus(covered)) };
    });
  return { items, leftOver: exactText(pool) };
}

/** Open items whose due date has passed on the local date `today`. */
export function overdueDebt(
  receivables: readonly Receivable[],
  credits: string,
  today: string,
): Debt {
  const items = openItems(receivables, credits).items.filter(
    (item) => item.dueDate < today && item.open !== '0',
  );
  let sum = exact('0');
  for (const item of items) sum = sum.plus(exact(item.open));
  return { amount: exactText(sum), items, oldestDue: items[0]?.dueDate ?? null };
}

export function below(amount: string, minimum: string): boolean {
  return exact(amount).lessThan(exact(minimum));
}

export function isNothing(amount: string): boolean {
  return exact(amount).isZero();
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
