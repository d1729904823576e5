/** Blocks into rows of a binary COPY, in buffers that are used again. */
import { copyBinary, READING_COLUMNS, ReadingCopyBuffer } from '../../db/copy.ts';
import type { Connection } from '../../db/pool.ts';
import type { ReadingTable } from '../../db/reading-writes.ts';
import { LIMITS } from '../../domain/index.ts';
import type { Insertion } from './careful.ts';
import { type ReadyBlock, storedFlags, storedQuality } from './prepare.ts';

const TARGETS: Readonly<Record<ReadingTable, string>> = {
  reading: `reading ${READING_COLUMNS}`,
  register_read: 'register_read (at, value, batch_id, channel_id, quality, flags)',
};

/** Copy buffers waiting for the next batch: at most one for each batch under way. */
export class CopyBuffers {
  readonly #free: ReadingCopyBuffer[] = [];

  take(rows: number): ReadingCopyBuffer {
    if (rows > LIMITS.batchReadingsMax) return new ReadingCopyBuffer(rows);
    return this.#free.pop() ?? new ReadingCopyBuffer(LIMITS.batchReadingsMax);
  }

  /** Only after the server has answered: a broken COPY may still hold the bytes. */
  giveBack(buffer: ReadingCopyBuffer, rows: number): void {
    if (rows > LIMITS.batchReadingsMax || this.#free.length >= LIMITS.ingestConcurrency) return;
    buffer.reset();
    this.#free.push(buffer);
  }
}

export interface CopyJob {
  readonly table: ReadingTable;
  readonly insertions: readonly Insertion[];
  readonly batchId: number;
  readonly buffers: CopyBuffers;
}

/** Rows the server says it has taken; throws when that is not what was sent. */
export async function copyInsertions(tx: Connection, job: CopyJob): Promise<number> {
  let rowsMax = 0;
  for (const { values } of job.insertions) rowsMax += values.length;
  if (rowsMax === 0) return 0;
  const buffer = job.buffers.take(rowsMax);
  for (const { block, values } of job.insertions) pushBlock(buffer, block, values, job.batchId);
  const sent = buffer.rows;
  const taken = sent === 0 ? 0 : await copyBinary(tx, TARGETS[job.table], buffer.finish());
  job.buffers.giveBack(buffer, rowsMax);
  if (taken !== sent) throw new Error(`COPY took ${taken} of ${sent} rows`);
  return taken;
}

function pushBlock(
  buffer: ReadingCopyBuffer,
  block: ReadyBlock,
  values: readonly (number | null)[],
  batchId: number,
): void {
  const channelId = block.entry.channel.id;
  const uniform = block.source.flags === undefined && block.source.qualities === undefined;
  const quality = storedQuality(block, 0);
  const flags = storedFlags(block, 0);
  let startMs = block.startMs;
  for (let i = 0; i < values.length; i += 1) {
    const value = values[i] as number | null;
    if (value !== null) {
      if (uniform) buffer.push(startMs, value, batchId, channelId, quality, flags);
      else {
        const own = storedQuality(block, i);
        buffer.push(startMs, value, batchId, channelId, own, storedFlags(block, i));
      }
    }
    startMs += block.stepMs;
  }
}
