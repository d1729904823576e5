/** What a pricer is: one kind of charge in, quantities with their price out. No rounding here. */
import type { Charge } from '../../tariffs/schema.ts';
import type { TariffPart } from '../../tariffs/versions.ts';
import type { Determinant } from '../determinant.ts';
import type { Exact } from '../exact.ts';
import type { BillingPeriod } from '../plan.ts';

/** Figures of the agreement by name, as decimal strings: {kw: '4.6'}. */
export type ContractTerms = Readonly<Record<string, string>>;

export interface PricingContext {
  readonly period: BillingPeriod;
  /** The part of the period for which the charge's tariff version holds. */
  readonly part: TariffPart;
  /** Determinants of that part. */
  readonly determinants: readonly Determinant[];
  readonly contract: ContractTerms;
}

/** One line before rounding: quantity / over x price x factor. */
export interface Priced {
  readonly quantity: Exact;
  /** Divisor of the quantity, where it is a quotient; absent = 1. */
  readonly over?: Exact;
  /** The quantity as people read it. */
  readonly printed: string;
  readonly unit: string;
  readonly price: string;
  readonly factor?: string;
  /** Codes of the determinants behind the quantity. */
  readonly determinants: readonly string[];
}

export interface Pricer<C extends Charge> {
  /** Names of the agreement's figures without which this charge cannot be priced. */
  terms(charge: C): readonly string[];
  /** No line, one, or several; an empty list where the charge does not apply. */
  price(charge: C, context: PricingContext): readonly Priced[];
}
