/**
 * A message with more values than one batch may carry travels in several batches, its parts.
 * The first part carries the message's raw bytes. A later part carries, in the same framing and
 * with the same header, a small reference to the first instead: content type PART_CONTENT_TYPE,
 * raw = JSON { partOf: uid of the first part, part, parts, fromValue, toValue }. So each byte is
 * stored once, and whoever explains a value of a later part follows `partOf`.
 */
import { encodeEnvelope } from '../../domain/framing.ts';
import type { Envelope, ReadingBlock } from '../../domain/reading.ts';

export const PART_CONTENT_TYPE = 'application/vnd.meterline.part+json';

export interface PartReference {
  readonly partOf: string;
  /** 1 for the second part. */
  readonly part: number;
  readonly parts: number;
  /** Values of the whole message, counted over its blocks: [fromValue, toValue). */
  readonly fromValue: number;
  readonly toValue: number;
}

export function encodePart(envelope: Envelope, reference: PartReference): Buffer {
  const { blocks: _, ...header } = envelope;
  const raw = Buffer.from(JSON.stringify(reference), 'utf8');
  return encodeEnvelope({ ...header, contentType: PART_CONTENT_TYPE, raw });
}

export function countValues(blocks: readonly ReadingBlock[]): number {
  let count = 0;
  for (const block of blocks) count += block.values.length;
  return count;
}

/** The values [from, to) of the blocks, counted over all of them, as blocks. */
export function cutBlocks(
  blocks: readonly ReadingBlock[],
  from: number,
  to: number,
): ReadingBlock[] {
  const out: ReadingBlock[] = [];
  let start = 0;
  for (const block of blocks) {
    const end = start + block.values.length;
    if (end > from && start < to) {
      out.push(cutBlock(block, Math.max(0, from - start), Math.min(end, to) - start));
    }
    start = end;
  }
  return out;
}

function cutBlock(block: ReadingBlock, from: number, to: number): ReadingBlock {
  if (from === 0 && to === block.values.length) return block;
  return {
    ...block,
    startMs: block.startMs + from * block.intervalS * 1_000,
    values: block.values.slice(from, to),
    ...(block.qualities === undefined ? {} : { qualities: block.qualities.slice(from, to) }),
    ...(block.flags === undefined ? {} : { flags: block.flags.slice(from, to) }),
  };
}
