/** All energy of a direction x price, whatever the time. */
import { type ChargeOf, directionOf } from '../../tariffs/schema.ts';
import { pricedEnergy } from './metered.ts';
import type { Pricer } from './pricer.ts';

export const energy: Pricer<ChargeOf<'energy'>> = {
  terms: () => [],
  price: (charge, { determinants }) =>
    pricedEnergy(
      charge,
      determinants.filter(({ channelDirection }) => channelDirection === directionOf(charge)),
    ),
};
