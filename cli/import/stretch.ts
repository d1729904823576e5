/** Stretches of a file: some blocks, and exactly the lines they were read from. */
import type { Envelope, ReadingBlock } from '../../domain/index.ts';
import { LIMITS } from '../../domain/index.ts';
import { changedBetween } from '../../ingest/formats/reading.ts';
import { LineCursor, type RawLine } from './lines.ts';
import { encodeLocator, type LineRange, parsePlace } from './locator.ts';

export interface StretchFile {
  /** Base name: the peer of its envelopes and a part of their origin. */
  readonly name: string;
  /** What a person would look for. */
  readonly path: string;
  readonly format: string;
  readonly receivedMs: number;
}

/** Puts a block under the meter and channel it is stored as. */
export type Rename = (block: ReadingBlock, servicePoint: string | undefined) => ReadingBlock;

export const FILE_CONTENT_TYPE: Readonly<Record<string, string>> = {
  nem12: 'text/csv; format=nem12',
  series: 'text/csv; format=series',
};

/** NEM12: records that belong to the 300 before them. Blank lines may lie between. */
const REFINES = /^\s*(?:400\s*,|$)/;
const OPENS_STREAM = /^\s*200\s*,/;

/**
 * Envelopes of a file in order, each with whole blocks: at most LIMITS.batchReadingsMax readings
 * and LIMITS.messageBytesMax bytes, unless one block alone has more. The line that gives its
 * values their meaning (the 200 record, the header) is kept with every stretch.
 */
export async function* stretches(
  file: StretchFile,
  chunks: AsyncIterable<Uint8Array>,
  blocks: AsyncIterable<ReadingBlock>,
  rename: Rename,
): AsyncGenerator<Envelope, void, undefined> {
  const cursor = new LineCursor(chunks, file.name);
  const walk = new Walk(cursor, file);
  let open = new Stretch(file);
  try {
    for await (const block of blocks) {
      const lines = await walk.linesOf(block);
      if (open.isFullFor(block, lines)) {
        yield open.seal();
        open = new Stretch(file);
      }
      if (walk.context !== undefined) open.addContext(walk.context);
      open.add(rename(block, walk.servicePoint), lines);
    }
    if (open.blocks.length > 0) yield open.seal();
  } finally {
    await cursor.close();
  }
}

/** Finds the lines of each block in a file read a second time. */
class Walk {
  /** The latest line that says what the values below it are. */
  context: RawLine | undefined;
  readonly #cursor: LineCursor;
  readonly #file: StretchFile;

  constructor(cursor: LineCursor, file: StretchFile) {
    this.#cursor = cursor;
    this.#file = file;
  }

  /** NMI of the 200 record in force. */
  get servicePoint(): string | undefined {
    if (this.#file.format !== 'nem12' || this.context === undefined) return undefined;
    return headOf(this.context).split(',')[1]?.trim();
  }

  async linesOf(block: ReadingBlock): Promise<RawLine[]> {
    const { from, to } = parsePlace(block.at ?? '');
    const lines: RawLine[] = [];
    while (lines.at(-1)?.number !== to) {
      const line = await this.#cursor.take();
      if (line === undefined) throw changedBetween(this.#file.name);
      if (line.number >= from) lines.push(line);
      else this.#pass(line);
    }
    if (this.#file.format !== 'nem12') return lines;
    let kept = lines.length;
    for (;;) {
      const next = await this.#cursor.peek();
      if (next === undefined || !REFINES.test(headOf(next))) break;
      lines.push((await this.#cursor.take()) as RawLine);
      if (headOf(next).trim() !== '') kept = lines.length;
    }
    return lines.slice(0, kept);
  }

  #pass(line: RawLine): void {
    const head = headOf(line);
    const matters = this.#file.format === 'nem12' ? OPENS_STREAM.test(head) : head.trim() !== '';
    if (matters) this.context = line;
  }
}

function headOf(line: RawLine): string {
  return line.bytes.toString('latin1', 0, 64);
}

class Stretch {
  readonly blocks: ReadingBlock[] = [];
  readonly #file: StretchFile;
  readonly #lines: Buffer[] = [];
  readonly #ranges: { from: number; to: number }[] = [];
  #context: number | undefined;
  #bytes = 0;
  #values = 0;

  constructor(file: StretchFile) {
    this.#file = file;
  }

  isFullFor(block: ReadingBlock, lines: readonly RawLine[]): boolean {
    if (this.blocks.length === 0) return false;
    const bytes = lines.reduce((sum, line) => sum + line.bytes.length, 0);
    const values = this.#values + block.values.length;
    return values > LIMITS.batchReadingsMax || this.#bytes + bytes > LIMITS.messageBytesMax;
  }

  addContext(line: RawLine): void {
    if (this.#context === line.number) return;
    this.#context = line.number;
    this.#keep(line);
  }

  add(block: ReadingBlock, lines: readonly RawLine[]): void {
    for (const line of lines) this.#keep(line);
    this.blocks.push(block);
    this.#values += block.values.length;
  }

  seal(): Envelope {
    const { name, path, format, receivedMs } = this.#file;
    return {
      source: 'file',
      peer: name,
      receivedMs,
      contentType: FILE_CONTENT_TYPE[format] ?? 'application/octet-stream',
      locator: encodeLocator(path, this.#ranges as readonly LineRange[]),
      raw: Buffer.concat(this.#lines),
      blocks: this.blocks,
    };
  }

  #keep({ number, bytes }: RawLine): void {
    this.#lines.push(bytes);
    this.#bytes += bytes.length;
    const last = this.#ranges.at(-1);
    if (last?.to === number - 1) last.to = number;
    else this.#ranges.push({ from: number, to: number });
  }
}
