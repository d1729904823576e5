/**
 * The grid of interval starts, in the site's own time (vee.md 1.1 GRID).
 *
 * A start is on the grid when the local time since midnight is a multiple of the interval length.
 * Zones lie on quarter hours, so up to 15 minutes UTC decides alone. Above that the zone of the
 * service point decides; while a meter is not installed yet, any quarter-hour offset is accepted.
 * A day starts at local midnight, and so do the days after it: 23 or 25 hours later twice a year.
 */
import { DAY_MS, type ReadingBlock } from '../../../domain/index.ts';

const DAY_S = 86_400;
const QUARTER_MS = 900_000;
const HALF_HOUR_MS = 1_800_000;
const CACHED_MAX = 20_000;

const formats = new Map<string, Intl.DateTimeFormat>();
const offsets = new Map<string, number>();

/** Milliseconds the zone is ahead of UTC at an instant. Transitions fall on half hours. */
export function zoneOffsetMs(zone: string, ms: number): number {
  const bucket = Math.floor(ms / HALF_HOUR_MS) * HALF_HOUR_MS;
  const key = `${zone}|${bucket}`;
  const known = offsets.get(key);
  if (known !== undefined) return known;
  if (offsets.size >= CACHED_MAX) offsets.clear();
  const offset = wallClockMs(zone, bucket) - bucket;
  offsets.set(key, offset);
  return offset;
}

function wallClockMs(zone: string, ms: number): number {
  let format = formats.get(zone);
  if (format === undefined) {
    format = new Intl.DateTimeFormat('en-US', {
      timeZone: zone,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
    formats.set(zone, format);
  }
  const part: Record<string, number> = {};
  for (const { type, value } of format.formatToParts(ms)) part[type] = Number(value);
  const { year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0 } = part;
  return Date.UTC(year, month - 1, day, hour, minute, second);
}

/** How far a start lies from the nearest point of the grid: 0 = on it, else signed ms. */
export function gridOffsetMs(startMs: number, intervalS: number, zone: string | undefined): number {
  const stepMs = intervalS * 1_000;
  const local =
    stepMs <= QUARTER_MS || zone === undefined ? startMs : startMs + zoneOffsetMs(zone, startMs);
  const gridMs = zone === undefined ? Math.min(stepMs, QUARTER_MS) : stepMs;
  // Exact for instants of these centuries; % of doubles takes a hundred times as long.
  const past = local - Math.floor(local / gridMs) * gridMs;
  return past * 2 > gridMs ? past - gridMs : past;
}

/** Local midnight `days` days after a local midnight. */
export function midnightAfter(midnightMs: number, days: number, zone: string): number {
  const guess = midnightMs + days * DAY_MS;
  const first = guess + zoneOffsetMs(zone, midnightMs) - zoneOffsetMs(zone, guess);
  return guess + zoneOffsetMs(zone, midnightMs) - zoneOffsetMs(zone, first);
}

/** True when every value of the block covers one local day of the zone, however long that is. */
export function isLocalDayLength(
  block: Pick<ReadingBlock, 'startMs' | 'intervalS' | 'values'>,
  zone: string,
): boolean {
  const stepMs = block.intervalS * 1_000;
  return block.values.every((_, i) => {
    const startMs = block.startMs + i * stepMs;
    const midnight = startMs - gridOffsetMs(startMs, DAY_S, zone);
    return midnightAfter(midnight, 1, zone) - midnight === stepMs;
  });
}
