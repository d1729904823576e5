/** NEM12 interval metering data (formats.md section 1 of the MDFF): two passes, one day in memory. */
import { isFault, LIMITS, type ReadingBlock } from '../../domain/index.ts';
import { DecimalReader, rescale } from './decimal.ts';
import type {
  FormatEvent,
  FormatReader,
  ReadContext,
  StreamDeclaration,
  Survey,
} from './format.ts';
import { lineRuns } from './lines.ts';
import { anyFlags, type Nem12Day, qualityCode } from './nem12-days.ts';
import { Nem12Records, type Nem12Sink } from './nem12-records.ts';
import type { Nem12Stream } from './nem12-streams.ts';
import { bareUnitDecimals } from './nem12-tables.ts';
import { ProblemList } from './problems.ts';
import { changedBetween, refusedEnd, requireReiterable } from './reading.ts';

const FIRST_RECORD = /^\ufeff?[\s,]*(?:100\s*,\s*NEM1[23]\b|(?:200|250|300|900)\s*(?:,|\r?\n|$))/i;

export const nem12Reader: FormatReader = {
  name: 'nem12',
  detect: (head) => FIRST_RECORD.test(head),
  survey: surveyNem12,
  read: readNem12,
};

interface Tally {
  lines: number;
  intervals: number;
  absent: number;
}

/** What the first pass keeps of a stream. */
interface Surveyed {
  declaration: Nem12Stream;
  decimals: number;
  /** Largest value, rounded up, and where: it must stay exact at the final decimals. */
  largest: number;
  largestLine: number;
}

class SurveySink implements Nem12Sink {
  readonly streams = new Map<string, Surveyed>();
  readonly tally: Tally = { lines: 0, intervals: 0, absent: 0 };
  readonly #problems: ProblemList;
  readonly #decimal = new DecimalReader();
  #noise = { count: 0, line: 0 };

  constructor(problems: ProblemList) {
    this.#problems = problems;
  }

  stream(stream: Nem12Stream): void {
    if (this.streams.has(stream.key)) return;
    if (this.streams.size === LIMITS.importStreamsMax) {
      const detail = `more than ${LIMITS.importStreamsMax} streams; split the file`;
      this.#problems.add(stream.line, undefined, detail, true);
    }
    if (this.streams.size >= LIMITS.importStreamsMax) return;
    const decimals = bareUnitDecimals(stream.unit);
    this.streams.set(stream.key, { declaration: stream, decimals, largest: 0, largestLine: 0 });
  }

  day(stream: Nem12Stream, day: Nem12Day): void {
    const known = this.streams.get(stream.key);
    if (known === undefined) return;
    this.tally.intervals += day.texts.length;
    for (let i = 0; i < day.texts.length; i += 1) {
      if (day.methods[i] === 'N') this.tally.absent += 1;
      else this.#value(known, day.texts[i] as string, day.line);
    }
  }

  #value(known: Surveyed, text: string, line: number): void {
    if (this.#decimal.read(text) === 'noise') {
      if (this.#noise.count === 0) this.#noise.line = line;
      this.#noise.count += 1;
    }
    const { mantissa, decimals } = this.#decimal;
    if (decimals > known.decimals) known.decimals = decimals;
    const size = decimals === 0 ? mantissa : Math.ceil(mantissa / 10 ** decimals);
    if (size > known.largest) {
      known.largest = size;
      known.largestLine = line;
    }
  }

  finish(): void {
    for (const known of this.streams.values()) {
      if (known.largest * 10 ** known.decimals <= LIMITS.valueMax) continue;
      const detail = `${known.largest} ${known.declaration.unit} at ${known.decimals} decimals is beyond exact integers`;
      this.#problems.add(known.largestLine, 'IntervalValue', detail, true);
    }
    if (this.#noise.count > 0) {
      const detail = `${this.#noise.count} values carry traces of binary floating point; rounded to ${LIMITS.importDecimalsMax} decimals`;
      this.#problems.add(this.#noise.line, 'IntervalValue', detail, false);
    }
  }
}

async function surveyNem12(
  chunks: AsyncIterable<Uint8Array>,
  context: ReadContext,
): Promise<Survey> {
  const problems = new ProblemList();
  const sink = new SurveySink(problems);
  const records = new Nem12Records(sink, problems, settingsOf(context));
  try {
    for await (const run of lineRuns(chunks, context.fileName)) {
      for (const [i, text] of run.lines.entries()) records.line(run.first + i, text);
      sink.tally.lines = run.first + run.lines.length - 1;
      if (records.stopped) break;
    }
    records.end();
  } catch (error) {
    if (!isFault(error)) throw error;
    problems.addFault(error, sink.tally.lines);
  }
  sink.finish();
  return { format: 'nem12', accepted: !problems.fatal, ...describe(sink, problems) };
}

function describe(
  sink: SurveySink,
  problems: ProblemList,
): Pick<Survey, 'problems' | 'summary' | 'streams'> {
  const streams = new Map<string, StreamDeclaration>();
  for (const [key, { declaration, decimals }] of sink.streams) {
    const { key: _, ...rest } = declaration;
    streams.set(key, { ...rest, decimals });
  }
  const summary = { ...sink.tally, problems: problems.total };
  return { problems: problems.listed(), summary, streams };
}

async function* readNem12(
  chunks: AsyncIterable<Uint8Array>,
  context: ReadContext,
  given?: Survey,
): AsyncGenerator<FormatEvent, void, undefined> {
  if (given === undefined) requireReiterable(chunks, context);
  const survey = given ?? (await surveyNem12(chunks, context));
  yield* survey.problems;
  if (!survey.accepted) {
    yield refusedEnd(survey);
    return;
  }
  const sink = new BlockSink(survey, context.fileName);
  const problems = new ProblemList();
  const records = new Nem12Records(sink, problems, settingsOf(context));
  for await (const run of lineRuns(chunks, context.fileName)) {
    for (let i = 0; i < run.lines.length; i += 1) {
      records.line(run.first + i, run.lines[i] as string);
      if (sink.out.length > 0) yield* sink.take();
    }
    if (problems.fatal) throw changedBetween(context.fileName);
  }
  records.end();
  yield* sink.take();
  const { intervals } = survey.summary;
  if (problems.fatal || sink.intervals !== intervals) throw changedBetween(context.fileName);
  yield { kind: 'end', summary: { ...survey.summary, blocks: sink.blocks } };
}

/** Makes events of days, with the decimals of the survey. */
class BlockSink implements Nem12Sink {
  out: FormatEvent[] = [];
  blocks = 0;
  intervals = 0;
  readonly #survey: Survey;
  readonly #file: string;
  readonly #told = new Set<string>();
  readonly #decimal = new DecimalReader();

  constructor(survey: Survey, file: string) {
    this.#survey = survey;
    this.#file = file;
  }

  take(): FormatEvent[] {
    const out = this.out;
    this.out = [];
    return out;
  }

  stream(stream: Nem12Stream): void {
    const known = this.#known(stream);
    if (this.#told.has(stream.key)) return;
    this.#told.add(stream.key);
    this.out.push({ kind: 'stream', stream: known });
  }

  day(stream: Nem12Stream, day: Nem12Day): void {
    const { decimals } = this.#known(stream);
    const values = day.texts.map((text, i) =>
      day.methods[i] === 'N' ? null : this.#count(text, decimals),
    );
    this.blocks += 1;
    this.intervals += values.length;
    this.out.push({ kind: 'block', block: { ...blockOf(stream, day), values, decimals } });
  }

  #count(text: string, target: number): number {
    this.#decimal.read(text);
    if (this.#decimal.decimals > target) throw changedBetween(this.#file);
    const count = rescale(this.#decimal.mantissa, this.#decimal.decimals, target);
    if (!Number.isSafeInteger(count)) throw changedBetween(this.#file);
    return count;
  }

  #known(stream: Nem12Stream): StreamDeclaration {
    const known = this.#survey.streams.get(stream.key);
    if (known === undefined) throw changedBetween(this.#file);
    return known;
  }
}

function blockOf(stream: Nem12Stream, day: Nem12Day): Omit<ReadingBlock, 'values' | 'decimals'> {
  const first = day.methods[0] as string;
  const uniform = day.methods.every((method) => method === first);
  return {
    kind: 'interval',
    meter: stream.meter,
    channel: stream.channel,
    startMs: day.startMs,
    intervalS: stream.intervalS,
    unit: stream.unit,
    // MDFF: interval values are after the multiplier.
    multiplierApplied: true,
    ...(uniform
      ? { quality: qualityCode(first) }
      : { qualities: day.methods.map((method) => qualityCode(method)) }),
    ...(anyFlags(day.flags) ? { flags: day.flags } : {}),
    ...(day.versionMs === undefined ? {} : { versionMs: day.versionMs }),
    at: `line ${day.line}`,
  };
}

function settingsOf(context: ReadContext): { units: Readonly<Record<string, string>> } {
  return { units: context.options.nem12Units ?? {} };
}
