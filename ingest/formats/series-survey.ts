/** First pass of a series: how long its intervals are, how fine its values, what is wrong. */
import { DAY_MS, LIMITS, MINUTE_MS, parseUnit } from '../../domain/index.ts';
import { DecimalReader, type DecimalVerdict } from './decimal.ts';
import type { ProblemList } from './problems.ts';
import type { SeriesRow, SeriesRows } from './series-rows.ts';

/** How one row stands to the row before it; a whole file has a handful of these. */
interface Step {
  readonly ms: number;
  readonly wallMs: number;
  readonly line: number;
  count: number;
}

const REFUSED: Partial<Record<DecimalVerdict, string>> = {
  'not-a-number': 'is not a number',
  'too-fine': `has more than ${LIMITS.importDecimalsMax} decimals`,
  'too-large': 'is beyond exact integers',
};

/** A file with more different steps than this has no interval length. */
const STEPS_MAX = 1_000;

export class SeriesScan {
  rows = 0;
  absent = 0;
  decimals = 0;
  readonly #problems: ProblemList;
  readonly #decimal = new DecimalReader();
  readonly #steps = new Map<string, Step>();
  #first: SeriesRow | undefined;
  #previous: SeriesRow | undefined;
  #sameHour = true;
  readonly #offsets = new Set<number>();
  #noise = { count: 0, line: 0 };
  #largest = { value: 0, line: 0 };

  constructor(problems: ProblemList) {
    this.#problems = problems;
  }

  take(row: SeriesRow): void {
    this.rows += 1;
    this.#first ??= row;
    if (row.wallMs % DAY_MS !== this.#first.wallMs % DAY_MS) this.#sameHour = false;
    // Two tell that the offset changes; more need not be remembered.
    if (this.#offsets.size < 2) this.#offsets.add(row.wallMs - row.ms);
    if (this.#previous !== undefined) this.#step(this.#previous, row);
    this.#previous = row;
    if (row.text === undefined) this.absent += 1;
    else this.#value(row, row.text);
  }

  #step(previous: SeriesRow, row: SeriesRow): void {
    const ms = row.ms - previous.ms;
    const wallMs = row.wallMs - previous.wallMs;
    const key = `${ms}/${wallMs}`;
    const known = this.#steps.get(key);
    if (known !== undefined) known.count += 1;
    else if (this.#steps.size < STEPS_MAX) {
      this.#steps.set(key, { ms, wallMs, line: row.line, count: 1 });
    } else this.#bad(row.line, 'time', `more than ${STEPS_MAX} different steps between rows`);
  }

  #value(row: SeriesRow, text: string): void {
    const verdict = this.#decimal.read(text);
    const wrong = REFUSED[verdict];
    if (wrong !== undefined) {
      this.#bad(row.line, 'value', `'${text.slice(0, 30)}' ${wrong}`);
      return;
    }
    if (verdict === 'noise') {
      if (this.#noise.count === 0) this.#noise.line = row.line;
      this.#noise.count += 1;
    }
    const { mantissa, decimals } = this.#decimal;
    if (decimals > this.decimals) this.decimals = decimals;
    const value = Math.ceil(Math.abs(mantissa) / 10 ** decimals);
    if (value > this.#largest.value) this.#largest = { value, line: row.line };
  }

  /** The stream's nature, after the last row. Says what is wrong; the caller looks at problems. */
  finish(rows: SeriesRows, given: number | undefined): { intervalS: number; localDays: boolean } {
    if (rows.columns !== undefined) this.#finishValues(rows.columns.unit);
    const intervalS = given ?? this.#commonStepS();
    if (rows.stopped) return { intervalS: 0, localDays: false };
    if (this.rows === 0) this.#bad(1, undefined, 'the file holds no rows');
    else if (intervalS === undefined) {
      this.#bad(this.#first?.line ?? 1, 'time', 'no interval length can be seen; give intervalS');
    }
    if (intervalS === undefined || this.rows === 0) return { intervalS: 0, localDays: false };
    const zoned = this.#offsets.size > 1 || rows.zone !== undefined;
    const localDays = intervalS * 1_000 === DAY_MS && this.#sameHour && zoned;
    if (localDays) this.#checkDays(rows);
    else this.#checkGrid(intervalS * 1_000);
    return { intervalS, localDays };
  }

  #finishValues(unit: string): void {
    this.decimals = Math.max(this.decimals, parseUnit(unit)?.exponent ?? 0);
    if (this.#largest.value * 10 ** this.decimals > LIMITS.valueMax) {
      const detail = `${this.#largest.value} at ${this.decimals} decimals is beyond exact integers`;
      this.#bad(this.#largest.line, 'value', detail);
    }
    if (this.#noise.count === 0) return;
    const detail = `${this.#noise.count} values carry traces of binary floating point; rounded to ${LIMITS.importDecimalsMax} decimals`;
    this.#problems.add(this.#noise.line, 'value', detail, false);
  }

  /** The most frequent distance of neighbours, in seconds; the shorter one of equals. */
  #commonStepS(): number | undefined {
    const counts = new Map<number, number>();
    for (const step of this.#steps.values()) {
      const size = Math.abs(step.ms);
      if (size > 0) counts.set(size, (counts.get(size) ?? 0) + step.count);
    }
    const ranked = [...counts].sort((a, b) => b[1] - a[1] || a[0] - b[0]);
    const common = ranked[0]?.[0];
    return common === undefined || common % 1_000 !== 0 ? undefined : common / 1_000;
  }

  #checkGrid(lengthMs: number): void {
    for (const step of this.#steps.values()) {
      this.#noteRepeat(step);
      if (step.ms % lengthMs === 0) continue;
      const detail = `${times(step)} ${Math.abs(step.ms) / MINUTE_MS} min after the row before, no multiple of ${lengthMs / MINUTE_MS} min`;
      this.#bad(step.line, 'time', detail);
    }
  }

  #checkDays(rows: SeriesRows): void {
    if (rows.columns?.label === 'end') {
      this.#bad(this.#first?.line ?? 1, 'label', 'local days must be named by their start');
    }
    for (const step of this.#steps.values()) {
      this.#noteRepeat(step);
      const days = step.wallMs / DAY_MS;
      // Which day of a gap had 23 or 25 hours only the zone can tell.
      if (rows.zone !== undefined || days === 1 || step.ms === step.wallMs) continue;
      const detail = `${times(step)} ${days} days after the row before with another offset; give a zone`;
      this.#bad(step.line, 'time', detail);
    }
  }

  #noteRepeat(step: Step): void {
    if (step.ms !== 0) return;
    this.#problems.add(step.line, 'time', `${times(step)} at the time of the row before`, false);
  }

  #bad(line: number, field: string | undefined, detail: string): void {
    this.#problems.add(line, field, detail, true);
  }
}

function times(step: Step): string {
  return step.count === 1 ? 'one row is' : `${step.count} rows, this the first, are`;
}
