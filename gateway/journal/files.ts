/** The file system as the journal uses it. Every durability claim rests on these few calls. */
import { constants, type FileHandle, mkdir, open, readdir, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { lockDirectory } from './lock.ts';

export interface JournalFile {
  /** Bytes really written: a full disk writes fewer without an error (threats.md finding 6). */
  write(bytes: Uint8Array, position: number): Promise<number>;
  /** Bytes really read: fewer at the end of the file. */
  read(into: Uint8Array, position: number): Promise<number>;
  truncate(size: number): Promise<void>;
  /** fdatasync. */
  datasync(): Promise<void>;
  size(): Promise<number>;
  close(): Promise<void>;
}

export interface FilePort {
  /** Creates it and its parents, durably. */
  makeDirectory(directory: string): Promise<void>;
  list(directory: string): Promise<string[]>;
  /** Fails when the file exists. */
  create(directory: string, name: string): Promise<JournalFile>;
  /** For reading and truncating. */
  open(directory: string, name: string): Promise<JournalFile>;
  remove(directory: string, name: string): Promise<void>;
  /** fsync of the directory: creations and removals are durable after it. */
  syncDirectory(directory: string): Promise<void>;
  /** One process a directory; throws JOURNAL_LOCKED. Resolves to the release. */
  lock(directory: string): Promise<() => Promise<void>>;
}

export const nodeFiles: FilePort = {
  async makeDirectory(directory) {
    const first = await mkdir(directory, { recursive: true });
    if (first !== undefined) await syncDirectory(join(first, '..'));
  },
  list: (directory) => readdir(directory),
  async create(directory, name) {
    return nodeFile(await open(join(directory, name), 'wx', 0o600));
  },
  async open(directory, name) {
    return nodeFile(await open(join(directory, name), 'r+'));
  },
  remove: (directory, name) => unlink(join(directory, name)),
  syncDirectory,
  lock: lockDirectory,
};

async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function nodeFile(handle: FileHandle): JournalFile {
  return {
    async write(bytes, position) {
      return (await handle.write(bytes, 0, bytes.length, position)).bytesWritten;
    },
    async read(into, position) {
      let total = 0;
      while (total < into.length) {
        const { bytesRead } = await handle.read(into, total, into.length - total, position + total);
        if (bytesRead === 0) break;
        total += bytesRead;
      }
      return total;
    },
    truncate: (size) => handle.truncate(size),
    datasync: () => handle.datasync(),
    async size() {
      return (await handle.stat()).size;
    },
    close: () => handle.close(),
  };
}

/** No room just now: nothing is written, the sender tries again. Any other error is final. */
const NO_ROOM = new Set(['ENOSPC', 'EDQUOT', 'EFBIG', 'EMFILE', 'ENFILE', 'ENOMEM']);

export function isNoRoom(error: unknown): boolean {
  return NO_ROOM.has(String((error as NodeJS.ErrnoException | undefined)?.code));
}
