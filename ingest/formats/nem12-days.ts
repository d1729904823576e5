/** One 300 record with its 400 records: the values of a day and the quality of each. */
import { QUALITY, qualityFromNem12 } from '../../domain/index.ts';
import type { DecimalReader } from './decimal.ts';
import { judgeQualityMethod, MINUTES_A_DAY, marketInstant, reasonFlags } from './nem12-tables.ts';
import type { ProblemList } from './problems.ts';

/** A day as the records tell it. `texts` are decimals; whoever takes it makes counts of them. */
export interface Nem12Day {
  readonly line: number;
  readonly startMs: number;
  readonly texts: readonly string[];
  readonly versionMs?: number;
  /** QualityMethod and flags by interval; a method N means there is no value. */
  readonly methods: readonly string[];
  readonly flags: readonly number[];
}

/** Reads the fields of quality that 300 and 400 records share. */
function readQuality(
  fields: readonly string[],
  at: number,
  line: number,
  problems: ProblemList,
): { method: string; flags: number } | undefined {
  const [method = '', reason = '', description = ''] = fields
    .slice(at, at + 3)
    .map((f) => f.trim());
  const note = (field: string, detail: string, fatal: boolean) =>
    problems.add(line, field, detail, fatal);
  if (method === '') {
    note('QualityMethod', 'QualityMethod is missing', true);
    return undefined;
  }
  const verdict = judgeQualityMethod(method);
  if (verdict === 'bad') {
    note('QualityMethod', `'${method.slice(0, 20)}' is no QualityMethod`, true);
    return undefined;
  }
  if (verdict === 'unlisted') note('QualityMethod', `method of ${method} is not listed`, false);
  if (reason !== '' && !/^\d{1,3}$/.test(reason)) {
    note('ReasonCode', `'${reason.slice(0, 20)}' is no ReasonCode`, true);
    return undefined;
  }
  if (reason === '' && /^[SF]/.test(method)) {
    note('ReasonCode', `ReasonCode is mandatory for ${method}`, false);
  }
  if (reason !== '' && method === 'V') note('ReasonCode', 'ReasonCode must be empty for V', false);
  if (reason !== '' && Number(reason) === 0 && description === '') {
    note('ReasonDescription', 'ReasonDescription is mandatory for reason 0', false);
  }
  return { method, flags: reasonFlags(reason) };
}

/** How many fields from the third on are interval values, right or wrong. */
function countValues(fields: readonly string[], expected: number): number {
  let present = 0;
  for (; present + 2 < fields.length; present += 1) {
    const text = fields[present + 2] as string;
    const plain = text.charCodeAt(0) <= 0x39;
    if (present < expected ? !plain && QUALITY_SHAPE.test(text) : !plain || isMoment(text)) break;
  }
  return present;
}

const QUALITY_SHAPE = /^\s*[A-Z]\d{0,2}\s*$/;

function isMoment(text: string): boolean {
  return /^\d{14}$/.test(text);
}

/** A day under construction: opened by its 300, completed by what is no 400 any more. */
export class Nem12DayBuilder {
  readonly line: number;
  readonly #problems: ProblemList;
  readonly #count: number;
  #startMs = 0;
  #texts: string[] = [];
  #versionMs: number | undefined;
  #method = 'A';
  #methods: string[] = [];
  #flags: number[] = [];
  #covered = 0;
  #lastLine: number;
  /** False: something fatal was said of it and it gives no day. */
  #good = true;

  constructor(line: number, intervalMinutes: number, problems: ProblemList) {
    this.line = line;
    this.#lastLine = line;
    this.#count = MINUTES_A_DAY / intervalMinutes;
    this.#problems = problems;
  }

  open(fields: readonly string[], decimal: DecimalReader): this {
    const start = fields[1] ?? '';
    const startMs = start.length === 8 ? marketInstant(start) : undefined;
    if (startMs === undefined) this.#bad('IntervalDate', `'${start.slice(0, 20)}' is no Date8`);
    else this.#startMs = startMs;
    if (!this.#takeValues(fields, decimal)) return this;
    const at = 2 + this.#count;
    const quality = readQuality(fields, at, this.line, this.#problems);
    if (quality === undefined) this.#good = false;
    else {
      this.#method = quality.method;
      this.#methods = new Array<string>(this.#count).fill(quality.method);
      this.#flags = new Array<number>(this.#count).fill(quality.flags);
    }
    this.#takeVersion(fields[at + 3] ?? '');
    if ((fields[at + 4] ?? '') !== '' && marketInstant((fields[at + 4] ?? '').trim()) === undefined)
      this.#note('MSATSLoadDateTime', 'MSATSLoadDateTime is no Date14');
    if (fields.length > at + 5) this.#bad('300', `${fields.length - at - 5} fields too many`);
    return this;
  }

  /** @returns false when the number of values is wrong and the rest cannot be found */
  #takeValues(fields: readonly string[], decimal: DecimalReader): boolean {
    const present = countValues(fields, this.#count);
    if (present !== this.#count) {
      const minutes = MINUTES_A_DAY / this.#count;
      const detail = `a day of ${minutes}-minute intervals needs ${this.#count} values, the record has ${present}`;
      this.#bad(`IntervalValue${Math.min(present, this.#count) + 1}`, detail);
      return false;
    }
    this.#texts = fields.slice(2, 2 + this.#count);
    for (let i = 0; i < this.#count; i += 1) this.#checkValue(i, decimal);
    return true;
  }

  #checkValue(index: number, decimal: DecimalReader): void {
    const text = this.#texts[index] as string;
    // Only an interval that turns out to be N may be empty: judged in finish().
    if (text === '') return;
    const field = `IntervalValue${index + 1}`;
    const verdict = /[eE]/.test(text) ? 'not-a-number' : decimal.read(text);
    if (verdict === 'not-a-number') this.#bad(field, `'${text.slice(0, 20)}' is not a number`);
    else if (verdict === 'too-fine') this.#bad(field, `'${text}' has too many decimals`);
    else if (verdict === 'too-large') this.#bad(field, `'${text}' is beyond exact integers`);
    else if (decimal.mantissa < 0) this.#bad(field, `'${text}' is negative`);
  }

  #takeVersion(raw: string): void {
    const text = raw.trim();
    if (text === '') return;
    const ms = text.length >= 12 ? marketInstant(text) : undefined;
    if (ms === undefined) this.#bad('UpdateDateTime', `'${text.slice(0, 20)}' is no Date14`);
    else if (text.length !== 14) this.#note('UpdateDateTime', `'${text}' is a Date12`);
    this.#versionMs = ms;
  }

  /** One 400 record. */
  refine(line: number, fields: readonly string[]): void {
    this.#lastLine = line;
    const [start, end] = [fields[1] ?? '', fields[2] ?? ''].map((f) =>
      /^\d{1,4}$/.test(f.trim()) ? Number(f) : Number.NaN,
    ) as [number, number];
    const quality = readQuality(fields, 3, line, this.#problems);
    if (quality?.method === 'V') this.#bad('QualityMethod', 'V is not allowed in a 400', line);
    const bad = this.#rangeProblem(start, end);
    if (bad !== undefined) {
      this.#bad(bad.field, bad.detail, line);
      // Go on from what this record claims, so that one slip is told once.
      if (end > this.#covered) this.#covered = end;
      return;
    }
    this.#covered = end;
    if (quality === undefined) this.#good = false;
    else if (this.#good) {
      this.#methods.fill(quality.method, start - 1, end);
      this.#flags.fill(quality.flags, start - 1, end);
    }
  }

  #rangeProblem(start: number, end: number): { field: string; detail: string } | undefined {
    if (Number.isNaN(start)) return { field: 'StartInterval', detail: 'no interval number' };
    if (Number.isNaN(end)) return { field: 'EndInterval', detail: 'no interval number' };
    if (start < 1 || start > end) {
      return { field: 'StartInterval', detail: `${start} to ${end} is no range` };
    }
    if (end > this.#count) {
      const detail = `EndInterval ${end} is beyond the ${this.#count} intervals of the day`;
      return { field: 'EndInterval', detail };
    }
    if (start <= this.#covered) {
      const detail = `interval ${start} is covered twice, up to ${this.#covered} it was said before`;
      return { field: 'StartInterval', detail };
    }
    if (start > this.#covered + 1) {
      const detail = `intervals ${this.#covered + 1} to ${start - 1} are not covered`;
      return { field: 'StartInterval', detail };
    }
    return undefined;
  }

  /** The day, or undefined when it cannot be used (and why was said). */
  finish(): Nem12Day | undefined {
    const refined = this.#lastLine !== this.line;
    if (this.#method === 'V' && !refined && this.#methods.length > 0) {
      this.#bad('QualityMethod', 'V needs 400 records, there are none');
    } else if (refined && this.#covered < this.#count) {
      const detail = `400 records cover intervals 1 to ${this.#covered} of ${this.#count}`;
      this.#bad('EndInterval', detail, this.#lastLine);
    }
    if (!this.#good) return undefined;
    this.#texts.forEach((text, i) => {
      if (text === '' && this.#methods[i] !== 'N') {
        this.#bad(`IntervalValue${i + 1}`, 'value is empty and its quality is not N');
      }
    });
    if (!this.#good) return undefined;
    const { line } = this;
    const day = { line, startMs: this.#startMs, texts: this.#texts };
    const quality = { methods: this.#methods, flags: this.#flags };
    return this.#versionMs === undefined
      ? { ...day, ...quality }
      : { ...day, ...quality, versionMs: this.#versionMs };
  }

  #bad(field: string, detail: string, line = this.line): void {
    this.#good = false;
    this.#problems.add(line, field, detail, true);
  }

  #note(field: string, detail: string): void {
    this.#problems.add(this.line, field, detail, false);
  }
}

/** Quality code by QualityMethod; an absent value has none and counts as RAW. */
export function qualityCode(method: string): number {
  return (qualityFromNem12(method) ?? QUALITY.RAW).code;
}

/** Flags of a whole day when they are all zero: none. */
export function anyFlags(flags: readonly number[]): boolean {
  return flags.some((bits) => bits !== 0);
}
