/**
 * What a tariff asks of a billing period, before any reading is looked at. A plan depends on the
 * tariff, the zone, the dates and the shape of the channels only, so a bill run makes it once for
 * thousands of accounts.
 */
import { Fault, hashOf, type Unit } from '../../domain/index.ts';
import {
  checkRange,
  expectedIntervals,
  isZone,
  type LocalDate,
  localMidnightMs,
} from '../calendar/local.ts';
import { buildRateSegments, type RateSegment } from '../calendar/segments.ts';
import {
  type ChannelDirection,
  directionOf,
  isMetered,
  type MeteredCharge,
  type Tariff,
} from '../tariffs/schema.ts';
import { cutByVersion, type TariffCut, type TariffPart } from '../tariffs/versions.ts';
import type { PlannedSum, TimeRange } from './determinant.ts';

/** Local dates [from, to). */
export type BillingPeriod = readonly [from: LocalDate, to: LocalDate];

/** How the values of a metered direction are counted. */
export interface ChannelShape {
  readonly unit: Unit;
  readonly exponent: number;
  readonly intervalS: number;
}

/** The metered directions of a supply; absent = not metered. */
export type Channels = Readonly<Partial<Record<ChannelDirection, ChannelShape>>>;

export interface RatingPlan {
  readonly tariff: Tariff;
  readonly zone: string;
  readonly period: BillingPeriod;
  readonly channels: Channels;
  readonly cut: TariffCut;
  readonly sums: readonly PlannedSum[];
  /** Hash of all of the above that can move a bill: versions to come and unused days cannot. */
  readonly hash: string;
}

const DIRECTIONS: readonly ChannelDirection[] = ['import', 'export'];

/** Throws BAD_REQUEST for a zone or a period that is none. */
export function makeRatingPlan(
  tariff: Tariff,
  zone: string,
  period: BillingPeriod,
  channels: Channels,
): RatingPlan {
  checkRange(...period);
  if (!isZone(zone)) throw new Fault('BAD_REQUEST', { detail: `zone '${zone}' is not known` });
  const cut = cutByVersion(tariff, ...period);
  const sums = cut.parts.flatMap((part) =>
    DIRECTIONS.flatMap((direction) => plannedSums(part, direction, zone, channels[direction])),
  );
  return { tariff, zone, period, channels, cut, sums, hash: planHash(tariff, zone, cut, sums) };
}

/** The sums that must be computed for a bill. */
export function determinantPlan(
  tariff: Tariff,
  zone: string,
  period: BillingPeriod,
  channels: Channels,
): readonly PlannedSum[] {
  return makeRatingPlan(tariff, zone, period, channels).sums;
}

/** 'import:P1:v0', stable as long as versions are only ever added at the end. */
export function sumCode(direction: ChannelDirection, period: string, versionIndex: number): string {
  return `${direction}:${period}:v${versionIndex}`;
}

/**
 * Segment borders that fall inside an interval of that length: the interval is billed whole by the
 * period it starts in, which a utility should know before it gives such a tariff to such a meter.
 */
export function bordersInsideIntervals(sums: readonly PlannedSum[]): number[] {
  const borders = sums.flatMap(({ segments, intervalS }) =>
    segments
      .flatMap(({ fromMs, toMs }) => [fromMs, toMs])
      .filter((instant) => instant % (intervalS * 1_000) !== 0),
  );
  return [...new Set(borders)].sort((a, b) => a - b);
}

function plannedSums(
  part: TariffPart,
  direction: ChannelDirection,
  zone: string,
  channel: ChannelShape | undefined,
): PlannedSum[] {
  const charges = part.version.charges.filter(isMetered);
  const metered = charges.filter((charge) => directionOf(charge) === direction);
  if (channel === undefined || metered.length === 0) return [];
  const fromMs = localMidnightMs(zone, part.from);
  const toMs = localMidnightMs(zone, part.to);
  const segments = segmentsOf(part, metered, zone, { fromMs, toMs });
  const periods = [...new Set(segments.map((segment) => segment.period))].sort();
  return periods.map((period) => {
    const own = segments.filter((segment) => segment.period === period);
    return {
      aggregate: 'sum',
      code: sumCode(direction, period, part.versionIndex),
      channelDirection: direction,
      period,
      versionIndex: part.versionIndex,
      fromMs,
      toMs,
      ...channel,
      expected: own.reduce((n, s) => n + expectedIntervals(s.fromMs, s.toMs, channel.intervalS), 0),
      segments: own.map((segment) => ({ fromMs: segment.fromMs, toMs: segment.toMs })),
    };
  });
}

function segmentsOf(
  part: TariffPart,
  metered: readonly MeteredCharge[],
  zone: string,
  whole: TimeRange,
): RateSegment[] {
  const { calendar } = part.version;
  // Flat charges alone need one sum, not one for each period of a calendar nobody prices by.
  const byTime = metered.some((charge) => charge.kind === 'tou');
  if (!byTime || calendar === undefined) return [{ ...whole, period: 'all' }];
  return buildRateSegments(calendar, zone, part.from, part.to);
}

function planHash(tariff: Tariff, zone: string, cut: TariffCut, sums: readonly unknown[]): string {
  const { code, currency, minorDigits, rounding } = tariff;
  const parts = cut.parts.map(({ versionIndex, version, from, to }) => ({
    versionIndex,
    from,
    to,
    charges: version.charges,
    taxes: version.taxes,
  }));
  return hashOf({ code, currency, minorDigits, rounding, zone, parts, sums });
}
