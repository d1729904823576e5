/**
 * A small local file of what was about to be sent, one JSON line each, synced before the bytes
 * leave. When the database is set back to before a sending, this process still knows of it.
 */
import { type FileHandle, open, readFile, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Fault, LIMITS } from '../../domain/index.ts';
import type { AttemptLog, AttemptRecord } from './ports.ts';

export interface AttemptFile extends AttemptLog {
  close(): Promise<void>;
}

/** Full files are kept once more under `.1`; both are remembered. */
export async function openAttemptFile(
  path: string,
  bytesMax: number = LIMITS.commandAttemptsFileBytesMax,
): Promise<AttemptFile> {
  const seen = new Set([...(await idsIn(`${path}.1`)), ...(await idsIn(path))]);
  let handle = await openEnd(path);
  let size = (await handle.stat()).size;
  let turn: Promise<void> = Promise.resolve();
  let broken = false;

  async function write(record: AttemptRecord): Promise<void> {
    if (broken) throw new Fault('JOURNAL_FAILED', { detail: 'attempt record' });
    // A leading line end closes a line that a crash may have torn.
    const line = Buffer.from(`\n${JSON.stringify(record)}\n`, 'utf8');
    try {
      const { bytesWritten } = await handle.write(line);
      if (bytesWritten !== line.length) throw new Error(`${bytesWritten} of ${line.length} bytes`);
      await handle.datasync();
    } catch (error) {
      // After a failed sync nothing about this file is known any more (threats.md, finding 5).
      broken = true;
      throw new Fault('JOURNAL_FAILED', { detail: 'attempt record' }, error);
    }
    seen.add(record.commandId);
    size += line.length;
    if (size >= bytesMax) await turnOver();
  }

  async function turnOver(): Promise<void> {
    await handle.close();
    await rm(`${path}.1`, { force: true });
    await rename(path, `${path}.1`);
    handle = await openEnd(path);
    size = 0;
    seen.clear();
    for (const id of await idsIn(`${path}.1`)) seen.add(id);
  }

  return {
    append(record) {
      const mine = turn.then(() => write(record));
      turn = mine.catch(() => {});
      return mine;
    },
    seen: (commandId) => seen.has(commandId),
    async close() {
      await turn;
      await handle.close();
    },
  };
}

async function openEnd(path: string): Promise<FileHandle> {
  const handle = await open(path, 'a', 0o600);
  const directory = await open(dirname(path), 'r');
  await directory.sync();
  await directory.close();
  return handle;
}

async function idsIn(path: string): Promise<string[]> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if ((error as { code?: string }).code === 'ENOENT') return [];
    throw error;
  }
  return [...text.matchAll(/"commandId":"([0-9a-f-]{36})"/g)].map((match) => match[1] as string);
}
