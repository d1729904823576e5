/**
 * The checks of schema.ts by hand, for one entry of `readings`. Kept in step with the schema by a
 * property test. A second rule the schema cannot say: as many flag lists as values.
 */
import {
  FLAG,
  type FlagName,
  formatObis,
  type IntervalValue,
  LIMITS,
  parseInstant,
  parseObis,
  type ReadingBlock,
} from '../../domain/index.ts';
import { excerpt, fractionOf, isRecord } from './json.ts';
import type { Notes } from './notes.ts';
import { CHANNEL_PATTERN, SERIAL_PATTERN, UNIT_PATTERN } from './schema.ts';

const SERIAL = new RegExp(SERIAL_PATTERN, 'u');
const CHANNEL = new RegExp(CHANNEL_PATTERN, 'u');
const UNIT = new RegExp(UNIT_PATTERN, 'u');
const COUNT = /^-?[0-9]{1,16}$/;

const INTERVAL_KEYS = new Set([
  'channel',
  'unit',
  'decimals',
  'start',
  'interval_s',
  'values',
  'flags',
]);
const REGISTER_KEYS = new Set(['channel', 'unit', 'decimals', 'at', 'register']);

interface RawRecord {
  readonly meter?: unknown;
  readonly channel?: unknown;
  readonly unit?: unknown;
  readonly decimals?: unknown;
  readonly start?: unknown;
  readonly interval_s?: unknown;
  readonly values?: unknown;
  readonly flags?: unknown;
  readonly at?: unknown;
  readonly register?: unknown;
}

/**
 * One record as a block, or undefined with the reasons in `notes`.
 * @param owner the meter of an MQTT message; undefined when each record names its own
 * @param place where the record stands: 'readings/3', 'line 7'
 */
export function checkRecord(
  value: unknown,
  owner: string | undefined,
  place: string,
  notes: Notes,
): ReadingBlock | undefined {
  if (!isRecord(value)) {
    notes.schema(place, 'a reading is an object');
    return undefined;
  }
  const record: RawRecord = value;
  const isRegister = record.values === undefined && record.register !== undefined;
  checkKeys(value, isRegister ? REGISTER_KEYS : INTERVAL_KEYS, owner === undefined, place, notes);
  const meter = owner ?? checkMeter(record.meter, place, notes);
  const block = isRegister
    ? registerBlock(record, meter, place, notes)
    : intervalBlock(record, meter, place, notes);
  return notes.clean ? block : undefined;
}

/** Readings a refused record stands for: the values that are there, at least one. */
export function recordsIn(value: unknown): number {
  const values = isRecord(value) ? value['values'] : undefined;
  if (!Array.isArray(values)) return 1;
  let count = 0;
  for (const entry of values) if (entry !== null) count += 1;
  return Math.max(1, count);
}

export function checkSerial(value: unknown): value is string {
  return typeof value === 'string' && SERIAL.test(value);
}

/** The last instant read: the records of one push mostly start together. */
let last: { readonly text: unknown; readonly ms: number } = { text: undefined, ms: 0 };

/** Epoch ms, or 0 with a note. */
export function checkInstant(value: unknown, place: string, name: string, notes: Notes): number {
  if (typeof value === 'string' && value === last.text) return last.ms;
  const instant = typeof value === 'string' && value.length <= 40 ? parseInstant(value) : undefined;
  if (instant !== undefined) {
    last = { text: value, ms: instant };
    return instant;
  }
  const said = value === undefined ? 'is missing' : `${excerpt(value)} is no time with a zone`;
  notes.schema(`${place}/${name}`, said);
  return 0;
}

function checkKeys(
  record: Record<string, unknown>,
  allowed: ReadonlySet<string>,
  namesMeter: boolean,
  place: string,
  notes: Notes,
): void {
  for (const key in record) {
    if (allowed.has(key) || (namesMeter && key === 'meter')) continue;
    notes.schema(place, `unknown member ${excerpt(key)}`);
  }
}

function checkMeter(value: unknown, place: string, notes: Notes): string {
  if (checkSerial(value)) return value;
  notes.schema(`${place}/meter`, value === undefined ? 'is missing' : 'is no meter serial');
  return '';
}

function intervalBlock(
  record: RawRecord,
  meter: string,
  place: string,
  notes: Notes,
): ReadingBlock {
  const values = checkValues(record.values, place, notes);
  const flags = record.flags === undefined ? undefined : checkFlags(record, place, notes);
  return {
    kind: 'interval',
    meter,
    channel: checkChannel(record.channel, place, notes),
    startMs: checkInstant(record.start, place, 'start', notes),
    intervalS: checkWhole(record.interval_s, 1, LIMITS.payloadIntervalSMax, place, notes),
    values,
    ...scaleOf(record, place, notes),
    ...(flags === undefined ? undefined : { flags }),
    at: place,
  };
}

function registerBlock(
  record: RawRecord,
  meter: string,
  place: string,
  notes: Notes,
): ReadingBlock {
  const value = checkCount(record.register, `${place}/register`, notes);
  return {
    kind: 'register',
    meter,
    channel: checkChannel(record.channel, place, notes),
    startMs: checkInstant(record.at, place, 'at', notes),
    intervalS: 0,
    values: [value],
    ...scaleOf(record, place, notes),
    at: place,
  };
}

function checkChannel(value: unknown, place: string, notes: Notes): string {
  if (typeof value !== 'string' || !CHANNEL.test(value)) {
    const said = value === undefined ? 'is missing' : `${excerpt(value)} is no OBIS code or name`;
    notes.schema(`${place}/channel`, said);
    return '';
  }
  // 1-0:1.8.0*255 and 1-0:1.8.0 are one channel.
  if (!value.includes('*')) return value;
  const obis = parseObis(value);
  return obis === undefined ? value : formatObis(obis);
}

function checkWhole(value: unknown, min: number, max: number, place: string, notes: Notes): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= min && value <= max) {
    return value;
  }
  const said =
    value === undefined ? 'is missing' : `${excerpt(value)} is not within ${min}..${max}`;
  notes.schema(`${place}/interval_s`, said);
  return 0;
}

function scaleOf(
  record: RawRecord,
  place: string,
  notes: Notes,
): { readonly unit?: string; readonly decimals?: number } | undefined {
  const { unit, decimals } = record;
  if (unit === undefined && decimals === undefined) return undefined;
  if (unit !== undefined && (typeof unit !== 'string' || !UNIT.test(unit))) {
    notes.schema(`${place}/unit`, `${excerpt(unit)} is no unit`);
  }
  if (decimals !== undefined && !isDecimals(decimals)) {
    const said = `${excerpt(decimals)} is not within 0..${LIMITS.payloadDecimalsMax}`;
    notes.schema(`${place}/decimals`, said);
  }
  return {
    ...(unit === undefined ? undefined : { unit: unit as string }),
    ...(decimals === undefined ? undefined : { decimals: decimals as number }),
  };
}

function isDecimals(value: unknown): boolean {
  return (
    Number.isInteger(value) && Number(value) >= 0 && Number(value) <= LIMITS.payloadDecimalsMax
  );
}

/** Checks in place: the list was made by JSON.parse for this message and nobody else holds it. */
function checkValues(value: unknown, place: string, notes: Notes): IntervalValue[] {
  if (!Array.isArray(value) || value.length === 0 || value.length > LIMITS.messageReadingsMax) {
    const said =
      value === undefined ? 'is missing' : `is a list of 1..${LIMITS.messageReadingsMax} values`;
    notes.schema(`${place}/values`, said);
    return [];
  }
  const values: unknown[] = value;
  for (let i = 0; i < values.length; i += 1) {
    const entry = values[i];
    if (entry === null) continue;
    if (entry === 0)
      values[i] = 0; // -0 is the number 0
    else if (!Number.isSafeInteger(entry))
      values[i] = checkCount(entry, `${place}/values/${i}`, notes);
  }
  return values as IntervalValue[];
}

function checkCount(value: unknown, place: string, notes: Notes): number {
  if (typeof value === 'number') {
    if (Number.isSafeInteger(value)) return value + 0;
    notes.add('VALUE_RANGE', { value: excerpt(value) }, place);
  } else if (typeof value === 'string') {
    const count = COUNT.test(value) ? Number(value) + 0 : Number.NaN;
    if (Number.isSafeInteger(count)) return count;
    const code = /^-?[0-9]+$/.test(value) ? 'VALUE_RANGE' : 'NOT_INTEGER';
    notes.add(code, { value: excerpt(value), unit: 'its unit' }, place);
  } else if (fractionOf(value) !== undefined) {
    notes.add('NOT_INTEGER', { value: excerpt(value), unit: 'its unit' }, place);
  } else {
    notes.schema(place, `${excerpt(value)} is no number`);
  }
  return 0;
}

function checkFlags(record: RawRecord, place: string, notes: Notes): number[] {
  const { flags, values } = record;
  if (!Array.isArray(flags) || !Array.isArray(values) || flags.length !== values.length) {
    notes.schema(`${place}/flags`, 'is a list with one list of flags a value');
    return [];
  }
  return flags.map((names: unknown, i) => flagBits(names, `${place}/flags/${i}`, notes));
}

function flagBits(names: unknown, place: string, notes: Notes): number {
  if (!Array.isArray(names) || names.length > Object.keys(FLAG).length) {
    notes.schema(place, 'is a list of flags');
    return 0;
  }
  let bits = 0;
  for (const name of names) {
    if (typeof name === 'string' && Object.hasOwn(FLAG, name)) bits |= FLAG[name as FlagName];
    else notes.schema(place, `${excerpt(name)} is no flag`);
  }
  return bits;
}
