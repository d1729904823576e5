/** The lines of a plain or packed file as they stand in it, byte for byte, for keeping. */
import { plainBytes } from '../../ingest/formats/gunzip.ts';

export interface RawLine {
  /** From 1, blank lines counted, as in the blocks of ingest/formats. */
  readonly number: number;
  /** With its line end; the last line of a file may have none. */
  readonly bytes: Buffer;
}

const LF = 0x0a;

async function* rawLines(
  chunks: AsyncIterable<Uint8Array>,
  file: string,
): AsyncGenerator<RawLine[], void, undefined> {
  let number = 0;
  let carry: Buffer[] = [];
  for await (const chunk of plainBytes(chunks, file)) {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    const lines: RawLine[] = [];
    let at = 0;
    for (let end = bytes.indexOf(LF); end !== -1; end = bytes.indexOf(LF, at)) {
      carry.push(Buffer.from(bytes.subarray(at, end + 1)));
      number += 1;
      lines.push({ number, bytes: carry.length === 1 ? (carry[0] as Buffer) : join(carry) });
      carry = [];
      at = end + 1;
    }
    if (at < bytes.length) carry.push(Buffer.from(bytes.subarray(at)));
    if (lines.length > 0) yield lines;
  }
  if (carry.length > 0) yield [{ number: number + 1, bytes: join(carry) }];
}

function join(parts: readonly Buffer[]): Buffer {
  return Buffer.concat(parts);
}

/** Walks forward through a file's lines; a file too large for memory is no matter. */
export class LineCursor {
  readonly #runs: AsyncGenerator<RawLine[], void, undefined>;
  #run: readonly RawLine[] = [];
  #at = 0;

  constructor(chunks: AsyncIterable<Uint8Array>, file: string) {
    this.#runs = rawLines(chunks, file);
  }

  /** The next line, not yet taken; undefined at the end. */
  async peek(): Promise<RawLine | undefined> {
    while (this.#at >= this.#run.length) {
      const next = await this.#runs.next();
      if (next.done === true) return undefined;
      this.#run = next.value;
      this.#at = 0;
    }
    return this.#run[this.#at];
  }

  async take(): Promise<RawLine | undefined> {
    const line = await this.peek();
    this.#at += 1;
    return line;
  }

  async close(): Promise<void> {
    await this.#runs.return();
  }
}
