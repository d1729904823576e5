/** Interval series in columns: a time and a value in each row, one meter channel in each file. */
import { isFault, LIMITS, OBIS, type ReadingBlock } from '../../domain/index.ts';
import { DecimalReader, rescale } from './decimal.ts';
import type {
  FileSummary,
  FormatEvent,
  FormatReader,
  ReadContext,
  StreamDeclaration,
  Survey,
} from './format.ts';
import { lineRuns } from './lines.ts';
import { ProblemList } from './problems.ts';
import { changedBetween, refusedEnd, requireReiterable } from './reading.ts';
import { planColumns, type SeriesRow, SeriesRows } from './series-rows.ts';
import { SeriesScan } from './series-survey.ts';
import type { Zone } from './series-time.ts';

const KEY = 'series';
const DAY_S = 86_400;

export const seriesReader: FormatReader = {
  name: 'series',
  detect: (head) => {
    const first = head.split(/\r?\n/).find((line) => line.trim() !== '');
    return first !== undefined && typeof planColumns(first.replace('\ufeff', ''), {}) === 'object';
  },
  survey: surveySeries,
  read: readSeries,
};

async function surveySeries(
  chunks: AsyncIterable<Uint8Array>,
  context: ReadContext,
): Promise<Survey> {
  const problems = new ProblemList();
  const rows = new SeriesRows(context, problems);
  const scan = new SeriesScan(problems);
  let lines = 0;
  try {
    for await (const run of lineRuns(chunks, context.fileName)) {
      for (const [i, text] of run.lines.entries()) {
        const row = rows.row(run.first + i, text);
        if (row !== undefined) scan.take(row);
      }
      lines = run.first + run.lines.length - 1;
      if (rows.stopped) break;
    }
  } catch (error) {
    if (!isFault(error)) throw error;
    problems.addFault(error, lines);
  }
  const nature = scan.finish(rows, context.options.series?.intervalS);
  const tally = { lines, intervals: scan.rows, absent: scan.absent };
  const streams = new Map<string, StreamDeclaration>();
  if (!problems.fatal) streams.set(KEY, declare(rows, context, scan.decimals, nature));
  const summary = { ...tally, problems: problems.total };
  const accepted = !problems.fatal;
  return { format: 'series', accepted, problems: problems.listed(), summary, streams };
}

function declare(
  rows: SeriesRows,
  context: ReadContext,
  decimals: number,
  nature: { intervalS: number; localDays: boolean },
): StreamDeclaration {
  const { meter, channel } = context.options.series ?? {};
  return {
    meter: meter ?? meterOfFile(context.fileName),
    channel: channel ?? OBIS.importActive,
    unit: rows.columns?.unit ?? 'kWh',
    decimals,
    ...nature,
    line: 1,
  };
}

/** 'in/uk-gas 0.csv.gz' -> 'uk-gas-0': what can be a serial, see isSerial. */
function meterOfFile(fileName: string): string {
  const base = fileName.replace(/^.*[\\/]/, '').replace(/(\.(csv|tsv|txt))?(\.gz)?$/i, '');
  return base.replace(/[^A-Za-z0-9_.:-]+/g, '-').slice(0, LIMITS.serialCharsMax) || 'series';
}

async function* readSeries(
  chunks: AsyncIterable<Uint8Array>,
  context: ReadContext,
  given?: Survey,
): AsyncGenerator<FormatEvent, void, undefined> {
  if (given === undefined) requireReiterable(chunks, context);
  const survey = given ?? (await surveySeries(chunks, context));
  yield* survey.problems;
  const stream = survey.streams.get(KEY);
  if (!survey.accepted || stream === undefined) {
    yield refusedEnd(survey);
    return;
  }
  yield { kind: 'stream', stream };
  const problems = new ProblemList();
  const rows = new SeriesRows(context, problems);
  const maker = new BlockMaker(stream, rows, context.fileName);
  for await (const run of lineRuns(chunks, context.fileName)) {
    for (const [i, text] of run.lines.entries()) {
      const row = rows.row(run.first + i, text);
      if (row !== undefined) maker.take(row);
    }
    if (problems.fatal) throw changedBetween(context.fileName);
    yield* maker.ready();
  }
  maker.finish();
  yield* maker.ready();
  if (maker.intervals !== survey.summary.intervals) throw changedBetween(context.fileName);
  const summary: FileSummary = { ...survey.summary, blocks: maker.blocks };
  yield { kind: 'end', summary };
}

interface OpenBlock {
  readonly startMs: number;
  readonly intervalS: number;
  readonly firstLine: number;
  lastLine: number;
  readonly values: (number | null)[];
}

/** Joins rows into blocks of neighbours. A row waits for the next, which tells a day's length. */
class BlockMaker {
  blocks = 0;
  intervals = 0;
  readonly #stream: StreamDeclaration;
  readonly #rows: SeriesRows;
  readonly #file: string;
  readonly #decimal = new DecimalReader();
  #waiting: SeriesRow | undefined;
  #open: OpenBlock | undefined;
  #ready: FormatEvent[] = [];

  constructor(stream: StreamDeclaration, rows: SeriesRows, file: string) {
    this.#stream = stream;
    this.#rows = rows;
    this.#file = file;
  }

  take(row: SeriesRow): void {
    if (this.#waiting !== undefined) this.#add(this.#waiting, row);
    this.#waiting = row;
  }

  finish(): void {
    if (this.#waiting !== undefined) this.#add(this.#waiting, undefined);
    this.#waiting = undefined;
    this.#close();
  }

  ready(): FormatEvent[] {
    const ready = this.#ready;
    this.#ready = [];
    return ready;
  }

  #add(row: SeriesRow, next: SeriesRow | undefined): void {
    const intervalS = this.#lengthS(row, next, this.#rows.zone);
    const shift = this.#rows.columns?.label === 'end' ? intervalS * 1_000 : 0;
    const startMs = row.ms - shift;
    const value = row.text === undefined ? null : this.#count(row.text);
    this.intervals += 1;
    const open = this.#open;
    if (open !== undefined && follows(open, startMs, intervalS)) {
      open.values.push(value);
      open.lastLine = row.line;
      return;
    }
    this.#close();
    const { line } = row;
    this.#open = { startMs, intervalS, firstLine: line, lastLine: line, values: [value] };
  }

  /** The survey has made sure that a neighbour or the zone tells, or that it is 24 hours. */
  #lengthS(row: SeriesRow, next: SeriesRow | undefined, zone: Zone | undefined): number {
    if (!this.#stream.localDays) return this.#stream.intervalS;
    const nextMs = zone?.nextDay(row.wallMs);
    if (nextMs !== undefined) return (nextMs - row.ms) / 1_000;
    const neighbour = next !== undefined && next.wallMs - row.wallMs === DAY_S * 1_000;
    return neighbour ? (next.ms - row.ms) / 1_000 : DAY_S;
  }

  #count(text: string): number {
    this.#decimal.read(text);
    if (this.#decimal.decimals > this.#stream.decimals) throw changedBetween(this.#file);
    const { mantissa, decimals } = this.#decimal;
    const count = rescale(mantissa, decimals, this.#stream.decimals);
    if (!Number.isSafeInteger(count)) throw changedBetween(this.#file);
    return count;
  }

  #close(): void {
    const open = this.#open;
    if (open === undefined) return;
    this.#open = undefined;
    this.blocks += 1;
    const { meter, channel, unit, decimals } = this.#stream;
    const { startMs, intervalS, values, firstLine, lastLine } = open;
    const at = firstLine === lastLine ? `line ${firstLine}` : `lines ${firstLine}-${lastLine}`;
    const kind = 'interval';
    const block: ReadingBlock = {
      ...{ kind, meter, channel, startMs, intervalS, values, unit, decimals, at },
    };
    this.#ready.push({ kind: 'block', block });
  }
}

function follows(open: OpenBlock, startMs: number, intervalS: number): boolean {
  return (
    intervalS === open.intervalS &&
    open.values.length < LIMITS.importBlockValuesMax &&
    startMs === open.startMs + open.values.length * intervalS * 1_000
  );
}
