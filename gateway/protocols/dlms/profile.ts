/**
 * Profile generic, class 7 (Blue Book, 4.3.6): what a reader of load profiles needs. Interval
 * profiles name an entry by its END (capture time); converting to starts is the driver's matter.
 */
import { Fault } from '../../../domain/index.ts';
import {
  type CosemDateTime,
  dateTimeAt,
  decodeDateTime,
  encodeDateTime,
  localMs,
} from './datetime.ts';
import type { Selection } from './fields.ts';
import { any, arrayOf, dateTime, name, number, structure } from './shape.ts';
import type { Data } from './types.ts';

/** capture_objects, attribute 3: which attribute of which object a column holds. */
export const captureObject = structure({
  classId: number('long-unsigned'),
  instance: name,
  attributeId: number('integer'),
  dataIndex: number('long-unsigned'),
});
export const captureObjects = arrayOf(captureObject);
export type CaptureObject = ReturnType<typeof captureObject.read>;

/** scaler_unit of registers: value = raw × 10^scaler in the unit of Blue Book, table 4. */
export const scalerUnit = structure({ scaler: number('integer'), unit: number('enum') });

/** Selector 1: entries from..to, both bounds included; no columns named means all. */
const range = structure({
  restrictingObject: captureObject,
  from: dateTime,
  to: dateTime,
  selectedValues: captureObjects,
});
/** Selector 2: entries by number, 1 is the first, 0 as `to` the last; columns likewise. */
const entries = structure({
  fromEntry: number('double-long-unsigned'),
  toEntry: number('double-long-unsigned'),
  fromColumn: number('long-unsigned'),
  toColumn: number('long-unsigned'),
});
export type EntrySelection = ReturnType<typeof entries.read>;

/** The clock of the meter as restricting object of a range. */
export const CLOCK_COLUMN: CaptureObject = {
  classId: 8,
  instance: '0-0:1.0.0',
  attributeId: 2,
  dataIndex: 0,
};

export function selectRange(
  from: CosemDateTime,
  to: CosemDateTime,
  selectedValues: readonly CaptureObject[] = [],
  restrictingObject: CaptureObject = CLOCK_COLUMN,
): Selection {
  return { selector: 1, parameters: range.write({ restrictingObject, from, to, selectedValues }) };
}

export function selectEntries(selection: EntrySelection): Selection {
  return { selector: 2, parameters: entries.write(selection) };
}

export type ProfileSelection =
  | ({ readonly kind: 'range' } & ReturnType<typeof range.read>)
  | ({ readonly kind: 'entries' } & EntrySelection);

/** What a client asked for; for servers. Throws DLMS_VALUE for other selectors or shapes. */
export function readSelection({ selector, parameters }: Selection): ProfileSelection {
  if (selector === 1) return { kind: 'range', ...range.read(parameters) };
  if (selector === 2) return { kind: 'entries', ...entries.read(parameters) };
  throw new Fault('DLMS_VALUE', { what: 'selector', detail: `${selector}` });
}

const rows = arrayOf(any);

/**
 * The rows of a buffer with null-data filled in: a null clock is the one before plus the capture
 * period, any other null the value of the row before. Nulls with nothing before them stay null:
 * nothing is invented. `capturePeriodS` 0 (captured on events) leaves null clocks null.
 */
export function expandRows(
  buffer: Data,
  columns: readonly CaptureObject[],
  capturePeriodS: number,
): readonly (readonly Data[])[] {
  const isClock = columns.map((column) => column.classId === 8 && column.attributeId === 2);
  let previous: readonly Data[] = [];
  return rows.read(buffer).map((row) => {
    const cells = row.type === 'structure' ? row.value : [row];
    const filled = cells.map((cell, i): Data => {
      if (cell.type !== 'null-data') return cell;
      const before = previous[i];
      if (before === undefined || before.type === 'null-data') return cell;
      return isClock[i] === true ? advanceClock(before, capturePeriodS) : before;
    });
    previous = filled;
    return filled;
  });
}

function advanceClock(before: Data, capturePeriodS: number): Data {
  const isClock = before.type === 'octet-string' || before.type === 'date-time';
  if (!isClock || capturePeriodS <= 0) return { type: 'null-data' };
  const clock = decodeDateTime(before.value);
  const local = localMs(clock);
  if (local === undefined) return { type: 'null-data' };
  const moved = dateTimeAt(local + capturePeriodS * 1_000, undefined, 0);
  const dayOfWeek = clock.dayOfWeek === undefined ? undefined : moved.dayOfWeek;
  const hundredths = clock.hundredths === undefined ? undefined : moved.hundredths;
  const { deviationMinutes, status } = clock;
  const next = { ...moved, dayOfWeek, hundredths, deviationMinutes, status };
  return { type: before.type, value: encodeDateTime(next) };
}
