/**
 * Local dates of a zone and the UTC instants at which they begin and end. The only file that asks
 * the zone database; everything else computes with dates as 'YYYY-MM-DD' and epoch milliseconds.
 */
import { Temporal } from 'temporal-polyfill';
import { daysInMonth, Fault, LIMITS } from '../../domain/index.ts';

/** 'YYYY-MM-DD' on the wall calendar of a zone. Compares in order of time as a string. */
export type LocalDate = string;

/** One local day as the half-open range of instants it lasts: 23, 24 or 25 h, or 23.5 and 24.5. */
export interface LocalDay {
  readonly date: LocalDate;
  readonly fromMs: number;
  readonly toMs: number;
}

/** A stretch of time in which the zone keeps one distance from UTC: wall = UTC + offset. */
export interface OffsetSpan {
  readonly fromMs: number;
  readonly toMs: number;
  readonly offsetMs: number;
}

const DATE = /^(\d{4})-(\d{2})-(\d{2})$/;

/** True for a date that exists, in the one spelling that sorts. */
export function isLocalDate(text: string): boolean {
  const match = DATE.exec(text);
  if (match === null) return false;
  const [year, month, day] = [Number(match[1]), Number(match[2]), Number(match[3])];
  return month >= 1 && month <= 12 && day >= 1 && day <= daysInMonth(year, month);
}

/** True for an IANA zone known here, 'UTC', or a fixed offset such as '+10:00'. */
export function isZone(zone: string): boolean {
  try {
    zoned(0, zone);
    return true;
  } catch {
    return false;
  }
}

/** The first instant of a local date: midnight, or the end of the gap when midnight is skipped. */
export function localMidnightMs(zone: string, date: LocalDate): number {
  return plain(date).toZonedDateTime(zone).epochMilliseconds;
}

/** The local date an instant falls on. */
export function localDateOf(zone: string, instantMs: number): LocalDate {
  return zoned(instantMs, zone).toPlainDate().toString();
}

export function addDays(date: LocalDate, days: number): LocalDate {
  return plain(date).add({ days }).toString();
}

/** Whole days in [from, to); negative when `to` is the earlier one. */
export function daysBetween(from: LocalDate, to: LocalDate): number {
  return plain(from).until(plain(to), { largestUnit: 'days' }).days;
}

/** ISO weekday, 1 = Monday. */
export function weekdayOf(date: LocalDate): number {
  return plain(date).dayOfWeek;
}

/** The days of [from, to) in order. Throws BAD_REQUEST when the range is no range or too long. */
export function localDays(zone: string, from: LocalDate, to: LocalDate): LocalDay[] {
  checkRange(from, to);
  const days: LocalDay[] = [];
  let date = from;
  let fromMs = localMidnightMs(zone, date);
  while (date < to) {
    const next = addDays(date, 1);
    const toMs = localMidnightMs(zone, next);
    days.push({ date, fromMs, toMs });
    date = next;
    fromMs = toMs;
  }
  return days;
}

/** How many days of [from, to) lie in each calendar month: the base of monthly proration. */
export function monthShares(
  from: LocalDate,
  to: LocalDate,
): { readonly month: string; readonly days: number; readonly daysInMonth: number }[] {
  checkRange(from, to);
  const shares = [];
  let start = from;
  while (start < to) {
    const length = plain(start).daysInMonth;
    const month = start.slice(0, 7);
    const next = addDays(`${month}-01`, length);
    const end = next < to ? next : to;
    shares.push({ month, days: daysBetween(start, end), daysInMonth: length });
    start = end;
  }
  return shares;
}

/** The constant-offset spans that make up [fromMs, toMs), in order, without gap. */
export function offsetSpans(zone: string, fromMs: number, toMs: number): OffsetSpan[] {
  const spans: OffsetSpan[] = [];
  let start = fromMs;
  while (start < toMs) {
    const here = zoned(start, zone);
    const change = here.getTimeZoneTransition('next')?.epochMilliseconds ?? toMs;
    const end = Math.min(change, toMs);
    const offsetMs = here.offsetNanoseconds / 1_000_000;
    const last = spans.at(-1);
    // The zone database also records changes of name or law that leave the offset as it was.
    if (last?.offsetMs === offsetMs) spans[spans.length - 1] = { ...last, toMs: end };
    else spans.push({ fromMs: start, toMs: end, offsetMs });
    start = end;
  }
  return spans;
}

/** Interval starts in [fromMs, toMs) on the UTC grid of `intervalS`; an interval is its start. */
export function expectedIntervals(fromMs: number, toMs: number, intervalS: number): number {
  if (!Number.isSafeInteger(intervalS) || intervalS <= 0) {
    throw new Fault('BAD_REQUEST', { detail: `interval length ${intervalS} s is not positive` });
  }
  const stepMs = intervalS * 1_000;
  return Math.max(0, Math.ceil(toMs / stepMs) - Math.ceil(fromMs / stepMs));
}

/** Expected intervals of the local days [from, to): 92, 96 or 100 for a day of quarter hours. */
export function expectedInPeriod(
  zone: string,
  from: LocalDate,
  to: LocalDate,
  intervalS: number,
): number {
  return expectedIntervals(localMidnightMs(zone, from), localMidnightMs(zone, to), intervalS);
}

/** Throws BAD_REQUEST unless [from, to) is a range of dates of a length that can be billed. */
export function checkRange(from: LocalDate, to: LocalDate): void {
  const detail = rangeProblem(from, to);
  if (detail !== undefined) throw new Fault('BAD_REQUEST', { detail });
}

function rangeProblem(from: LocalDate, to: LocalDate): string | undefined {
  if (!isLocalDate(from)) return `'${from}' is not a date`;
  if (!isLocalDate(to)) return `'${to}' is not a date`;
  if (from >= to) return `the period ${from} to ${to} is empty`;
  if (daysBetween(from, to) > LIMITS.billPeriodDaysMax) {
    return `the period ${from} to ${to} is longer than ${LIMITS.billPeriodDaysMax} days`;
  }
  return undefined;
}

function zoned(instantMs: number, zone: string): Temporal.ZonedDateTime {
  return Temporal.Instant.fromEpochMilliseconds(instantMs).toZonedDateTimeISO(zone);
}

function plain(date: LocalDate): Temporal.PlainDate {
  return Temporal.PlainDate.from(date);
}
