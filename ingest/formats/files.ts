/** The door to this folder: which reader a file needs, and whether it may be stored at all. */
import { Fault } from '../../domain/index.ts';
import type { FormatEvent, FormatReader, Problem, ReadContext, Survey } from './format.ts';
import { plainBytes } from './gunzip.ts';
import { nem12Reader } from './nem12.ts';
import { refusedEnd, requireReiterable } from './reading.ts';
import { seriesReader } from './series.ts';

/** In the order in which they are asked. */
export const READERS: readonly FormatReader[] = [nem12Reader, seriesReader];

const HEAD_BYTES = 4_096;

/**
 * The reader for a file, by its unpacked beginning; undefined when none knows it. Throws
 * FILE_FORMAT for an empty file and what plainBytes throws.
 */
export async function detectReader(
  chunks: AsyncIterable<Uint8Array>,
  { fileName, options }: ReadContext,
): Promise<FormatReader | undefined> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of plainBytes(chunks, fileName)) {
    parts.push(chunk);
    bytes += chunk.length;
    if (bytes >= HEAD_BYTES) break;
  }
  if (bytes === 0) throw new Fault('FILE_FORMAT', { file: fileName, detail: 'file is empty' });
  const head = Buffer.concat(parts).subarray(0, HEAD_BYTES).toString('utf8');
  // Who says how the columns are to be understood has said that there are columns.
  const told = options.series === undefined ? undefined : seriesReader;
  return READERS.find((reader) => reader.detect(head, fileName)) ?? told;
}

/**
 * First pass over a file: may it be stored, and if not, why (all of it, with line and field).
 * `chunks` is read twice and must allow that (see reiterable). Never throws for what is in the
 * file; what is no known format is a problem too.
 */
export async function validateFile(
  chunks: AsyncIterable<Uint8Array>,
  context: ReadContext,
): Promise<Survey> {
  requireReiterable(chunks, context);
  try {
    const reader = await detectReader(chunks, context);
    return reader === undefined ? unknown() : await reader.survey(chunks, context);
  } catch (error) {
    if (error instanceof Fault) return refused(String(error.detail['detail']));
    throw error;
  }
}

/** Second pass: the events of a file that validateFile surveyed. See FormatReader.read. */
export async function* readFile(
  chunks: AsyncIterable<Uint8Array>,
  context: ReadContext,
  survey: Survey,
): AsyncGenerator<FormatEvent, void, undefined> {
  const reader = READERS.find(({ name }) => name === survey.format);
  if (reader !== undefined) yield* reader.read(chunks, context, survey);
  else {
    yield* survey.problems;
    yield refusedEnd(survey);
  }
}

function unknown(): Survey {
  return refused(`no known format; known are ${READERS.map(({ name }) => name).join(', ')}`);
}

function refused(detail: string): Survey {
  const problems: Problem[] = [{ kind: 'problem', line: 1, detail, fatal: true }];
  const summary = { lines: 0, intervals: 0, absent: 0, problems: 1 };
  return { format: 'unknown', accepted: false, problems, summary, streams: new Map() };
}
