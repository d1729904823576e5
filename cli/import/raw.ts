/** From a stored reading back to the bytes it came in: the record alone, as it was sent. */
import { rawOf } from '../../db/batches.ts';
import { batchIdOf } from '../../db/imports.ts';
import type { Queryable } from '../../db/pool.ts';
import { type Envelope, HOUR_MS, LIMITS, type ReadingBlock } from '../../domain/index.ts';
import { PART_CONTENT_TYPE, type PartReference } from '../../gateway/journal/parts.ts';
import { decode } from '../../gateway/payload/decode.ts';
import { type ByteRange, elementRange } from './json-place.ts';
import { lineRangesOf, parsePlace } from './locator.ts';

export interface WantedReading {
  readonly serial: string;
  readonly channelCode: string;
  /** Start of the interval, or the instant of the register read. Epoch ms. */
  readonly startMs: number;
}

export interface RawRecord {
  readonly source: Envelope['source'];
  readonly peer: string;
  readonly locator: string;
  readonly contentType: string;
  readonly receivedMs: number;
  /** Where in the message: 'line 7', 'readings/3'. */
  readonly at: string;
  /** The record as it came: the lines of a file, the JSON of one record, else bytes in hex. */
  readonly excerpt: string;
  /** Bytes of `excerpt` in the message. */
  readonly from: number;
  /** Exclusive. */
  readonly to: number;
  /** The line that gives a file's values their meaning: a 200 record, a header. */
  readonly context?: string;
}

/**
 * The record a reading of this batch came in. Undefined when the batch has no bytes (an estimate,
 * an edit), when they have aged out, or when no record of it names the reading.
 */
export async function findRaw(
  db: Queryable,
  batchId: number,
  wanted: WantedReading,
): Promise<RawRecord | undefined> {
  let found: { envelope: Envelope; block: ReadingBlock; index: number } | undefined;
  for (const envelope of await messagesOf(db, batchId)) {
    for (const block of decode(envelope).blocks) {
      const index = indexIn(block, wanted);
      if (index === undefined) continue;
      // Of several the newest version of the source was stored, else the last.
      const newest = found?.block.versionMs ?? Number.NEGATIVE_INFINITY;
      if (found === undefined || (block.versionMs ?? newest) >= newest) {
        found = { envelope, block, index };
      }
    }
  }
  return found && recordOf(found.envelope, found.block, found.index);
}

/** A later part of a large message only names the batch that has its bytes. */
async function messagesOf(db: Queryable, batchId: number): Promise<Envelope[]> {
  const messages: Envelope[] = [];
  for (const envelope of await rawOf(db, batchId)) {
    if (envelope.contentType !== PART_CONTENT_TYPE) {
      messages.push(envelope);
      continue;
    }
    const { partOf } = JSON.parse(textOf(envelope.raw)) as PartReference;
    const whole = await batchIdOf(db, partOf);
    if (whole !== undefined) messages.push(...(await rawOf(db, whole)));
  }
  return messages;
}

/** Starts were snapped to the grid on arrival, and local days are not all 24 hours long. */
function indexIn(block: ReadingBlock, wanted: WantedReading): number | undefined {
  if (block.meter !== wanted.serial || block.channel !== wanted.channelCode) return undefined;
  const stepMs = block.intervalS * 1_000;
  const index = stepMs === 0 ? 0 : Math.round((wanted.startMs - block.startMs) / stepMs);
  const value = block.values[index];
  if (index < 0 || value === undefined || value === null) return undefined;
  const offMs = Math.abs(block.startMs + index * stepMs - wanted.startMs);
  const isDay = stepMs >= 22 * HOUR_MS && stepMs <= 26 * HOUR_MS;
  return offMs <= (isDay ? 2 * HOUR_MS : LIMITS.snapToGridMs) ? index : undefined;
}

function recordOf(envelope: Envelope, block: ReadingBlock, index: number): RawRecord {
  const { source, peer, locator, contentType, receivedMs } = envelope;
  const raw = bufferOf(envelope.raw);
  const at = block.at ?? '';
  const header = { source, peer, locator, contentType, receivedMs, at };
  if (source === 'file') return { ...header, ...linesIn(raw, envelope, at, index) };
  const range = jsonRange(raw, contentType, at);
  if (range !== undefined) return { ...header, ...cut(raw, range) };
  return { ...header, excerpt: raw.toString('hex'), from: 0, to: raw.length };
}

function jsonRange(raw: Buffer, contentType: string, at: string): ByteRange | undefined {
  const line = /^line (\d+)$/.exec(at);
  if (line !== null && contentType === 'application/x-ndjson') {
    return lineOffsets(raw)[Number(line[1]) - 1];
  }
  const element = /^(\w+)\/(\d+)$/.exec(at);
  if (element === null) return undefined;
  return elementRange(raw, element[1] as string, Number(element[2]));
}

/** The lines of the block; of a series, whose rows are a value each, the row of the value. */
function linesIn(raw: Buffer, envelope: Envelope, at: string, index: number) {
  const offsets = lineOffsets(raw);
  const ranges = lineRangesOf(envelope.locator) ?? [];
  const numbers = ranges.flatMap(({ from, to }) =>
    Array.from({ length: to - from + 1 }, (_, i) => from + i),
  );
  const byNumber = new Map(numbers.map((number, i) => [number, offsets[i] as ByteRange]));
  const place = parsePlace(at);
  const context = contextLine(raw, envelope, numbers, byNumber, place.from);
  if (!envelope.contentType.endsWith('series')) {
    let last = place.to;
    const refines = (range: ByteRange | undefined) =>
      range !== undefined && /^\s*(?:400\s*,|$)/.test(raw.toString('latin1', range.from, range.to));
    while (refines(byNumber.get(last + 1))) last += 1;
    return { ...cut(raw, spanOf(byNumber, place.from, last)), ...context };
  }
  const rows = numbers.filter(
    (n) => n >= place.from && n <= place.to && !isBlank(raw, byNumber.get(n)),
  );
  const row = rows[index] ?? place.from;
  return { ...cut(raw, spanOf(byNumber, row, row)), ...context };
}

/** The nearest line above that opens a stream, or the header. */
function contextLine(
  raw: Buffer,
  envelope: Envelope,
  numbers: readonly number[],
  byNumber: ReadonlyMap<number, ByteRange>,
  before: number,
): { context?: string } {
  const isSeries = envelope.contentType.endsWith('series');
  const above = numbers.filter((number) => number < before);
  const opens = (number: number) => {
    const range = byNumber.get(number) as ByteRange;
    return /^\s*200\s*,/.test(raw.toString('latin1', range.from, range.to));
  };
  const number = isSeries ? above[0] : above.findLast(opens);
  const range = number === undefined ? undefined : byNumber.get(number);
  return range === undefined ? {} : { context: cut(raw, range).excerpt };
}

function spanOf(byNumber: ReadonlyMap<number, ByteRange>, from: number, to: number): ByteRange {
  const [first, last] = [byNumber.get(from), byNumber.get(to)];
  return { from: first?.from ?? 0, to: last?.to ?? first?.to ?? 0 };
}

function isBlank(raw: Buffer, range: ByteRange | undefined): boolean {
  return range === undefined || cut(raw, range).excerpt.trim() === '';
}

/** Lines without their ends. */
function lineOffsets(raw: Buffer): ByteRange[] {
  const ranges: ByteRange[] = [];
  for (let from = 0; from < raw.length; ) {
    const newline = raw.indexOf(0x0a, from);
    const end = newline === -1 ? raw.length : newline;
    ranges.push({ from, to: raw[end - 1] === 0x0d && end > from ? end - 1 : end });
    from = end + 1;
  }
  return ranges;
}

function cut(raw: Buffer, { from, to }: ByteRange): ByteRange & { excerpt: string } {
  return { excerpt: raw.toString('utf8', from, to), from, to };
}

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function textOf(bytes: Uint8Array): string {
  return bufferOf(bytes).toString('utf8');
}
