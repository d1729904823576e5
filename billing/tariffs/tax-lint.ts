/** Taxes may be taxed, but never by themselves, and never before they are known. */

import type { DocumentProblem } from '../documents.ts';
import type { TariffVersion, TaxStep } from './schema.ts';

/** Problems of the tax steps of one version. */
export function taxProblems(version: TariffVersion): DocumentProblem[] {
  const { taxes } = version;
  const tags = new Set(version.charges.flatMap((charge) => charge.tags));
  for (const tax of taxes) if (tax.tag !== undefined) tags.add(tax.tag);
  const unknown = taxes.flatMap((tax, index) =>
    tax.base
      .filter((tag) => !tags.has(tag))
      .map((tag) => ({
        at: `taxes/${index}/base`,
        message: `unknown tag '${tag}': no charge and no tax carries it`,
      })),
  );
  return [...unknown, ...taxes.flatMap((tax, index) => orderProblem(taxes, tax, index))];
}

function orderProblem(taxes: readonly TaxStep[], tax: TaxStep, index: number): DocumentProblem[] {
  const at = `taxes/${index}`;
  const cycle = cycleFrom(taxes, index);
  if (cycle !== undefined) return [{ at, message: `tax cycle: ${cycle.join(' -> ')}` }];
  return taxes
    .filter((other, place) => place > index && feeds(other, tax))
    .map((other) => ({ at, message: `takes '${other.code}' into its base but stands before it` }));
}

/** True when the amount of `source` is part of the base of `target`. */
function feeds(source: TaxStep, target: TaxStep): boolean {
  return source.tag !== undefined && target.base.includes(source.tag);
}

/** The way from a tax over the taxes in its base back to itself. */
function cycleFrom(taxes: readonly TaxStep[], start: number): string[] | undefined {
  const seen = new Set<number>();
  const walk = (here: number, path: readonly string[]): string[] | undefined => {
    for (const [place, source] of taxes.entries()) {
      if (!feeds(source, taxes[here] as TaxStep)) continue;
      if (place === start) return [...path, source.code];
      if (seen.has(place)) continue;
      seen.add(place);
      const found = walk(place, [...path, source.code]);
      if (found !== undefined) return found;
    }
    return undefined;
  };
  return walk(start, [(taxes[start] as TaxStep).code]);
}
