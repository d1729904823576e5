/** Taxes on printed lines: each step once, in order, on rounded amounts, taxed taxes included. */
import type { Tariff, TaxStep } from '../tariffs/schema.ts';
import { exact, type Money, roundMoney, sumMoney } from './exact.ts';

export interface RatedTax {
  readonly code: string;
  /** Sum of the printed amounts the tax is taken on. */
  readonly base: Money;
  /** As the tariff writes it; 0.21 is 21 %. */
  readonly rate: string;
  readonly amount: Money;
}

export interface TaxableLine {
  readonly amount: Money;
  readonly tags: readonly string[];
}

/** A line or tax that carries several tags of a base counts once. */
export function rateTaxes(
  steps: readonly TaxStep[],
  lines: readonly TaxableLine[],
  { minorDigits, rounding }: Pick<Tariff, 'minorDigits' | 'rounding'>,
): RatedTax[] {
  const taxable: TaxableLine[] = [...lines];
  return steps.map((step) => {
    const carries = (item: TaxableLine) => item.tags.some((tag) => step.base.includes(tag));
    const amounts = taxable.filter(carries).map((item) => item.amount);
    const base = sumMoney(amounts, minorDigits);
    const amount = roundMoney(exact(base).times(exact(step.rate)), minorDigits, rounding.mode);
    if (step.tag !== undefined) taxable.push({ amount, tags: [step.tag] });
    return { code: step.code, base, rate: step.rate, amount };
  });
}
