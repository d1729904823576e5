/** Where a time axis has its marks and what they say. x is UTC: a day of 25 hours is wider. */
import {
  addDays,
  clockTime,
  dayStartMs,
  hoursBetween,
  isRepeated,
  zoneName,
} from '../format/zone.ts';
import type { LoadView } from './load-view.ts';

export interface Mark {
  readonly atS: number;
  readonly label: string;
}

const HOUR_MS = 3_600_000;
/** Width of a label with the room around it. */
const LABEL_PX = 38;

export function timeMarks(view: LoadView, width: number, locale: string): Mark[] {
  return view.span === 'week' ? dayMarks(view, locale) : hourMarks(view, width);
}

/** Every few hours of the wall clock; an hour that comes twice is there twice, with its name. */
function hourMarks({ zone, fromMs, toMs }: LoadView, width: number): Mark[] {
  const hours = hoursBetween(fromMs, toMs);
  const step = [1, 2, 3, 6].find((n) => (width / hours) * n >= LABEL_PX) ?? 6;
  const marks: Mark[] = [];
  // Half-hours are looked at too: a zone may change by thirty minutes.
  for (let ms = fromMs; ms <= toMs; ms += HOUR_MS / 2) {
    const time = clockTime(zone, ms);
    if (!time.endsWith(':00')) continue;
    const hour = Number(time.slice(0, 2));
    const twice = isRepeated(zone, ms);
    if (!twice && hour % step !== 0) continue;
    const label = ms === toMs && hour === 0 ? '24' : time.slice(0, 2);
    marks.push({ atS: ms / 1_000, label: twice ? `${label}\n${zoneName(zone, ms)}` : label });
  }
  return marks;
}

function dayMarks({ zone, date, toMs }: LoadView, locale: string): Mark[] {
  const name = new Intl.DateTimeFormat(locale, {
    weekday: 'short',
    day: 'numeric',
    month: 'short',
    timeZone: 'UTC',
  });
  const marks: Mark[] = [];
  for (let day = date; dayStartMs(zone, day) < toMs; day = addDays(day, 1)) {
    const from = dayStartMs(zone, day);
    const hours = hoursBetween(from, dayStartMs(zone, addDays(day, 1)));
    const label = name.format(Date.parse(`${day}T00:00:00Z`));
    marks.push({ atS: from / 1_000, label: hours === 24 ? label : `${label}\n${hours} h` });
  }
  return marks;
}
