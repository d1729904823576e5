/** Local time of a place. Days are 23, 24 or 25 hours long there, whatever the viewer's zone is. */

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

const fields = new Map<string, Intl.DateTimeFormat>();

function fieldsOf(zone: string): Intl.DateTimeFormat {
  const known = fields.get(zone);
  if (known !== undefined) return known;
  const made = new Intl.DateTimeFormat('en-GB', {
    timeZone: zone,
    hourCycle: 'h23',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
  });
  fields.set(zone, made);
  return made;
}

/** The wall clock of the zone, as if it were UTC. */
export function wallMs(zone: string, ms: number): number {
  const part: Record<string, number> = {};
  for (const { type, value } of fieldsOf(zone).formatToParts(ms)) part[type] = Number(value);
  const {
    year = 0,
    month = 1,
    day = 1,
    hour = 0,
    minute = 0,
    second = 0,
  } = part as {
    [name: string]: number;
  };
  return Date.UTC(year, month - 1, day, hour, minute, second);
}

/** 'YYYY-MM-DD' of an instant in the zone. */
export function localDate(zone: string, ms: number): string {
  return new Date(wallMs(zone, ms)).toISOString().slice(0, 10);
}

/** The first instant of a local date; where midnight is skipped, the first that exists. */
export function dayStartMs(zone: string, date: string): number {
  const wanted = Date.parse(`${date}T00:00:00Z`);
  // Offsets lie within a day of UTC, so both candidates' offsets are seen around midnight.
  const offsets = [wanted - DAY_MS, wanted + DAY_MS].map((ms) => wallMs(zone, ms) - ms);
  const exact = offsets
    .map((offset) => wanted - offset)
    .filter((ms) => wallMs(zone, ms) === wanted);
  if (exact.length > 0) return Math.min(...exact);
  return wanted - Math.min(...offsets);
}

export function addDays(date: string, days: number): string {
  return new Date(Date.parse(`${date}T00:00:00Z`) + days * DAY_MS).toISOString().slice(0, 10);
}

export function isDate(text: string | null): text is string {
  return text !== null && /^\d{4}-\d{2}-\d{2}$/.test(text) && !Number.isNaN(Date.parse(text));
}

/** 'HH:mm' on the wall. */
export function clockTime(zone: string, ms: number): string {
  return new Date(wallMs(zone, ms)).toISOString().slice(11, 16);
}

/** 'CEST', 'GMT-5': the zone's name at that instant. */
export function zoneName(zone: string, ms: number): string {
  const parts = new Intl.DateTimeFormat('en-GB', {
    timeZone: zone,
    timeZoneName: 'short',
  }).formatToParts(ms);
  return parts.find((p) => p.type === 'timeZoneName')?.value ?? zone;
}

/** The clock shows this time twice on that day. */
export function isRepeated(zone: string, ms: number): boolean {
  const wall = wallMs(zone, ms);
  const offset = wall - ms;
  const around = [ms - DAY_MS / 2, ms + DAY_MS / 2].map((at) => wallMs(zone, at) - at);
  return around.some((other) => other !== offset && wallMs(zone, wall - other) === wall);
}

/** 'HH:mm', with the zone's name where the wall clock shows the time twice. */
export function plainTime(zone: string, ms: number): string {
  const time = clockTime(zone, ms);
  return isRepeated(zone, ms) ? `${time} ${zoneName(zone, ms)}` : time;
}

/** '09:15–09:30' of an interval that starts at `ms`. */
export function intervalTime(zone: string, ms: number, intervalS: number): string {
  return `${plainTime(zone, ms)}–${plainTime(zone, ms + intervalS * 1_000)}`;
}

export function hoursBetween(fromMs: number, toMs: number): number {
  return (toMs - fromMs) / HOUR_MS;
}
