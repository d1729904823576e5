/** From summed intervals to a priced quantity: what all charges on metered energy share. */
import { formatScaled, type Unit } from '../../../domain/index.ts';
import { directionOf, type MeteredCharge } from '../../tariffs/schema.ts';
import type { Determinant } from '../determinant.ts';
import { exact } from '../exact.ts';
import type { Priced } from './pricer.ts';

/** The unit prices are per, and how many tens make it of the unit values are counted in. */
const BILLED_UNITS: Readonly<Partial<Record<Unit, { name: string; exponent: number }>>> = {
  Wh: { name: 'kWh', exponent: 3 },
  varh: { name: 'kvarh', exponent: 3 },
  VAh: { name: 'kVAh', exponent: 3 },
  L: { name: 'm3', exponent: 3 },
};

export function isBilledUnit(unit: Unit): boolean {
  return BILLED_UNITS[unit] !== undefined;
}

/**
 * One line over determinants of one channel; none when the part has no such time at all. Whole
 * counts are summed first and become a decimal once.
 */
export function pricedEnergy(charge: MeteredCharge, own: readonly Determinant[]): Priced[] {
  const [first] = own;
  if (first === undefined) return [];
  const unit = BILLED_UNITS[first.unit];
  if (unit === undefined) throw new RangeError(`${first.unit} is not billed by quantity`);
  const count = own.reduce((sum, determinant) => sum + determinant.count, 0n);
  const printed = formatScaled(count, unit.exponent - first.exponent);
  const factor = charge.factor ?? (directionOf(charge) === 'export' ? '-1' : undefined);
  return [
    {
      quantity: exact(printed),
      printed,
      unit: unit.name,
      price: charge.price,
      ...(factor === undefined ? {} : { factor }),
      determinants: own.map((determinant) => determinant.code),
    },
  ];
}
