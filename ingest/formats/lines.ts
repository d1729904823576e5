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
    if (splitter.fault !== undefined) throw splitter.fault;
  }
  const run = splitter.finish();
  if (run.lines.length > 0) yield run;
  if (splitter.fault !== undefined) throw splitter.fault;
}

class LineSplitter {
  /** Thrown only after the lines before it were given, so that cutting makes no difference. */
  fault: Fault | undefined;
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
    while (this.fault === undefined) {
      const end = bytes.indexOf(LF, at);
      if (end === -1) break;
      this.#end(bytes.subarray(at, end), lines);
      at = end + 1;
    }
    if (this.fault === undefined) this.#keep(bytes.subarray(at));
    return { first, lines };
  }

  finish(): LineRun {
    const first = this.#next;
    const lines: string[] = [];
    if (this.#carryBytes > 0) this.#end(Buffer.alloc(0), lines);
    return { first, lines };
  }

  #keep(rest: Buffer): void {
    if (rest.length === 0 || this.#tooLong(this.#carryBytes + rest.length)) return;
    // A copy: the producer of the chunk may reuse its memory.
    this.#carry.push(Buffer.from(rest));
    this.#carryBytes += rest.length;
  }

  /** The line that ends with `tail`, unless it is a fault. */
  #end(tail: Buffer, lines: string[]): void {
    let whole = this.#carryBytes === 0 ? tail : Buffer.concat([...this.#carry, tail]);
    this.#carry = [];
    this.#carryBytes = 0;
    if (whole.length > 0 && whole[whole.length - 1] === CR) whole = whole.subarray(0, -1);
    if (this.#tooLong(whole.length) || (this.#next === 1 && this.#isUtf16(whole))) return;
    const text = whole.toString('utf8');
    lines.push(this.#next === 1 && text.startsWith('\ufeff') ? text.slice(1) : text);
    this.#next += 1;
  }

  #isUtf16([a, b]: Buffer): boolean {
    const marked = (a === 0xff && b === 0xfe) || (a === 0xfe && b === 0xff);
    if (marked) this.#fail('UTF-16 text; use UTF-8');
    return marked;
  }

  #tooLong(bytes: number): boolean {
    // One more than the line itself: its CR may be there without its LF.
    const long = bytes > LIMITS.importLineCharsMax + 1;
    if (long) this.#fail(`line is longer than ${LIMITS.importLineCharsMax} bytes`);
    return long;
  }

  #fail(detail: string): void {
    this.fault = new Fault('FILE_LINE', { file: this.#file, line: this.#next, detail });
  }
}
