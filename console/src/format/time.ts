/** Dates and instants for people. */

const SHORT: Intl.DateTimeFormatOptions = { day: 'numeric', month: 'short', year: 'numeric' };

/** A local date 'YYYY-MM-DD' as '21 Nov 2026'; it has no zone, so none is applied. */
export function formatDate(date: string, locale: string, weekday = false): string {
  return new Intl.DateTimeFormat(locale, {
    ...SHORT,
    ...(weekday && { weekday: 'short' as const }),
    timeZone: 'UTC',
  }).format(Date.parse(`${date}T00:00:00Z`));
}

/** '21 Nov', where the year is told elsewhere. */
export function formatDayMonth(date: string, locale: string): string {
  return new Intl.DateTimeFormat(locale, {
    day: 'numeric',
    month: 'short',
    timeZone: 'UTC',
  }).format(Date.parse(`${date}T00:00:00Z`));
}

/** An instant with the zone it is shown in; without one, the viewer's. */
export function formatInstant(iso: string, locale: string, zone?: string): string {
  return new Intl.DateTimeFormat(locale, {
    ...SHORT,
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    hourCycle: 'h23',
    timeZoneName: 'short',
    ...(zone !== undefined && { timeZone: zone }),
  }).format(Date.parse(iso));
}

/** 'HH:mm:ss' on this computer. */
export function formatClock(ms: number, locale: string): string {
  return new Intl.DateTimeFormat(locale, { timeStyle: 'medium', hourCycle: 'h23' }).format(ms);
}
