/** One file: checked, named, what is missing created, sent through the pipeline, accounted for. */
import { basename } from 'node:path';
import {
  knownMeters,
  lastBatchId,
  type OriginCounts,
  originCounts,
  type RefusedReason,
  refusedReasons,
} from '../../db/imports.ts';
import { describeError, isConserved, type ReadingBlock } from '../../domain/index.ts';
import { originOf } from '../../gateway/payload/decode.ts';
import { validateFile } from '../../ingest/formats/files.ts';
import type { Problem, ReadContext, Survey } from '../../ingest/formats/format.ts';
import { type Closed, closeCreated } from './close.ts';
import { type Created, createMissing } from './create.ts';
import { blocksOf, extentsOf, type SurveyedFile } from './events.ts';
import { type ImportOptions, NEM12_ZONE } from './options.ts';
import type { ImportSession } from './session.ts';
import { candidateSerials, type NamedStream, nameStreams, type StreamNames } from './streams.ts';
import { stretches } from './stretch.ts';

export interface RefusedFile {
  readonly state: 'refused';
  readonly file: string;
  readonly format: string;
  readonly problems: readonly Problem[];
}

export interface ImportedFile extends OriginCounts {
  readonly state: 'imported';
  readonly file: string;
  readonly format: string;
  /** Not fatal, but somebody should know. */
  readonly problems: readonly Problem[];
  readonly bytes: number;
  readonly streams: number;
  /** Intervals the file names: offered and absent at source. */
  readonly intervals: number;
  readonly seconds: number;
  readonly refused: readonly RefusedReason[];
  readonly created: Created | undefined;
  readonly closed: Closed | undefined;
}

export type FileOutcome = RefusedFile | ImportedFile;

export type OnProgress = (done: number, total: number, note: string) => void;

/** Never throws for what is in the file or for a file that cannot be opened. */
export async function importFile(
  session: ImportSession,
  path: string,
  options: ImportOptions,
  onProgress: OnProgress = () => {},
): Promise<FileOutcome> {
  const { clock } = session.deps;
  const startMs = clock.monotonicMs();
  let spooled: Awaited<ReturnType<typeof session.spool.copy>>;
  try {
    spooled = await session.spool.copy(path, clock.nowMs());
  } catch (error) {
    const detail = `cannot be read: ${describeError(error)}`;
    return refusal(path, 'unknown', [{ kind: 'problem', line: 1, detail, fatal: true }]);
  }
  try {
    const context: ReadContext = { fileName: basename(path), options: options.format };
    const { bytes } = spooled;
    const checked = spooled.chunks((done) => onProgress(done, bytes, 'checking'));
    const survey = await validateFile(checked, context);
    if (!survey.accepted) return refusal(path, survey.format, survey.problems);
    const file: SurveyedFile = { chunks: spooled.chunks(), context, survey };
    const done = await store(session, path, file, options, onProgress);
    const seconds = (clock.monotonicMs() - startMs) / 1_000;
    return { ...done, bytes, seconds };
  } finally {
    await spooled.remove();
  }
}

function refusal(file: string, format: string, problems: readonly Problem[]): RefusedFile {
  return { state: 'refused', file, format, problems };
}

async function store(
  session: ImportSession,
  path: string,
  file: SurveyedFile,
  options: ImportOptions,
  onProgress: OnProgress,
): Promise<Omit<ImportedFile, 'bytes' | 'seconds'>> {
  const { db } = session.deps;
  const { survey } = file;
  const declarations = [...survey.streams.values()];
  const known = await knownMeters(db, candidateSerials(declarations));
  const names = nameStreams(declarations, known, options.create !== undefined);
  const created = await create(session, file, names, options);
  const name = file.context.fileName;
  const origin = originOf({ source: 'file', peer: name });
  const afterId = await lastBatchId(db);
  await send(session, path, file, names, onProgress);
  const result = await originCounts(db, origin, afterId);
  checkAccounts(name, survey, result);
  const refused = await refusedReasons(db, origin, afterId);
  const closed =
    created === undefined || !options.close ? undefined : await closeCreated(session, created);
  const { intervals } = survey.summary;
  return {
    ...{ state: 'imported', file: path, format: survey.format, problems: survey.problems },
    ...{ streams: declarations.length, intervals, ...result, refused, created, closed },
  };
}

async function create(
  session: ImportSession,
  file: SurveyedFile,
  names: StreamNames,
  options: ImportOptions,
): Promise<Created | undefined> {
  if (options.create === undefined) return undefined;
  const fallback = file.survey.format === 'nem12' ? NEM12_ZONE : undefined;
  const zone = options.create.zone ?? fallback;
  const extents = await extentsOf(file, names);
  const created = await createMissing(session.deps.db, extents, { ...options.create, zone });
  session.pipeline.directory.lookAgain(created.channels.map(({ meter }) => meter));
  return created;
}

async function send(
  session: ImportSession,
  path: string,
  file: SurveyedFile,
  names: StreamNames,
  onProgress: OnProgress,
): Promise<void> {
  const { context, survey } = file;
  const { clock } = session.deps;
  const total = survey.summary.intervals;
  let sent = 0;
  const stretched = stretches(
    { name: context.fileName, path, format: survey.format, receivedMs: clock.nowMs() },
    file.chunks,
    blocksOf(file),
    (block, servicePoint) => stored(block, names.of(block, servicePoint)),
  );
  await session.send(stretched, ({ blocks = [] }) => {
    for (const { values } of blocks) sent += values.length;
    onProgress(sent, total, `${sent} of ${total} intervals`);
  });
  let most = 0;
  await session.settled((waiting) => {
    most = Math.max(most, waiting);
    onProgress(most - waiting, most, `${waiting} messages on their way into the database`);
  });
}

function stored(block: ReadingBlock, { meter, channel }: NamedStream): ReadingBlock {
  return { ...block, meter, channel };
}

/** Promise 2 over the file: every interval it names is accounted for, or this says so loudly. */
function checkAccounts(name: string, survey: Survey, { counts, absent }: OriginCounts): void {
  const { intervals } = survey.summary;
  if (isConserved(counts) && counts.offered + absent === intervals) return;
  const found = JSON.stringify({ intervals, absent, ...counts });
  throw new Error(`${name}: not every interval is accounted for: ${found}`);
}
