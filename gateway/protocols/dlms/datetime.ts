/**
 * date, time and date-time (Blue Book, 4.1.6.1). Any part may be unspecified (FF, FFFF, 8000):
 * it is then undefined here. Values outside the calendar are kept as they are, never refused, so
 * that any octets decode and encode back to themselves; only `instantMs` asks for sense.
 *
 * UTC = local time + deviation: Central European winter time is -60, summer time -120.
 */
import { DAY_MS, Fault, MINUTE_MS } from '../../../domain/index.ts';
import { Reader, Writer } from './cursor.ts';

export interface CosemDate {
  readonly year: number | undefined;
  readonly month: number | 'dst-begin' | 'dst-end' | undefined;
  readonly dayOfMonth: number | 'last' | 'second-last' | undefined;
  /** 1 = Monday .. 7 = Sunday. */
  readonly dayOfWeek: number | undefined;
}

export interface CosemTime {
  readonly hour: number | undefined;
  readonly minute: number | undefined;
  readonly second: number | undefined;
  readonly hundredths: number | undefined;
}

export interface CosemDateTime extends CosemDate, CosemTime {
  /** Minutes to add to local time to get UTC; it includes daylight saving. */
  readonly deviationMinutes: number | undefined;
  /** Bits of CLOCK_STATUS; undefined when not specified (FF). */
  readonly status: number | undefined;
}

export const CLOCK_STATUS = {
  invalid: 0x01,
  doubtful: 0x02,
  otherBase: 0x04,
  invalidStatus: 0x08,
  daylightSaving: 0x80,
} as const;

const UNSPECIFIED_8 = 0xff;
const UNSPECIFIED_16 = 0xffff;
const UNSPECIFIED_DEVIATION = -0x8000;
const MONTHS = new Map<number, 'dst-begin' | 'dst-end'>([
  [0xfe, 'dst-begin'],
  [0xfd, 'dst-end'],
]);
const DAYS = new Map<number, 'last' | 'second-last'>([
  [0xfe, 'last'],
  [0xfd, 'second-last'],
]);

/** Twelve octets, as in a date-time or (mostly) an octet-string. Throws on any other length. */
export function decodeDateTime(bytes: Uint8Array): CosemDateTime {
  const reader = new Reader(bytes);
  const value = {
    ...readDate(reader),
    ...readTime(reader),
    deviationMinutes: unless(reader.i16('deviation'), UNSPECIFIED_DEVIATION),
    status: unless(reader.u8('clock status'), UNSPECIFIED_8),
  };
  reader.end('date-time');
  return value;
}

export function encodeDateTime(value: CosemDateTime): Uint8Array {
  const writer = new Writer();
  writeDate(writer, value);
  writeTime(writer, value);
  writer.i16(value.deviationMinutes ?? UNSPECIFIED_DEVIATION).u8(value.status ?? UNSPECIFIED_8);
  return writer.done();
}

/** Five octets. */
export function decodeDate(bytes: Uint8Array): CosemDate {
  const reader = new Reader(bytes);
  const value = readDate(reader);
  reader.end('date');
  return value;
}

export function encodeDate(value: CosemDate): Uint8Array {
  const writer = new Writer();
  writeDate(writer, value);
  return writer.done();
}

/** Four octets. */
export function decodeTime(bytes: Uint8Array): CosemTime {
  const reader = new Reader(bytes);
  const value = readTime(reader);
  reader.end('time');
  return value;
}

export function encodeTime(value: CosemTime): Uint8Array {
  const writer = new Writer();
  writeTime(writer, value);
  return writer.done();
}

/**
 * Epoch milliseconds; undefined when year to minute are not all given and real. Without a
 * deviation in the value `deviationMinutes` is used: what the meter's configuration says of its
 * clock. Unspecified seconds and hundredths count as 0. The deviation decides, not the daylight
 * saving bit of the status: where they disagree meters have the deviation right.
 */
export function instantMs(value: CosemDateTime, deviationMinutes?: number): number | undefined {
  const local = localMs(value);
  const deviation = value.deviationMinutes ?? deviationMinutes;
  return local === undefined || deviation === undefined ? undefined : local + deviation * MINUTE_MS;
}

/** The local calendar fields as if they were UTC, in milliseconds; for arithmetic within a zone. */
export function localMs(value: CosemDate & CosemTime): number | undefined {
  const { year, month, dayOfMonth, hour, minute, second = 0, hundredths = 0 } = value;
  if (year === undefined || hour === undefined || minute === undefined) return undefined;
  if (typeof month !== 'number' || typeof dayOfMonth !== 'number') return undefined;
  if (hour > 23 || minute > 59 || second > 59 || hundredths > 99 || year < 100) return undefined;
  const ms = Date.UTC(year, month - 1, dayOfMonth, hour, minute, second, hundredths * 10);
  const back = new Date(ms);
  const real = back.getUTCMonth() === month - 1 && back.getUTCDate() === dayOfMonth;
  return real ? ms : undefined;
}

/** The date-time of an instant under a deviation (none: local milliseconds are taken as given). */
export function dateTimeAt(
  ms: number,
  deviationMinutes: number | undefined,
  status = 0,
): CosemDateTime {
  const local = new Date(ms - (deviationMinutes ?? 0) * MINUTE_MS);
  if (Number.isNaN(local.getTime()) || local.getUTCFullYear() > 0xfffe) {
    throw new Fault('DLMS_VALUE', { what: 'date-time', detail: `${ms} ms` });
  }
  // 1 January 1970 was a Thursday.
  const dayOfWeek = ((((Math.floor(local.getTime() / DAY_MS) + 3) % 7) + 7) % 7) + 1;
  return {
    year: local.getUTCFullYear(),
    month: local.getUTCMonth() + 1,
    dayOfMonth: local.getUTCDate(),
    dayOfWeek,
    hour: local.getUTCHours(),
    minute: local.getUTCMinutes(),
    second: local.getUTCSeconds(),
    hundredths: Math.floor(local.getUTCMilliseconds() / 10),
    deviationMinutes,
    status,
  };
}

function readDate(reader: Reader): CosemDate {
  const year = unless(reader.u16('year'), UNSPECIFIED_16);
  const month = reader.u8('month');
  const day = reader.u8('day of month');
  return {
    year,
    month: MONTHS.get(month) ?? unless(month, UNSPECIFIED_8),
    dayOfMonth: DAYS.get(day) ?? unless(day, UNSPECIFIED_8),
    dayOfWeek: unless(reader.u8('day of week'), UNSPECIFIED_8),
  };
}

function writeDate(writer: Writer, value: CosemDate): void {
  writer.u16(value.year ?? UNSPECIFIED_16);
  writer.u8(octetOf(value.month, MONTHS)).u8(octetOf(value.dayOfMonth, DAYS));
  writer.u8(value.dayOfWeek ?? UNSPECIFIED_8);
}

function readTime(reader: Reader): CosemTime {
  return {
    hour: unless(reader.u8('hour'), UNSPECIFIED_8),
    minute: unless(reader.u8('minute'), UNSPECIFIED_8),
    second: unless(reader.u8('second'), UNSPECIFIED_8),
    hundredths: unless(reader.u8('hundredths'), UNSPECIFIED_8),
  };
}

function writeTime(writer: Writer, value: CosemTime): void {
  for (const part of [value.hour, value.minute, value.second, value.hundredths]) {
    writer.u8(part ?? UNSPECIFIED_8);
  }
}

function octetOf<W extends string>(value: number | W | undefined, words: Map<number, W>): number {
  if (value === undefined) return UNSPECIFIED_8;
  if (typeof value === 'number') return value;
  for (const [octet, word] of words) if (word === value) return octet;
  throw new Fault('DLMS_VALUE', { what: 'date', detail: `${value}` });
}

function unless(value: number, unspecified: number): number | undefined {
  return value === unspecified ? undefined : value;
}
