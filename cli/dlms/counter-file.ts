/**
 * Invocation counters of a bench, in a file beside the key file: written, synced and renamed before
 * a number is used. For one process at a time; the gateway keeps its counters elsewhere.
 */
import { open, readFile, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Fault } from '../../domain/index.ts';
import { COUNTER_SPENT, type CounterStore } from '../../gateway/drivers/dlms/counters.ts';
import { NO_COUNTER } from '../../gateway/protocols/dlms/security/counters.ts';

interface Entry {
  next: number;
  accepted: number;
}

export async function fileCounterStore(path: string): Promise<CounterStore> {
  const entries = await load(path);
  const entry = (key: string): Entry => {
    const known = entries.get(key) ?? { next: 0, accepted: NO_COUNTER };
    entries.set(key, known);
    return known;
  };
  return {
    async reserve(key, count, atLeast) {
      const own = entry(key);
      const first = Math.max(own.next, atLeast);
      if (first + count - 1 > COUNTER_SPENT) throw new Fault('DLMS_COUNTER_SPENT');
      own.next = first + count;
      await save(path, entries);
      return first;
    },
    async lastAccepted(key) {
      return entries.get(key)?.accepted ?? NO_COUNTER;
    },
    async accepted(key, counter) {
      const own = entry(key);
      if (counter <= own.accepted) return;
      own.accepted = counter;
      await save(path, entries);
    },
  };
}

/** A file that is there and cannot be read must not look like one that is not there. */
async function load(path: string): Promise<Map<string, Entry>> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return new Map();
    throw error;
  }
  try {
    const entries = Object.entries(JSON.parse(text) as Record<string, Entry>);
    for (const [, { next, accepted }] of entries) {
      if (!Number.isSafeInteger(next) || !Number.isSafeInteger(accepted)) throw new TypeError();
    }
    return new Map(entries);
  } catch {
    throw new Fault('BAD_REQUEST', {
      detail: `${path} is damaged; without its counters the key must not be used`,
    });
  }
}

async function save(path: string, entries: ReadonlyMap<string, Entry>): Promise<void> {
  const temporary = `${path}.new`;
  const file = await open(temporary, 'w', 0o600);
  try {
    await file.writeFile(JSON.stringify(Object.fromEntries(entries)));
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(temporary, path);
  const directory = await open(dirname(path), 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
