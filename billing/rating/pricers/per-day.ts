/** Local days x price: a day of 23 or 25 hours is one day. */
import type { ChargeOf } from '../../tariffs/schema.ts';
import { exact } from '../exact.ts';
import type { Pricer } from './pricer.ts';

export const perDay: Pricer<ChargeOf<'per_day'>> = {
  terms: () => [],
  price: (charge, { part }) => {
    const days = String(part.days);
    return [
      { quantity: exact(days), printed: days, unit: 'day', price: charge.price, determinants: [] },
    ];
  },
};
