import { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { describeError, Fault, isFault, LIMITS } from '../../domain/index.ts';

/**
 * The bytes of a file, unpacked when they begin with the gzip magic (RFC 1952, 2.3.1), whatever
 * the file is called. Throws FILE_FORMAT for a damaged archive, for more than
 * LIMITS.importFileBytesMax bytes and for an archive that unpacks to absurdly much.
 */
export async function* plainBytes(
  chunks: AsyncIterable<Uint8Array>,
  file: string,
): AsyncGenerator<Uint8Array, void, undefined> {
  const iterator = chunks[Symbol.asyncIterator]();
  try {
    const head = await takeHead(iterator);
    const packed = head[0] === 0x1f && head[1] === 0x8b;
    const rest = remainder(head, iterator);
    yield* packed ? gunzip(rest, file) : bounded(rest, file);
  } finally {
    await iterator.return?.();
  }
}

/** At least two bytes, so that the magic can be seen; fewer only when the file is shorter. */
async function takeHead(iterator: AsyncIterator<Uint8Array>): Promise<Uint8Array> {
  let head: Uint8Array = new Uint8Array(0);
  while (head.length < 2) {
    const next = await iterator.next();
    if (next.done === true) break;
    head = head.length === 0 ? next.value : Buffer.concat([head, next.value]);
  }
  return head;
}

async function* remainder(
  head: Uint8Array,
  iterator: AsyncIterator<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  if (head.length > 0) yield head;
  for (;;) {
    const next = await iterator.next();
    if (next.done === true) return;
    yield next.value;
  }
}

async function* bounded(
  chunks: AsyncIterable<Uint8Array>,
  file: string,
): AsyncGenerator<Uint8Array, void, undefined> {
  let bytes = 0;
  for await (const chunk of chunks) {
    bytes += chunk.length;
    checkSize(bytes, file);
    yield chunk;
  }
}

async function* gunzip(
  chunks: AsyncIterable<Uint8Array>,
  file: string,
): AsyncGenerator<Uint8Array, void, undefined> {
  const tally = { packed: 0, plain: 0 };
  const source = Readable.from(counted(chunks, tally));
  const unpacker = createGunzip();
  source.on('error', (error) => unpacker.destroy(error));
  source.pipe(unpacker);
  try {
    for await (const chunk of unpacker as AsyncIterable<Uint8Array>) {
      tally.plain += chunk.length;
      checkSize(tally.plain, file);
      checkRatio(tally, file);
      yield chunk;
    }
  } catch (error) {
    if (isFault(error) || !isZlibError(error)) throw error;
    const detail = `gzip archive is damaged: ${describeError(error)}`;
    throw new Fault('FILE_FORMAT', { file, detail }, error);
  } finally {
    source.destroy();
    unpacker.destroy();
  }
}

async function* counted(
  chunks: AsyncIterable<Uint8Array>,
  tally: { packed: number },
): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const chunk of chunks) {
    tally.packed += chunk.length;
    yield chunk;
  }
}

function checkSize(bytes: number, file: string): void {
  if (bytes <= LIMITS.importFileBytesMax) return;
  const detail = `file is larger than ${LIMITS.importFileBytesMax} bytes`;
  throw new Fault('FILE_FORMAT', { file, detail });
}

function checkRatio(tally: { packed: number; plain: number }, file: string): void {
  if (tally.plain <= LIMITS.importGzipGraceBytes) return;
  if (tally.plain <= tally.packed * LIMITS.importGzipRatioMax) return;
  const detail = `gzip archive unpacks to more than ${LIMITS.importGzipRatioMax} times its size`;
  throw new Fault('FILE_FORMAT', { file, detail });
}

function isZlibError(error: unknown): boolean {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' && code.startsWith('Z_');
}
