/** Months x price, by the charge's own rule of proration. */
import { monthShares } from '../../calendar/local.ts';
import type { ChargeOf } from '../../tariffs/schema.ts';
import { exact, printQuantity } from '../exact.ts';
import type { Pricer, PricingContext } from './pricer.ts';

interface Fraction {
  readonly numerator: number;
  readonly denominator: number;
}

/** Every length of a month divides it, so that fractions of different months add up exactly. */
const COMMON_DAYS = 28 * 29 * 30 * 31;

type Charge = ChargeOf<'per_month'>;

export const perMonth: Pricer<Charge> = {
  terms: () => [],
  price: (charge, context) => {
    const months = PRORATION[charge.proration](context);
    if (months.numerator === 0) return [];
    const quantity = exact(String(months.numerator));
    const over = exact(String(months.denominator));
    const printed = printQuantity(quantity.div(over), 0, 6);
    return [{ quantity, over, printed, unit: 'month', price: charge.price, determinants: [] }];
  },
};

const PRORATION: Readonly<Record<Charge['proration'], (context: PricingContext) => Fraction>> = {
  actual_days: ({ part }) => ({
    numerator: monthShares(part.from, part.to).reduce(
      (sum, share) => sum + (share.days * COMMON_DAYS) / share.daysInMonth,
      0,
    ),
    denominator: COMMON_DAYS,
  }),
  days_30: ({ part }) => ({ numerator: part.days, denominator: 30 }),
  none: ({ part, period }) => ({ numerator: part.from === period[0] ? 1 : 0, denominator: 1 }),
};
