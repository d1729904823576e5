/**
 * A file is read several times (checked, surveyed, stored), and somebody may still be writing it.
 * So the import works on a copy of its own: what was checked is what is stored.
 */
import { constants, createReadStream } from 'node:fs';
import { copyFile, mkdir, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type RandomBytes, uuidV7 } from '../../domain/index.ts';
import { reiterable } from '../../ingest/formats/reading.ts';

export interface Spooled {
  /** Readable from the beginning as often as wanted; `onBytes` is told how far a reading is. */
  chunks(onBytes?: (done: number) => void): AsyncIterable<Uint8Array>;
  readonly bytes: number;
  remove(): Promise<void>;
}

export class Spool {
  readonly #directory: string;
  readonly #random: RandomBytes;

  constructor(directory: string, random: RandomBytes) {
    this.#directory = directory;
    this.#random = random;
  }

  /** Call it under the import's lock: removes what a killed import left. */
  async open(): Promise<void> {
    await mkdir(this.#directory, { recursive: true, mode: 0o700 });
    for (const name of await readdir(this.#directory)) {
      await rm(join(this.#directory, name), { force: true });
    }
  }

  /** Throws what the file system says: ENOENT, EACCES, EISDIR, ENOSPC. */
  async copy(path: string, nowMs: number): Promise<Spooled> {
    const copy = join(this.#directory, uuidV7(nowMs, this.#random));
    try {
      await copyFile(path, copy, constants.COPYFILE_FICLONE);
      const { size } = await stat(copy);
      return {
        chunks: (onBytes) => reiterable(() => counted(createReadStream(copy), onBytes)),
        bytes: size,
        remove: () => rm(copy, { force: true }),
      };
    } catch (error) {
      await rm(copy, { force: true });
      throw error;
    }
  }
}

async function* counted(
  chunks: AsyncIterable<Uint8Array>,
  onBytes: (done: number) => void = () => {},
): AsyncGenerator<Uint8Array, void, undefined> {
  let done = 0;
  for await (const chunk of chunks) {
    done += chunk.length;
    onBytes(done);
    yield chunk;
  }
}
