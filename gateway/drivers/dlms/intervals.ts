/**
 * Rows of a profile as readings. A capture time is the END of its period; readings are named by
 * the start. Registers as they stand become intervals by the difference of two captures exactly
 * one period apart, in the order the meter keeps them; where there is no such pair there is no
 * interval: nothing is invented.
 */
import {
  FLAG,
  type IntervalValue,
  parseObis,
  type ReadingBlock,
  registerDelta,
} from '../../../domain/index.ts';
import { decodeDateTime, instantMs } from '../../protocols/dlms/datetime.ts';
import type { Data } from '../../protocols/dlms/types.ts';
import type { Column, ProfileLayout } from './layouts.ts';
import { readingUnit } from './units.ts';

export type Row = readonly Data[];

export interface RowsToRead {
  readonly meter: string;
  readonly layout: ProfileLayout;
  readonly rows: readonly Row[];
  /** Intervals that start in [fromMs, toMs), or registers captured in [fromMs, toMs]. */
  readonly fromMs: number;
  readonly toMs: number;
  /** For meters whose date-times carry no deviation. */
  readonly deviationMinutes?: number | undefined;
  /** Registers count 0 .. modulus-1; without it a register that falls gives no interval. */
  readonly modulusOf?: ((channel: string) => number | undefined) | undefined;
}

export interface RowsRead {
  readonly blocks: readonly ReadingBlock[];
  /** What could not be made into readings, for people. */
  readonly notes: readonly string[];
}

/** Value groups of OBIS D (IEC 62056-6-1, table 14): total so far, energy of the period. */
const TOTAL = 8;
const OF_PERIOD = 29;
const NOTES_MAX = 20;

interface Capture {
  readonly endMs: number;
  readonly flags: number;
  readonly cells: Row;
}

/** Blocks of kind 'interval', one for each unbroken stretch of each column of energy. */
export function intervalBlocks(input: RowsToRead): RowsRead {
  const notes = new Notes();
  const captures = capturesOf(input, notes);
  const blocks = input.layout.columns.flatMap((column, index) =>
    columnIntervals(input, column, index, captures, notes),
  );
  return { blocks, notes: notes.all };
}

/** Blocks of kind 'register', one for each capture of each total. */
export function registerBlocks(input: RowsToRead): RowsRead {
  const notes = new Notes();
  const blocks: ReadingBlock[] = [];
  for (const { endMs, cells } of capturesOf(input, notes)) {
    if (endMs < input.fromMs || endMs > input.toMs) continue;
    input.layout.columns.forEach((column, index) => {
      const unit = column.scale === undefined ? undefined : readingUnit(column.scale);
      const raw = integerIn(cells[index]);
      if (unit === undefined || raw === undefined || groupD(column) !== TOTAL) return;
      blocks.push({
        kind: 'register',
        meter: input.meter,
        channel: channelOf(column),
        startMs: endMs,
        intervalS: 0,
        values: [exact(raw)],
        ...unit,
      });
    });
  }
  return { blocks, notes: notes.all };
}

/** The channel a column belongs to: the energy of a period (D=29) is that of the total (D=8). */
export function channelOf(column: Pick<Column, 'instance'>): string {
  const obis = parseObis(column.instance);
  if (obis === undefined || obis.d !== OF_PERIOD) return column.instance;
  return `${obis.a}-${obis.b}:${obis.c}.${TOTAL}.${obis.e}`;
}

function columnIntervals(
  input: RowsToRead,
  column: Column,
  index: number,
  captures: readonly Capture[],
  notes: Notes,
): ReadingBlock[] {
  const unit = column.scale === undefined ? undefined : readingUnit(column.scale);
  const group = groupD(column);
  if (unit === undefined || (group !== TOTAL && group !== OF_PERIOD)) return [];
  const { meter, layout, fromMs, toMs } = input;
  const periodMs = layout.periodS * 1_000;
  const channel = channelOf(column);
  const stretches = new Stretches({ meter, channel, intervalS: layout.periodS, ...unit });
  const modulus = input.modulusOf?.(channel);
  let before: Capture | undefined;
  for (const capture of captures) {
    const startMs = capture.endMs - periodMs;
    const value =
      group === OF_PERIOD
        ? integerIn(capture.cells[index])
        : difference(before, capture, index, periodMs, modulus);
    before = capture;
    if (startMs < fromMs || startMs >= toMs || value === undefined) continue;
    if (value === 'fell')
      notes.add(`${channel} fell before ${new Date(capture.endMs).toISOString()}`);
    else stretches.add(startMs, exact(value), capture.flags);
  }
  return stretches.done();
}

function difference(
  before: Capture | undefined,
  after: Capture,
  index: number,
  periodMs: number,
  modulus: number | undefined,
): bigint | 'fell' | undefined {
  if (before === undefined || after.endMs - before.endMs !== periodMs) return undefined;
  const [from, to] = [integerIn(before.cells[index]), integerIn(after.cells[index])];
  if (from === undefined || to === undefined) return undefined;
  if (to >= from) return to - from;
  if (modulus === undefined) return 'fell';
  // A register that rolled over cannot have counted half its face in one period.
  const delta = registerDelta(Number(from), Number(to), modulus, modulus / 2);
  return delta.kind === 'decrease' ? 'fell' : BigInt(delta.delta);
}

function capturesOf(input: RowsToRead, notes: Notes): Capture[] {
  const { columns } = input.layout;
  const clock = columns.findIndex((c) => c.classId === 8 && c.attributeId === 2);
  const status = columns.findIndex((c) => isProfileStatus(c.instance));
  const captures: Capture[] = [];
  input.rows.forEach((cells, i) => {
    const endMs = instantIn(cells[clock], input.deviationMinutes);
    if (endMs === undefined) notes.add(`row ${i + 1} has no capture time`);
    else captures.push({ endMs, flags: flagsOf(cells[status]), cells });
  });
  return captures;
}

function instantIn(cell: Data | undefined, deviationMinutes?: number): number | undefined {
  if (cell?.type !== 'octet-string' && cell?.type !== 'date-time') return undefined;
  const octets = cell.value;
  if (octets.length !== 12) return undefined;
  return plainInstant(octets) ?? instantMs(decodeDateTime(octets), deviationMinutes);
}

/**
 * Nearly every row has a date-time with all its parts: these in one step, for a profile has
 * thousands. Undefined when anything is special; the full decoder then has the word.
 */
function plainInstant(o: Uint8Array): number | undefined {
  const at = (i: number): number => o[i] as number;
  const [year, month, day] = [at(0) * 256 + at(1), at(2), at(3)];
  const [hour, minute, second] = [at(5), at(6), at(7)];
  const deviation = ((at(9) << 24) >> 16) | at(10);
  const special =
    year < 1970 ||
    year > 9_999 ||
    month < 1 ||
    month > 12 ||
    day < 1 ||
    day > 28 ||
    hour > 23 ||
    minute > 59 ||
    second > 59 ||
    at(8) !== 0 ||
    deviation === -0x8000;
  if (special) return undefined;
  return Date.UTC(year, month - 1, day, hour, minute + deviation, second);
}

/** AMR profile status, 0-0:96.10.x. */
function isProfileStatus(instance: string): boolean {
  const obis = parseObis(instance);
  return obis !== undefined && obis.a === 0 && obis.c === 96 && obis.d === 10;
}

/** Bits as IDIS package 2 has them; makers differ, so others are left alone. */
const STATUS_FLAGS: readonly [bit: number, flag: number][] = [
  [0x01, FLAG.DEVICE_ERROR],
  [0x04, FLAG.DEVICE_ERROR],
  [0x20, FLAG.CLOCK_SET],
  [0x80, FLAG.OUTAGE],
];

function flagsOf(cell: Data | undefined): number {
  const bits = Number(integerIn(cell) ?? 0n);
  return STATUS_FLAGS.reduce((all, [bit, flag]) => ((bits & bit) === 0 ? all : all | flag), 0);
}

function groupD(column: Column): number | undefined {
  return column.attributeId === 2 ? parseObis(column.instance)?.d : undefined;
}

/** The integer in a cell of any integer type; undefined for null and everything else. */
export function integerIn(cell: Data | undefined): bigint | undefined {
  if (cell === undefined || cell.type === 'float32' || cell.type === 'float64') return undefined;
  const value = 'value' in cell ? cell.value : undefined;
  if (typeof value === 'bigint') return value;
  return typeof value === 'number' && Number.isInteger(value) ? BigInt(value) : undefined;
}

/** Exact in any size: beyond 2^53 as a string. */
function exact(value: bigint): IntervalValue {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value.toString();
}

type BlockHead = Pick<ReadingBlock, 'meter' | 'channel' | 'intervalS'> &
  Required<Pick<ReadingBlock, 'unit' | 'decimals'>>;

/** Joins intervals that follow each other; a gap, or a step back of the clock, starts a new block. */
class Stretches {
  readonly #head: BlockHead;
  readonly #blocks: ReadingBlock[] = [];
  #startMs = 0;
  #values: IntervalValue[] = [];
  #flags: number[] = [];

  constructor(head: BlockHead) {
    this.#head = head;
  }

  add(startMs: number, value: IntervalValue, flags: number): void {
    const due = this.#startMs + this.#values.length * this.#head.intervalS * 1_000;
    if (this.#values.length > 0 && startMs !== due) this.#close();
    if (this.#values.length === 0) this.#startMs = startMs;
    this.#values.push(value);
    this.#flags.push(flags);
  }

  done(): ReadingBlock[] {
    this.#close();
    return this.#blocks;
  }

  #close(): void {
    if (this.#values.length === 0) return;
    this.#blocks.push({
      kind: 'interval',
      ...this.#head,
      startMs: this.#startMs,
      values: this.#values,
      ...(this.#flags.some((f) => f !== 0) && { flags: this.#flags }),
    });
    this.#values = [];
    this.#flags = [];
  }
}

class Notes {
  readonly all: string[] = [];

  add(note: string): void {
    if (this.all.length < NOTES_MAX) this.all.push(note);
  }
}
