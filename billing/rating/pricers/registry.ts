/** The pricer of every kind of charge. A kind without a row here does not compile. */
import type { Charge, ChargeKind, ChargeOf } from '../../tariffs/schema.ts';
import { energy } from './energy.ts';
import { perDay } from './per-day.ts';
import { perKwDay } from './per-kw-day.ts';
import { perMonth } from './per-month.ts';
import type { Pricer } from './pricer.ts';
import { tou } from './tou.ts';

const PRICERS: { readonly [K in ChargeKind]: Pricer<ChargeOf<K>> } = {
  tou,
  energy,
  per_day: perDay,
  per_kw_day: perKwDay,
  per_month: perMonth,
};

export function pricerOf(charge: Charge): Pricer<Charge> {
  // The key is the charge's own kind, which the compiler cannot follow through a union.
  return PRICERS[charge.kind] as Pricer<Charge>;
}
