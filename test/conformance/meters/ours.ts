/** Files of the shared folder through the product's readers, laid out like the independent ones. */
import { createReadStream, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { FLAG, QUALITY, type ReadingBlock } from '../../../domain/index.ts';
import { readFile, validateFile } from '../../../ingest/formats/files.ts';
import type {
  FormatEvent,
  FormatOptions,
  StreamDeclaration,
  Survey,
} from '../../../ingest/formats/format.ts';
import { reiterable } from '../../../ingest/formats/reading.ts';
import { sharedDir } from '../shared.ts';
import { type Point, SCALE } from './independent.ts';

export interface FileRead {
  readonly survey: Survey;
  readonly events: readonly FormatEvent[];
  readonly streams: readonly { declaration: StreamDeclaration; blocks: ReadingBlock[] }[];
}

/** Data files of one folder, by name; licences are not data. */
export function dataFiles(folder: string): { name: string; path: string }[] {
  const dir = join(sharedDir(), 'data', 'meters', folder);
  return readdirSync(dir)
    .filter((name) => !name.startsWith('LICENSE'))
    .sort()
    .map((name) => ({ name, path: join(dir, name) }));
}

export async function readWhole(path: string, options: FormatOptions = {}): Promise<FileRead> {
  const chunks = reiterable(() => createReadStream(path));
  const context = { fileName: basename(path), options };
  const survey = await validateFile(chunks, context);
  const events: FormatEvent[] = [];
  const streams: { declaration: StreamDeclaration; blocks: ReadingBlock[] }[] = [];
  for await (const event of readFile(chunks, context, survey)) {
    events.push(event);
    if (event.kind === 'stream') streams.push({ declaration: event.stream, blocks: [] });
    if (event.kind === 'block') streamOf(streams, event.block).push(event.block);
  }
  return { survey, events, streams };
}

function streamOf(streams: FileRead['streams'], block: ReadingBlock): ReadingBlock[] {
  const stream = streams.find(
    ({ declaration: d }) =>
      d.meter === block.meter &&
      d.channel === block.channel &&
      d.unit === block.unit &&
      (d.localDays || d.intervalS === block.intervalS),
  );
  if (stream === undefined) throw new Error(`block before its stream at ${block.at}`);
  return stream.blocks;
}

const LETTERS = new Map<number, string>([
  [QUALITY.VALID.code, 'A'],
  [QUALITY.RAW.code, 'A'],
  [QUALITY.PROJECTED.code, 'E'],
  [QUALITY.SUBSTITUTED_FINAL.code, 'F'],
  [QUALITY.SUBSTITUTED.code, 'S'],
  [QUALITY.ESTIMATED_SOURCE.code, 'S'],
]);

export interface OurPoint extends Omit<Point, 'reason'> {
  readonly outage: boolean;
  readonly clockSet: boolean;
  readonly endMs: number;
}

export function pointsOf(blocks: readonly ReadingBlock[]): OurPoint[] {
  return blocks.flatMap((block) =>
    block.values.map((value, i) => {
      const startMs = block.startMs + i * block.intervalS * 1_000;
      const quality = block.qualities?.[i] ?? block.quality ?? QUALITY.RAW.code;
      const flags = block.flags?.[i] ?? 0;
      return {
        startMs,
        endMs: startMs + block.intervalS * 1_000,
        value: value === null ? null : BigInt(value) * 10n ** BigInt(SCALE - (block.decimals ?? 0)),
        letter: value === null ? 'N' : (LETTERS.get(quality) ?? '?'),
        outage: (flags & FLAG.OUTAGE) !== 0,
        clockSet: (flags & FLAG.CLOCK_SET) !== 0,
      };
    }),
  );
}
