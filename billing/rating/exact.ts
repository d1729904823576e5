/**
 * Exact decimal arithmetic for money. Numbers never come in: Decimals are made of strings only,
 * amounts leave as strings, and rounding happens where a function here is told to.
 */
import { Decimal as Base } from 'decimal.js';
import { Fault } from '../../domain/index.ts';
import type { Rounding } from '../tariffs/schema.ts';

declare const moneyMark: unique symbol;

/** A printed amount: a decimal string with exactly the minor digits of its currency. */
export type Money = string & { readonly [moneyMark]: true };

// Own constructor: the settings of the shared one could be changed by anybody. 40 digits hold any
// product of a summed quantity, a price and a factor; only quotients are cut there, and a quotient
// that does not end cannot be a tie, so the cut never turns a rounding.
const Decimal = Base.clone({
  precision: 40,
  rounding: Base.ROUND_HALF_UP,
  toExpNeg: -1_000,
  toExpPos: 1_000,
});

export type Exact = Base;

const MODES = {
  HALF_UP: Base.ROUND_HALF_UP, // halves away from zero
  HALF_EVEN: Base.ROUND_HALF_EVEN,
  DOWN: Base.ROUND_DOWN, // towards zero
} as const satisfies Record<Rounding['mode'], Base.Rounding>;

const DECIMAL = /^-?\d+(\.\d+)?$/;

/** Throws BAD_REQUEST for anything but plain decimal notation. */
export function exact(text: string): Exact {
  if (!DECIMAL.test(text)) throw new Fault('BAD_REQUEST', { detail: `'${text}' is no decimal` });
  return new Decimal(text);
}

export function isDecimalText(text: string): boolean {
  return DECIMAL.test(text);
}

/** All digits, without exponent and without a negative zero. */
export function exactText(value: Exact): string {
  return value.isZero() ? '0' : value.toFixed();
}

/** The one rounding of an amount. */
export function roundMoney(value: Exact, digits: number, mode: Rounding['mode']): Money {
  const text = value.toFixed(digits, MODES[mode]);
  return (/^-[0.]+$/.test(text) ? text.slice(1) : text) as Money;
}

/** The sum of printed amounts, printed with the same digits; nothing is rounded. */
export function sumMoney(amounts: readonly Money[], digits: number): Money {
  let sum = new Decimal('0');
  for (const amount of amounts) sum = sum.plus(exact(amount));
  return roundMoney(sum, digits, 'HALF_UP');
}

/** For the reader only: at most `most` decimals, at least `least`. */
export function printQuantity(value: Exact, least: number, most: number): string {
  const digits = Math.max(least, Math.min(most, value.decimalPlaces()));
  return value.toFixed(digits, Base.ROUND_HALF_UP);
}
