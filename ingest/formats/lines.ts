import { Fault, LIMITS } from '../../domain/index.ts';
import { plainBytes } from './gunzip.ts';

/** Some consecutive lines; the first has the 1-based number `first`. */
export interface LineRun {
  readonly first: number;
  readonly lines: readonly string[];
}

const LF = 0x0a;
const CR = 0x0d;

/**
 * Lines of a plain or gzipped file, without line ends (LF or CRLF) and without a byte order mark.
 * The same lines whatever the chunks. Throws FILE_LINE for a line beyond the bound or UTF-16, and
 * what plainBytes throws.
 */
export async function* lineRuns(
  chunks: AsyncIterable<Uint8Array>,
  file: string,
): AsyncGenerator<LineRun, void, undefined> {
  const splitter = new LineSplitter(file);
  for await (const chunk of plainBytes(chunks, file)) {
    const run = splitter.push(chunk);
    if (run.lines.length > 0) yield run;
  }
  const run = splitter.finish();
  if (run.lines.length > 0) yield run;
}

class LineSplitter {
  readonly #file: string;
  #next = 1;
  #carry: Buffer[] = [];
  #carryBytes = 0;

  constructor(file: string) {
    this.#file = file;
  }

  push(chunk: Uint8Array): LineRun {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    const first = this.#next;
    const lines: string[] = [];
    let at = 0;
    for (;;) {
      const end = bytes.indexOf(LF, at);
      if (end === -1) break;
      lines.push(this.#line(bytes.subarray(at, end)));
      at = end + 1;
    }
    this.#keep(bytes.subarray(at));
    return { first, lines };
  }

  finish(): LineRun {
    const first = this.#next;
    return this.#carryBytes === 0
      ? { first, lines: [] }
      : { first, lines: [this.#line(Buffer.alloc(0))] };
  }

  #keep(rest: Buffer): void {
    if (rest.length === 0) return;
    this.#check(this.#carryBytes + rest.length);
    // A copy: the producer of the chunk may reuse its memory.
    this.#carry.push(Buffer.from(rest));
    this.#carryBytes += rest.length;
  }

  #line(tail: Buffer): string {
    this.#check(this.#carryBytes + tail.length);
    let whole = this.#carryBytes === 0 ? tail : Buffer.concat([...this.#carry, tail]);
    this.#carry = [];
    this.#carryBytes = 0;
    if (whole.length > 0 && whole[whole.length - 1] === CR) whole = whole.subarray(0, -1);
    const text = whole.toString('utf8');
    const line = this.#next;
    this.#next += 1;
    return line === 1 ? this.#firstLine(whole, text) : text;
  }

  #firstLine(bytes: Buffer, text: string): string {
    const [a, b] = bytes;
    if ((a === 0xff && b === 0xfe) || (a === 0xfe && b === 0xff)) {
      throw new Fault('FILE_LINE', { file: this.#file, line: 1, detail: 'UTF-16 text; use UTF-8' });
    }
    return text.startsWith('\ufeff') ? text.slice(1) : text;
  }

  #check(bytes: number): void {
    if (bytes <= LIMITS.importLineCharsMax) return;
    const detail = `line is longer than ${LIMITS.importLineCharsMax} bytes`;
    throw new Fault('FILE_LINE', { file: this.#file, line: this.#next, detail });
  }
}
