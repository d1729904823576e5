/**
 * From a calendar to instants: which time-of-use period holds when, as half-open UTC ranges.
 *
 * The zone's history is first cut into spans of constant offset. Inside a span wall time and UTC
 * differ by a constant, so bands become instants by addition, and the awkward hours need no rule of
 * their own: an hour that comes twice is met in two spans and belongs to its wall-clock period both
 * times; a border inside a skipped hour falls on the change itself.
 */
import { DAY_MS, Fault, MINUTE_MS } from '../../domain/index.ts';
import { dayTypeOn, type MinuteBand, minuteBands, tablesOn } from './day-types.ts';
import { addDays, type LocalDate, localDateOf, localDays, offsetSpans } from './local.ts';
import type { TariffCalendar } from './schema.ts';

export interface RateSegment {
  readonly fromMs: number;
  readonly toMs: number;
  readonly period: string;
}

/**
 * Segments covering the local dates [from, to) of `zone` in order, without gap or overlap; adjacent
 * ranges of one period are merged. Throws TARIFF_INVALID when the calendar leaves time uncovered.
 */
export function buildRateSegments(
  calendar: TariffCalendar,
  zone: string,
  from: LocalDate,
  to: LocalDate,
): RateSegment[] {
  const days = localDays(zone, from, to);
  const fromMs = days[0]?.fromMs ?? 0;
  const toMs = days.at(-1)?.toMs ?? 0;
  const clock = calendar.zone ?? zone;
  const bandsOf = bandCache(calendar);
  const segments: RateSegment[] = [];
  for (const span of offsetSpans(clock, fromMs, toMs)) {
    let date = localDateOf(clock, span.fromMs);
    let midnightMs = Date.parse(`${date}T00:00:00Z`) - span.offsetMs;
    while (midnightMs < span.toMs) {
      for (const band of bandsOf(date)) {
        const start = Math.max(span.fromMs, midnightMs + band.from * MINUTE_MS);
        const end = Math.min(span.toMs, midnightMs + band.to * MINUTE_MS);
        if (start < end) append(segments, { fromMs: start, toMs: end, period: band.period });
      }
      date = addDays(date, 1);
      midnightMs += DAY_MS;
    }
  }
  checkCover(segments, fromMs, toMs);
  return segments;
}

/** The segment that holds an instant; undefined outside. Segments must be in order. */
export function segmentAt<T extends { readonly fromMs: number; readonly toMs: number }>(
  segments: readonly T[],
  instantMs: number,
): T | undefined {
  let low = 0;
  let high = segments.length - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    const segment = segments[middle] as T;
    if (instantMs < segment.fromMs) high = middle - 1;
    else if (instantMs >= segment.toMs) low = middle + 1;
    else return segment;
  }
  return undefined;
}

function bandCache(calendar: TariffCalendar): (date: LocalDate) => readonly MinuteBand[] {
  const known = new Map<readonly unknown[], readonly MinuteBand[]>();
  return (date) => {
    const type = dayTypeOn(calendar, date);
    const table = tablesOn(calendar, date)?.[type];
    if (table === undefined) return [];
    const cached = known.get(table) ?? minuteBands(table);
    known.set(table, cached);
    return cached;
  };
}

function append(segments: RateSegment[], next: RateSegment): void {
  const last = segments.at(-1);
  if (last !== undefined && last.toMs === next.fromMs && last.period === next.period) {
    segments[segments.length - 1] = { ...last, toMs: next.toMs };
  } else {
    segments.push(next);
  }
}

function checkCover(segments: readonly RateSegment[], fromMs: number, toMs: number): void {
  let reached = fromMs;
  for (const segment of segments) {
    if (segment.fromMs !== reached) break;
    reached = segment.toMs;
  }
  if (reached === toMs) return;
  const at = new Date(reached).toISOString();
  throw new Fault('TARIFF_INVALID', {
    code: 'calendar',
    detail: `no single period holds at ${at}`,
  });
}
