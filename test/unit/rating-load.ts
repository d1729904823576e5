/** Load curves by formula and small tariffs, for the tests of rating. */
import { Temporal } from 'temporal-polyfill';
import { localDays } from '../../billing/calendar/local.ts';
import { type IntervalRow, sumIntervals } from '../../billing/rating/determinant.ts';
import { type Channels, makeRatingPlan } from '../../billing/rating/plan.ts';
import type { RatedBill } from '../../billing/rating/rate.ts';
import { rateByPlan } from '../../billing/rating/rate.ts';
import { acceptTariff } from '../../billing/tariffs/parse.ts';
import type { ChannelDirection, Charge, Tariff } from '../../billing/tariffs/schema.ts';
import { QUALITY } from '../../domain/index.ts';

/** i: interval of the local day; d: local day; h: wall-clock hour at its start. */
export type Formula = (place: { i: number; d: number; h: number }) => number;

export interface LoadSpec {
  readonly zone: string;
  readonly from: string;
  readonly to: string;
  readonly minutes: number;
  readonly formula: Formula;
  readonly direction?: ChannelDirection;
}

/** The intervals of whole local days, in order of time. */
export function load(spec: LoadSpec): IntervalRow[] {
  const step = spec.minutes * 60_000;
  return localDays(spec.zone, spec.from, spec.to).flatMap(({ fromMs, toMs }, d) =>
    Array.from({ length: (toMs - fromMs) / step }, (_, i) => {
      const startMs = fromMs + i * step;
      const wall = Temporal.Instant.fromEpochMilliseconds(startMs).toZonedDateTimeISO(spec.zone);
      return {
        channelDirection: spec.direction ?? 'import',
        startMs,
        value: spec.formula({ i, d, h: wall.hour }),
        batchId: d + 1,
        quality: QUALITY.VALID.code,
      };
    }),
  );
}

export const QUARTER_HOURS: Channels = { import: { unit: 'Wh', exponent: 0, intervalS: 900 } };
export const HOURS: Channels = { import: { unit: 'Wh', exponent: 0, intervalS: 3_600 } };

/** A tariff of one version; goes through the same checks as a document. */
export function tariffOf(
  charges: readonly Charge[],
  rest: { readonly [key: string]: unknown } = {},
  head: { readonly [key: string]: unknown } = {},
): Tariff {
  return acceptTariff({
    code: 'test',
    name: 'Test',
    currency: 'EUR',
    minorDigits: 2,
    rounding: { mode: 'HALF_UP', place: 'line' },
    versions: [{ from: '2000-01-01', charges, taxes: [], dueDays: 10, ...rest }],
    ...head,
  });
}

export interface BillSpec {
  readonly tariff: Tariff;
  readonly zone?: string;
  readonly period: readonly [string, string];
  readonly channels?: Channels;
  readonly contract?: Readonly<Record<string, string>>;
  readonly rows?: readonly IntervalRow[];
}

/** Rows to bill by the interval-by-interval way. */
export function billOf(spec: BillSpec): RatedBill {
  const channels = spec.channels ?? QUARTER_HOURS;
  const plan = makeRatingPlan(spec.tariff, spec.zone ?? 'Europe/Madrid', spec.period, channels);
  const determinants = sumIntervals(plan.sums, spec.rows ?? []);
  return rateByPlan(plan, { contract: spec.contract ?? {}, determinants });
}

export function amounts(bill: RatedBill): Record<string, string> {
  return Object.fromEntries(bill.lines.map(({ code, amount }) => [code, amount]));
}
