/**
 * Determinants in, a bill out. Whole counts were summed before; here a quantity meets its price
 * once, a line is rounded once, taxes are taken on printed amounts, and the total is the sum of
 * what is printed.
 */
import { canonicalJson, Fault, hashOf } from '../../domain/index.ts';
import type { LocalDate } from '../calendar/local.ts';
import type { Charge, Tariff } from '../tariffs/schema.ts';
import type { TariffPart } from '../tariffs/versions.ts';
import type { Determinant } from './determinant.ts';
import { exact, exactText, type Money, roundMoney, sumMoney } from './exact.ts';
import { contractTermsOf, ratingObstacles, sayObstacles } from './obstacles.ts';
import { type BillingPeriod, type Channels, makeRatingPlan, type RatingPlan } from './plan.ts';
import type { ContractTerms, Priced } from './pricers/pricer.ts';
import { pricerOf } from './pricers/registry.ts';
import { type RatedTax, rateTaxes } from './taxes.ts';

export interface RatedLine {
  readonly code: string;
  readonly description: string;
  readonly from: LocalDate;
  readonly to: LocalDate;
  /** Decimal string for the reader, at most 6 decimals where it is a quotient. */
  readonly quantity: string;
  readonly unit: string;
  readonly price: string;
  readonly factor?: string;
  /** The amount before it was rounded; 40 digits where it is a quotient without end. */
  readonly exact: string;
  readonly amount: Money;
  readonly tags: readonly string[];
  /** Index of the tariff version. */
  readonly tariffVersion: number;
  readonly determinants: readonly string[];
}

export interface RatedBill {
  readonly currency: string;
  readonly lines: readonly RatedLine[];
  readonly taxes: readonly RatedTax[];
  /** Sum of the lines. */
  readonly net: Money;
  /** net + taxes. */
  readonly total: Money;
  /** Estimated intervals behind the bill. */
  readonly estimated: number;
  /** Of everything the bill depends on: equal inputs, equal hash, at any time. */
  readonly inputHash: string;
  /** Of lines and taxes. */
  readonly resultHash: string;
}

/** What belongs to one account; everything else is in the plan. */
export interface RatedSupply {
  /** For the sentence of a fault only. */
  readonly account?: string;
  readonly contract: ContractTerms;
  readonly determinants: readonly Determinant[];
}

export interface RatingInput extends RatedSupply {
  readonly tariff: Tariff;
  readonly zone: string;
  readonly period: BillingPeriod;
  readonly channels: Channels;
}

/** Rates one supply. Throws BILL_BLOCKED with everything that is missing. */
export function rate(input: RatingInput): RatedBill {
  const { tariff, zone, period, channels } = input;
  return rateByPlan(makeRatingPlan(tariff, zone, period, channels), input);
}

/** As rate, with the plan made before: what a bill run does for accounts of one kind. */
export function rateByPlan(plan: RatingPlan, supply: RatedSupply): RatedBill {
  const obstacles = ratingObstacles(plan, supply.contract, supply.determinants);
  if (obstacles.length > 0) {
    const account = supply.account ?? 'without number';
    throw new Fault('BILL_BLOCKED', { account, detail: sayObstacles(obstacles) });
  }
  const { tariff } = plan;
  const lines = plan.cut.parts.flatMap((part) => partLines(plan, part, supply));
  const taxes = taxesOf(plan, lines);
  const net = sumMoney(amountsOf(lines), tariff.minorDigits);
  const total = sumMoney([net, ...amountsOf(taxes)], tariff.minorDigits);
  return {
    currency: tariff.currency,
    lines,
    taxes,
    net,
    total,
    estimated: supply.determinants.reduce((sum, { estimated }) => sum + estimated, 0),
    inputHash: inputHash(plan, supply),
    resultHash: hashOf({ lines, taxes }),
  };
}

function partLines(plan: RatingPlan, part: TariffPart, supply: RatedSupply): RatedLine[] {
  const context = {
    period: plan.period,
    part,
    determinants: supply.determinants
      .filter(({ versionIndex }) => versionIndex === part.versionIndex)
      .sort(byCode),
    contract: supply.contract,
  };
  return part.version.charges.flatMap((charge) =>
    pricerOf(charge)
      .price(charge, context)
      .map((priced) => lineOf(plan.tariff, part, charge, priced)),
  );
}

function lineOf(tariff: Tariff, part: TariffPart, charge: Charge, priced: Priced): RatedLine {
  let amount = priced.quantity.times(exact(priced.price));
  if (priced.factor !== undefined) amount = amount.times(exact(priced.factor));
  if (priced.over !== undefined) amount = amount.div(priced.over);
  return {
    code: charge.code,
    description: charge.description ?? charge.code,
    from: part.from,
    to: part.to,
    quantity: priced.printed,
    unit: priced.unit,
    price: priced.price,
    ...(priced.factor === undefined ? {} : { factor: priced.factor }),
    exact: exactText(amount),
    amount: roundMoney(amount, tariff.minorDigits, tariff.rounding.mode),
    tags: charge.tags,
    tariffVersion: part.versionIndex,
    determinants: priced.determinants,
  };
}

/** Versions with the same taxes share one computation, so that a new price is no second rounding. */
function taxesOf({ tariff, cut }: RatingPlan, lines: readonly RatedLine[]): RatedTax[] {
  const groups = new Map<string, { part: TariffPart; versions: Set<number> }>();
  for (const part of cut.parts) {
    const key = canonicalJson(part.version.taxes);
    const group = groups.get(key) ?? { part, versions: new Set() };
    group.versions.add(part.versionIndex);
    groups.set(key, group);
  }
  return [...groups.values()].flatMap(({ part, versions }) =>
    rateTaxes(
      part.version.taxes,
      lines.filter((line) => versions.has(line.tariffVersion)),
      tariff,
    ),
  );
}

function inputHash(plan: RatingPlan, { contract, determinants }: RatedSupply): string {
  const terms = contractTermsOf(plan).map((term) => [term, contract[term]]);
  return hashOf({
    plan: plan.hash,
    contract: Object.fromEntries(terms),
    determinants: [...determinants].sort(byCode),
  });
}

function amountsOf(items: readonly { readonly amount: Money }[]): Money[] {
  return items.map(({ amount }) => amount);
}

function byCode(a: Determinant, b: Determinant): number {
  return a.code < b.code ? -1 : Number(a.code > b.code);
}
