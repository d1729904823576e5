/** Texts as files: what the tests of ingest/formats share. */
import type { ReadingBlock } from '../../domain/index.ts';
import { readFile, validateFile } from '../../ingest/formats/files.ts';
import type { FormatEvent, FormatOptions, Problem, Survey } from '../../ingest/formats/format.ts';
import { reiterable } from '../../ingest/formats/reading.ts';

/** The bytes in chunks that end at the given places. */
export function chunksOf(bytes: Uint8Array, cuts: readonly number[] = []): Uint8Array[] {
  const ends = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((a, b) => a - b);
  return [...ends, bytes.length].map((end, i) => bytes.subarray(ends[i - 1] ?? 0, end));
}

export function sourceOf(chunks: readonly Uint8Array[]): AsyncIterable<Uint8Array> {
  return reiterable(async function* () {
    yield* chunks;
  });
}

export interface Outcome {
  readonly survey: Survey;
  readonly events: readonly FormatEvent[];
  readonly blocks: readonly ReadingBlock[];
  readonly fatal: readonly Problem[];
  readonly notes: readonly Problem[];
}

export async function outcomeOf(
  content: string | Uint8Array,
  options: FormatOptions = {},
  cuts: readonly number[] = [],
  fileName = 'meter-1.csv',
): Promise<Outcome> {
  const bytes = typeof content === 'string' ? Buffer.from(content, 'utf8') : content;
  const source = sourceOf(chunksOf(bytes, cuts));
  const context = { fileName, options };
  const survey = await validateFile(source, context);
  const events: FormatEvent[] = [];
  for await (const event of readFile(source, context, survey)) events.push(event);
  const problems = events.filter((event) => event.kind === 'problem');
  return {
    survey,
    events,
    blocks: events.flatMap((event) => (event.kind === 'block' ? [event.block] : [])),
    fatal: problems.filter(({ fatal }) => fatal),
    notes: problems.filter(({ fatal }) => !fatal),
  };
}

/** 'line: detail' of every fatal problem. */
export function refusals(outcome: Outcome): string[] {
  return outcome.fatal.map(({ line, detail }) => `${line}: ${detail}`);
}

/** A NEM12 file of one 30-minute day; `lines` replace or follow the 300. */
export function nem12(lines: readonly string[], uom = 'kWh', minutes = 30): string {
  const head = `200,NMI1234567,E1,,E1,,SERIAL1,${uom},${minutes},`;
  return ['100,NEM12,202401011200,MDP,RET', head, ...lines, '900'].join('\r\n');
}

export function day(values: readonly string[], tail = 'A,,,20240102030405,'): string {
  return `300,20240101,${values.join(',')},${tail}`;
}
