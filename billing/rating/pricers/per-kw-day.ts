/** Contracted kW x local days x price. */
import type { ChargeOf } from '../../tariffs/schema.ts';
import { exact, printQuantity } from '../exact.ts';
import type { Pricer } from './pricer.ts';

export const perKwDay: Pricer<ChargeOf<'per_kw_day'>> = {
  terms: ({ kw }) => (typeof kw === 'string' ? [] : [kw.contract]),
  price: ({ kw, price }, { part, contract }) => {
    const power = typeof kw === 'string' ? kw : (contract[kw.contract] ?? '');
    const quantity = exact(power).times(exact(String(part.days)));
    const printed = printQuantity(quantity, 3, 6);
    return [{ quantity, printed, unit: 'kW.day', price, determinants: [] }];
  },
};
