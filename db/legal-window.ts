/**
 * When a cut is allowed at all, in the local time of the service point. A basic gate of the
 * sender; the rule packs of collections are stricter and are asked before (collections.md 5).
 */
export interface LegalWindow {
  /** Local wall-clock hours, [from, to). */
  readonly fromHour: number;
  readonly toHour: number;
  /** Local weekdays on which a cut is allowed: 1 = Monday .. 7 = Sunday. */
  readonly weekdays: readonly number[];
  /** Local dates 'YYYY-MM-DD' without cuts; the day before each is closed too. */
  readonly holidays: readonly string[];
}

/** 08:00-15:00, Monday to Thursday. The holidays are the utility's to name. */
export function weekdayMornings(holidays: readonly string[]): LegalWindow {
  return { fromHour: 8, toHour: 15, weekdays: [1, 2, 3, 4], holidays };
}

export interface LocalMoment {
  readonly date: string;
  readonly hour: number;
  readonly weekday: number;
}

const WEEKDAYS: Readonly<Record<string, number>> = {
  Mon: 1,
  Tue: 2,
  Wed: 3,
  Thu: 4,
  Fri: 5,
  Sat: 6,
  Sun: 7,
};

/** Wall-clock date, hour and weekday of an instant; undefined when the zone is not known. */
export function localMoment(atMs: number, timeZone: string): LocalMoment | undefined {
  let parts: Intl.DateTimeFormatPart[];
  try {
    parts = new Intl.DateTimeFormat('en-US', {
      timeZone,
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
      hour: '2-digit',
      hourCycle: 'h23',
      weekday: 'short',
    }).formatToParts(atMs);
  } catch {
    return undefined;
  }
  const part = (type: Intl.DateTimeFormatPartTypes) =>
    parts.find((p) => p.type === type)?.value ?? '';
  return {
    date: `${part('year')}-${part('month')}-${part('day')}`,
    hour: Number(part('hour')),
    weekday: WEEKDAYS[part('weekday')] ?? 0,
  };
}

/** Why a cut is not allowed now; undefined when it is. */
export function outsideWindow(
  window: LegalWindow,
  atMs: number,
  timeZone: string,
): string | undefined {
  const now = localMoment(atMs, timeZone);
  if (now === undefined) return `time zone ${timeZone} is not known`;
  if (!window.weekdays.includes(now.weekday)) return `no cuts on weekday ${now.weekday}`;
  if (!(now.hour >= window.fromHour && now.hour < window.toHour)) {
    return `${now.hour} h local is outside ${window.fromHour}-${window.toHour} h`;
  }
  if (window.holidays.includes(now.date)) return `${now.date} is a holiday`;
  const tomorrow = nextDate(now.date);
  if (window.holidays.includes(tomorrow)) return `${tomorrow} is a holiday, its eve is closed`;
  return undefined;
}

function nextDate(date: string): string {
  const [year, month, day] = date.split('-').map(Number) as [number, number, number];
  return new Date(Date.UTC(year, month - 1, day + 1)).toISOString().slice(0, 10);
}
