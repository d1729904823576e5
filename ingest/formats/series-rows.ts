/** Lines of a series file as rows of (time, value), understood by a mapping or by detection. */
import { parseUnit } from '../../domain/index.ts';
import type { ReadContext, SeriesMapping } from './format.ts';
import type { ProblemList } from './problems.ts';
import { parseStamp, type Stamp, Zone } from './series-time.ts';

export interface SeriesRow {
  readonly line: number;
  /** As labelled; whether that is the start or the end is the mapping's. */
  readonly ms: number;
  readonly wallMs: number;
  /** Undefined = the source says there is no value. */
  readonly text: string | undefined;
}

const START_NAMES = ['start', 'interval_start', 'start_time', 'period_start', 'timestamp'];
const TIME_NAMES = [...START_NAMES, 'datetime', 'date_time', 'time', 'date'];
const END_NAMES = ['end', 'interval_end', 'end_time', 'period_end'];
const VALUE_NAMES = ['value', 'consumption', 'usage', 'energy', 'import', 'reading', 'quantity'];
const UNIT_IN_NAME = /(?:^|[^a-z])([kmg]?(?:wh|varh|vah)|m3|m³)(?:$|[^a-z])/i;
const NOTHING = new Set(['', 'nan', 'null', 'na', 'n/a', 'none', '-']);

interface Columns {
  readonly delimiter: string;
  readonly time: number;
  readonly value: number;
  readonly label: 'start' | 'end';
  readonly unit: string;
  /** False: the first line is data already. */
  readonly header: boolean;
}

/** The line in fields; undefined when its quotes do not close. */
export function splitRow(line: string, delimiter: string): string[] | undefined {
  if (!line.includes('"')) return line.split(delimiter).map((field) => field.trim());
  const fields: string[] = [];
  let field = '';
  let quoted = false;
  for (let i = 0; i < line.length; i += 1) {
    const char = line[i] as string;
    if (char === '"' && quoted && line[i + 1] === '"') {
      field += '"';
      i += 1;
    } else if (char === '"') quoted = !quoted;
    else if (char === delimiter && !quoted) {
      fields.push(field.trim());
      field = '';
    } else field += char;
  }
  return quoted ? undefined : [...fields, field.trim()];
}

/** What the first line says; a sentence when it cannot be understood. */
export function planColumns(line: string, mapping: SeriesMapping): Columns | string {
  const delimiter = [';', '\t', ','].find((d) => line.includes(d)) ?? ',';
  const names = splitRow(line, delimiter);
  if (names === undefined) return 'a quote is not closed';
  const header = parseStamp(names[0] ?? '') === undefined;
  const lower = names.map((name) => name.toLowerCase().replaceAll(' ', '_'));
  const at = (wanted: string | undefined, known: readonly string[]) =>
    wanted === undefined ? firstOf(lower, known) : names.indexOf(wanted);
  const start = header ? at(mapping.timeColumn, TIME_NAMES) : 0;
  const end = mapping.timeColumn === undefined ? firstOf(lower, END_NAMES) : -1;
  const time = start === -1 ? end : start;
  if (time === -1) return `no time column among '${names.join(delimiter).slice(0, 100)}'`;
  const value = header ? valueColumn(names, lower, mapping, time) : 1;
  if (value === -1 || value >= names.length) {
    return `no value column among '${names.join(delimiter).slice(0, 100)}'`;
  }
  const unit = mapping.unit ?? UNIT_IN_NAME.exec(header ? (names[value] ?? '') : '')?.[1] ?? 'kWh';
  if (parseUnit(unit) === undefined) return `'${unit}' is no unit`;
  const label = mapping.label ?? (start === -1 ? 'end' : 'start');
  return { delimiter, time, value, label, unit, header };
}

function firstOf(names: readonly string[], known: readonly string[]): number {
  for (const name of known) if (names.includes(name)) return names.indexOf(name);
  return -1;
}

function valueColumn(
  names: readonly string[],
  lower: readonly string[],
  mapping: SeriesMapping,
  time: number,
): number {
  if (mapping.valueColumn !== undefined) return names.indexOf(mapping.valueColumn);
  const named = firstOf(lower, VALUE_NAMES);
  if (named !== -1) return named;
  return names.findIndex((name, i) => i !== time && UNIT_IN_NAME.test(name));
}

export class SeriesRows {
  columns: Columns | undefined;
  /** True when the first line could not be understood: nothing can. */
  stopped = false;
  readonly zone: Zone | undefined;
  readonly #mapping: SeriesMapping;
  readonly #problems: ProblemList;
  #previousMs = Number.NEGATIVE_INFINITY;

  constructor(context: ReadContext, problems: ProblemList) {
    this.#mapping = context.options.series ?? {};
    this.#problems = problems;
    const { zone } = this.#mapping;
    this.zone = zone === undefined ? undefined : Zone.of(zone);
    if (zone === undefined || this.zone !== undefined) return;
    problems.add(1, 'zone', `'${zone}' is no time zone`, true);
    this.stopped = true;
  }

  /** @returns undefined for blank lines, the header and rows that are refused */
  row(line: number, text: string): SeriesRow | undefined {
    if (this.stopped || text.trim() === '') return undefined;
    if (this.columns === undefined && !this.#begin(line, text)) return undefined;
    const columns = this.columns as Columns;
    const fields = splitRow(text, columns.delimiter);
    if (fields === undefined) return this.#bad(line, undefined, 'a quote is not closed');
    const stamp = fields[columns.time];
    const value = fields[columns.value];
    if (stamp === undefined || value === undefined) {
      return this.#bad(line, undefined, `the row has ${fields.length} columns only`);
    }
    const parsed = parseStamp(stamp);
    if (parsed === undefined) return this.#bad(line, 'time', `'${stamp.slice(0, 40)}' is no time`);
    const ms = parsed.ms ?? this.#inZone(line, stamp, parsed);
    if (ms === undefined) return undefined;
    this.#previousMs = ms;
    const absent = NOTHING.has(value.toLowerCase());
    return { line, ms, wallMs: parsed.wallMs, text: absent ? undefined : this.#point(value) };
  }

  /** @returns true when the line is data */
  #begin(line: number, text: string): boolean {
    const columns = planColumns(text, this.#mapping);
    if (typeof columns === 'string') {
      this.#bad(line, undefined, columns);
      this.stopped = true;
      return false;
    }
    this.columns = columns;
    return !columns.header;
  }

  /** A repeated hour is told apart by order: the instant after the row before (vee.md 4.1). */
  #inZone(line: number, stamp: string, { wallMs }: Stamp): number | undefined {
    if (this.zone === undefined) {
      return this.#bad(line, 'time', `'${stamp}' has no offset; give a zone`);
    }
    const instants = this.zone.instants(wallMs);
    if (instants.length === 0) {
      return this.#bad(line, 'time', `'${stamp}' does not exist in the zone`);
    }
    return instants.find((ms) => ms > this.#previousMs) ?? instants[0];
  }

  /** Decimal commas occur where the delimiter is a semicolon. */
  #point(value: string): string {
    if (this.columns?.delimiter === ',' || value.includes('.')) return value;
    return value.replace(',', '.');
  }

  #bad(line: number, field: string | undefined, detail: string): undefined {
    this.#problems.add(line, field, detail, true);
    return undefined;
  }
}
