/** A billing period cut at every effective date that falls inside it. */
import { daysBetween, type LocalDate } from '../calendar/local.ts';
import type { Tariff, TariffVersion } from './schema.ts';

/** The local dates [from, to) of a billing period on which one version of the tariff holds. */
export interface TariffPart {
  readonly versionIndex: number;
  readonly version: TariffVersion;
  readonly from: LocalDate;
  readonly to: LocalDate;
  readonly days: number;
}

export interface TariffCut {
  readonly parts: readonly TariffPart[];
  /** Date ranges of the period for which there is no version; empty = all is covered. */
  readonly uncovered: readonly { readonly from: LocalDate; readonly to: LocalDate }[];
}

/** The parts of [from, to) in order, and what no version covers. */
export function cutByVersion(tariff: Tariff, from: LocalDate, to: LocalDate): TariffCut {
  const parts: TariffPart[] = [];
  const uncovered: { from: LocalDate; to: LocalDate }[] = [];
  let reached = from;
  tariff.versions.forEach((version, versionIndex) => {
    const end = version.to != null && version.to < to ? version.to : to;
    let start = reached;
    if (version.from > reached) start = version.from;
    if (start >= end) return;
    if (start > reached) uncovered.push({ from: reached, to: start });
    parts.push({ versionIndex, version, from: start, to: end, days: daysBetween(start, end) });
    reached = end;
  });
  if (reached < to) uncovered.push({ from: reached, to });
  return { parts, uncovered };
}

/** The version that holds on a date; undefined when none does. */
export function versionOn(tariff: Tariff, date: LocalDate): TariffVersion | undefined {
  return tariff.versions.find(
    (version) => version.from <= date && (version.to == null || date < version.to),
  );
}
