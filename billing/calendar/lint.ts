/** What is wrong with a calendar, all at once, before any bill depends on it. */
import { allTables, bandProblems, dayTypesInUse, seasonCovers } from './day-types.ts';
import { isLocalDate, isZone } from './local.ts';
import type { TariffCalendar } from './schema.ts';

export interface CalendarProblem {
  /** Place inside the calendar, 'days/weekday'. */
  readonly at: string;
  readonly message: string;
}

/** Problems of a calendar whose shape is already right; empty = none. */
export function calendarProblems(calendar: TariffCalendar): CalendarProblem[] {
  return [
    ...zoneProblems(calendar),
    ...holidayProblems(calendar),
    ...dayTypeProblems(calendar),
    ...tableProblems(calendar),
    ...seasonProblems(calendar),
  ];
}

function zoneProblems({ zone }: TariffCalendar): CalendarProblem[] {
  if (zone === undefined || isZone(zone)) return [];
  return [{ at: 'zone', message: `zone '${zone}' is not known` }];
}

function holidayProblems(calendar: TariffCalendar): CalendarProblem[] {
  return calendar.holidays.flatMap((date, index) =>
    isLocalDate(date)
      ? []
      : [{ at: `holidays/${index}`, message: `'${date}' is not a date that exists` }],
  );
}

function dayTypeProblems(calendar: TariffCalendar): CalendarProblem[] {
  const owner = new Map<number, string>();
  const problems: CalendarProblem[] = [];
  for (const [name, weekdays] of Object.entries(calendar.dayTypes ?? {})) {
    for (const weekday of weekdays) {
      const other = owner.get(weekday);
      if (other !== undefined) {
        const message = `weekday ${weekday} is already of day type '${other}'`;
        problems.push({ at: `dayTypes/${name}`, message });
      }
      owner.set(weekday, name);
    }
  }
  return problems;
}

function tableProblems(calendar: TariffCalendar): CalendarProblem[] {
  const tables = allTables(calendar);
  if (tables.length === 0) return [{ at: '', message: 'needs `days` or `seasons`' }];
  const used = dayTypesInUse(calendar);
  return tables.flatMap(({ at, days }) => {
    const missing = used
      .filter((type) => days[type] === undefined)
      .map((type) => ({ at, message: `has no table for day type '${type}'` }));
    const broken = Object.entries(days)
      // A table for days that never come may be left empty, as `rest: []` without rest days.
      .filter(([type, bands]) => used.includes(type) || bands.length > 0)
      .flatMap(([type, bands]) =>
        bandProblems(bands).map((message) => ({ at: `${at}/${type}`, message })),
      );
    return [...missing, ...broken];
  });
}

function seasonProblems(calendar: TariffCalendar): CalendarProblem[] {
  const seasons = calendar.seasons ?? [];
  const problems: CalendarProblem[] = seasons.flatMap((season, index) =>
    (['from', 'to'] as const)
      // A leap year has every day a season may begin on.
      .filter((end) => !isLocalDate(`2024-${season[end]}`))
      .map((end) => ({ at: `seasons/${index}/${end}`, message: `'${season[end]}' is no day` })),
  );
  if (seasons.length === 0 || problems.length > 0) return problems;
  for (const monthDay of leapYearDays()) {
    const covering = seasons.filter((season) => seasonCovers(season, monthDay));
    if (covering.length > 1) {
      const names = covering.map((season) => season.name).join(' and ');
      return [{ at: 'seasons', message: `overlap on ${monthDay}: ${names}` }];
    }
    if (covering.length === 0 && calendar.days === undefined) {
      return [{ at: 'seasons', message: `gap on ${monthDay}, and no \`days\` to fall back on` }];
    }
  }
  return [];
}

function leapYearDays(): string[] {
  return Array.from({ length: 366 }, (_, day) =>
    new Date(Date.UTC(2024, 0, 1 + day)).toISOString().slice(5, 10),
  );
}
