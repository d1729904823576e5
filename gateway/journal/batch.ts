/** From envelopes to the batch that travels in a job. */
import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { deflateRaw } from 'node:zlib';
import { describeError } from '../../domain/faults.ts';
import {
  type Envelope,
  offeredValues,
  type ReadingBlock,
  type Refusal,
  type SealedBatch,
} from '../../domain/reading.ts';
import { countValues, cutBlocks, encodePart } from './parts.ts';
import type { Decode, Decoded } from './ports.ts';
import type { JournalReader } from './reader.ts';
import { envelopeOf } from './reader.ts';
import type { Seal, SealContent } from './seals.ts';

const deflate = promisify(deflateRaw);

/** Decoding must not throw; if it does all the same, the message is kept as one refused record. */
export function decodeSafely(decode: Decode, envelope: Envelope): Decoded {
  try {
    return decode(envelope);
  } catch (error) {
    const refusal = { code: 'INTERNAL', reason: describeError(error), at: '', records: 1 };
    return { blocks: [], refusals: [refusal] };
  }
}

/** What must be accounted for: values that are there, and refused records. */
export function countOffered(decoded: readonly Decoded[]): number {
  let count = 0;
  for (const { blocks, refusals } of decoded) {
    for (const block of blocks) count += offeredValues(block);
    for (const refusal of refusals) count += refusal.records;
  }
  return count;
}

/** A seal's messages read back from disk; `missing` of them cannot be read any more. */
export async function readContent(
  reader: JournalReader,
  decode: Decode,
  seal: Seal,
): Promise<{ content: SealContent; missing: number }> {
  const framed: Uint8Array[] = [];
  const decoded: Decoded[] = [];
  let missing = 0;
  for (const bytes of await reader.at(seal.positions)) {
    const envelope = bytes === undefined ? undefined : envelopeOf(bytes);
    if (bytes === undefined || envelope === undefined) missing += 1;
    else {
      framed.push(bytes);
      decoded.push(decodeSafely(decode, envelope));
    }
  }
  return { content: { framed, decoded }, missing };
}

/** The batch of part `part` (0 when the seal is not parted). */
export async function buildBatch(
  seal: Seal,
  part: number,
  content: SealContent,
): Promise<SealedBatch> {
  const shown = seal.partValues === 0 ? content : partOf(seal, part, content);
  const bytes = shown.framed.length === 1 ? shown.framed[0] : Buffer.concat(shown.framed);
  const framed = bytes as Uint8Array;
  const blocks: (ReadingBlock & { message: number })[] = [];
  const refusals: Refusal[] = [];
  for (const [message, decoded] of shown.decoded.entries()) {
    for (const block of decoded.blocks) blocks.push({ ...block, message });
    for (const refusal of decoded.refusals) refusals.push({ ...refusal, message });
  }
  return {
    uid: seal.uids[part] as string,
    origin: seal.origin,
    receivedMs: seal.receivedMs,
    blocks,
    refusals,
    messages: shown.framed.length,
    offered: countOffered(shown.decoded),
    raw: (await deflate(framed, { level: 1 })).toString('base64'),
    rawHash: createHash('sha256').update(framed).digest('hex'),
  };
}

function partOf(seal: Seal, part: number, content: SealContent): SealContent {
  const framed = content.framed[0];
  const decoded = content.decoded[0];
  const envelope =
    framed && envelopeOf(Buffer.from(framed.buffer, framed.byteOffset, framed.length));
  if (framed === undefined || decoded === undefined || envelope === undefined) return content;
  const fromValue = part * seal.partValues;
  const last = part === seal.uids.length - 1;
  const total = countValues(decoded.blocks);
  const toValue = last ? total : fromValue + seal.partValues;
  const reference = {
    partOf: seal.uids[0] as string,
    part,
    parts: seal.uids.length,
    fromValue,
    toValue,
  };
  return {
    framed: [part === 0 ? framed : encodePart(envelope, reference)],
    decoded: [
      {
        blocks: cutBlocks(decoded.blocks, fromValue, toValue),
        refusals: part === 0 ? decoded.refusals : [],
      },
    ],
  };
}
