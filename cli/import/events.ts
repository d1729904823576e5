/** A surveyed file read once more: only its blocks, or how far each of its streams reaches. */
import type { ReadingBlock } from '../../domain/index.ts';
import { readFile } from '../../ingest/formats/files.ts';
import type { ReadContext, Survey } from '../../ingest/formats/format.ts';
import type { NamedStream, StreamNames } from './streams.ts';

export interface SurveyedFile {
  readonly chunks: AsyncIterable<Uint8Array>;
  readonly context: ReadContext;
  readonly survey: Survey;
}

export async function* blocksOf(file: SurveyedFile): AsyncGenerator<ReadingBlock, void, undefined> {
  for await (const event of readFile(file.chunks, file.context, file.survey)) {
    if (event.kind === 'block') yield event.block;
  }
}

export interface Extent {
  readonly firstMs: number;
  /** End of the last interval. */
  readonly endMs: number;
}

/** Streams that are equal but for their service point share one extent. */
export async function extentsOf(
  file: SurveyedFile,
  names: StreamNames,
): Promise<ReadonlyMap<NamedStream, Extent>> {
  const extents = new Map<NamedStream, Extent>();
  for await (const block of blocksOf(file)) {
    const endMs = block.startMs + block.values.length * block.intervalS * 1_000;
    for (const stream of names.alike(block)) {
      const known = extents.get(stream);
      extents.set(stream, {
        firstMs: Math.min(known?.firstMs ?? block.startMs, block.startMs),
        endMs: Math.max(known?.endMs ?? endMs, endMs),
      });
    }
  }
  return extents;
}
