/** Which table of bands a date is read by: holiday before own day type before rest before weekday. */
import { type LocalDate, weekdayOf } from './local.ts';
import type { Band, DayTables, Season, TariffCalendar } from './schema.ts';

const WEEKDAY = 'weekday';
const REST = 'rest';
const DAY_MINUTES = 24 * 60;

export interface MinuteBand {
  /** Minutes since the wall clock's 00:00, half-open, 0 .. 1440. */
  readonly from: number;
  readonly to: number;
  readonly period: string;
}

export function dayTypeOn(calendar: TariffCalendar, date: LocalDate): string {
  if (calendar.holidays.includes(date)) return calendar.holidayType ?? REST;
  return weekdayType(calendar, weekdayOf(date));
}

function weekdayType(calendar: TariffCalendar, weekday: number): string {
  const own = Object.entries(calendar.dayTypes ?? {}).find(([, days]) => days.includes(weekday));
  if (own !== undefined) return own[0];
  return calendar.restDays.includes(weekday) ? REST : WEEKDAY;
}

/** The first season that covers the date; undefined = the plain tables hold. */
export function seasonOn(calendar: TariffCalendar, date: LocalDate): Season | undefined {
  return calendar.seasons?.find((season) => seasonCovers(season, date.slice(5)));
}

export function seasonCovers(season: Pick<Season, 'from' | 'to'>, monthDay: string): boolean {
  const { from, to } = season;
  if (from < to) return monthDay >= from && monthDay < to;
  return monthDay >= from || monthDay < to;
}

/** The tables that hold on a date; undefined when the calendar forgot that time of year. */
export function tablesOn(calendar: TariffCalendar, date: LocalDate): DayTables | undefined {
  return seasonOn(calendar, date)?.days ?? calendar.days;
}

/** The day types that some date can have: the tables that must be there and be complete. */
export function dayTypesInUse(calendar: TariffCalendar): string[] {
  const used = new Set([1, 2, 3, 4, 5, 6, 7].map((weekday) => weekdayType(calendar, weekday)));
  if (calendar.holidays.length > 0) used.add(calendar.holidayType ?? REST);
  return [...used];
}

/** Every table of a calendar with the place it stands at, for the linter and for period names. */
export function allTables(calendar: TariffCalendar): { at: string; days: DayTables }[] {
  const seasons = (calendar.seasons ?? []).map((season, index) => ({
    at: `seasons/${index}/days`,
    days: season.days,
  }));
  return calendar.days === undefined ? seasons : [{ at: 'days', days: calendar.days }, ...seasons];
}

/** All period names that some date can meet, in order of first mention. */
export function periodsOf(calendar: TariffCalendar): string[] {
  const used = new Set(dayTypesInUse(calendar));
  const names = new Set<string>();
  for (const { days } of allTables(calendar)) {
    for (const [type, bands] of Object.entries(days)) {
      if (used.has(type)) for (const band of bands) names.add(band[2]);
    }
  }
  return [...names];
}

/** Bands as minutes of the day, in order. */
export function minuteBands(bands: readonly Band[]): MinuteBand[] {
  return bands
    .map(([from, to, period]) => ({ from: minutesOf(from), to: minutesOf(to), period }))
    .sort((a, b) => a.from - b.from);
}

/** What keeps bands from covering the day exactly once; empty = nothing. */
export function bandProblems(bands: readonly Band[]): string[] {
  const problems: string[] = [];
  let reached = 0;
  for (const band of minuteBands(bands)) {
    const name = `${timeText(band.from)}-${timeText(band.to)} ${band.period}`;
    if (band.to <= band.from) {
      problems.push(`band ${name} is empty or runs backwards`);
      continue;
    }
    if (band.from > reached) {
      problems.push(`gap from ${timeText(reached)} to ${timeText(band.from)}`);
    }
    if (band.from < reached) {
      const end = timeText(Math.min(reached, band.to));
      problems.push(`overlap from ${timeText(band.from)} to ${end} at band ${name}`);
    }
    reached = Math.max(reached, band.to);
  }
  if (reached < DAY_MINUTES) problems.push(`gap from ${timeText(reached)} to 24:00`);
  return problems;
}

function minutesOf(time: string): number {
  return Number(time.slice(0, 2)) * 60 + Number(time.slice(3, 5));
}

function timeText(minutes: number): string {
  const two = (n: number) => String(n).padStart(2, '0');
  return `${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;
}
