/** Energy of one time-of-use period x price. */
import { type ChargeOf, directionOf } from '../../tariffs/schema.ts';
import { pricedEnergy } from './metered.ts';
import type { Pricer } from './pricer.ts';

export const tou: Pricer<ChargeOf<'tou'>> = {
  terms: () => [],
  price: (charge, { determinants }) =>
    pricedEnergy(
      charge,
      determinants.filter(
        ({ channelDirection, period }) =>
          channelDirection === directionOf(charge) && period === charge.period,
      ),
    ),
};
