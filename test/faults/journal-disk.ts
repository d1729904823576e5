/**
 * A disk in memory that remembers what was synced and what was not, and can show every state a
 * power loss may legally leave: all synced bytes, and of the unsynced any subset, prefix or
 * 512-byte tear, with zeros or garbage in the holes; entries missing when their directory was not
 * synced (threats.md section 6, A).
 */
import { Fault } from '../../domain/index.ts';
import type { FilePort, JournalFile } from '../../gateway/journal/files.ts';

/** Seeded and repeatable: [0, 1). */
export type Chance = () => number;

export function seededChance(seed: number): Chance {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export function pick(chance: Chance, below: number): number {
  return Math.floor(chance() * below);
}

type Operation =
  | { readonly kind: 'write'; readonly at: number; readonly bytes: Buffer }
  | { readonly kind: 'truncate'; readonly size: number };

class Content {
  bytes: Buffer = Buffer.alloc(0);
  /** What the last sync covers. */
  synced: Buffer = Buffer.alloc(0);
  unsynced: Operation[] = [];

  apply(operation: Operation): void {
    this.bytes = applied(this.bytes, operation);
    this.unsynced.push(operation);
  }

  sync(): void {
    this.synced = this.bytes;
    this.unsynced = [];
  }
}

/** Never changes its input: images share it. */
function applied(bytes: Buffer, operation: Operation): Buffer {
  if (operation.kind === 'truncate') return bytes.subarray(0, operation.size);
  const end = operation.at + operation.bytes.length;
  const next = Buffer.alloc(Math.max(bytes.length, end));
  next.set(bytes);
  next.set(operation.bytes, operation.at);
  return next;
}

const SECTOR_BYTES = 512;

export class SimulatedDisk implements FilePort {
  syncs = 0;
  steps = 0;
  /** Called before and after each step that changes something; may throw or never resolve. */
  onStep: (what: string) => Promise<void> | void = () => undefined;
  /** The next write stores only this many bytes and reports no error, like a full disk. */
  shortWrites: number[] = [];
  private entries = new Map<string, Content>();
  private durable = new Map<string, Content>();
  private locked = false;

  async makeDirectory(): Promise<void> {}

  async list(): Promise<string[]> {
    return [...this.entries.keys()];
  }

  async create(_directory: string, name: string): Promise<JournalFile> {
    if (this.entries.has(name)) throw new Error(`EEXIST ${name}`);
    const content = new Content();
    await this.step(`create ${name}`, () => this.entries.set(name, content));
    return this.file(name, content);
  }

  async open(_directory: string, name: string): Promise<JournalFile> {
    const content = this.entries.get(name);
    if (content === undefined) throw new Error(`ENOENT ${name}`);
    return this.file(name, content);
  }

  async remove(_directory: string, name: string): Promise<void> {
    await this.step(`remove ${name}`, () => this.entries.delete(name));
  }

  async syncDirectory(): Promise<void> {
    await this.step('sync directory', () => {
      this.durable = new Map(this.entries);
    });
  }

  async lock(directory: string): Promise<() => Promise<void>> {
    if (this.locked) throw new Fault('JOURNAL_LOCKED', { directory, owner: 'this test' });
    this.locked = true;
    return async () => {
      this.locked = false;
    };
  }

  names(): string[] {
    return [...this.entries.keys()].sort();
  }

  /** Damages a stored byte. */
  flip(name: string, at: number): void {
    const content = this.entries.get(name) as Content;
    const bytes = Buffer.from(content.bytes);
    bytes[at] = (bytes[at] as number) ^ 0x55;
    content.bytes = bytes;
    content.sync();
  }

  size(name: string): number {
    return this.entries.get(name)?.bytes.length ?? 0;
  }

  /** One legal state after a power loss now; kill -9 alone would leave everything written. */
  image(chance: Chance, kill = false): SimulatedDisk {
    const disk = new SimulatedDisk();
    for (const name of new Set([...this.entries.keys(), ...this.durable.keys()])) {
      const now = this.entries.get(name);
      const before = this.durable.get(name);
      const content = kill || (now !== undefined && before !== undefined) ? now : (now ?? before);
      if (content === undefined) continue;
      if (!kill && now !== before && chance() < 0.5) continue;
      const survived = new Content();
      survived.bytes = kill ? content.bytes : survivors(content, chance);
      survived.sync();
      disk.entries.set(name, survived);
      disk.durable.set(name, survived);
    }
    return disk;
  }

  private file(name: string, content: Content): JournalFile {
    return {
      write: async (bytes, at) => {
        const short = this.shortWrites.shift() ?? bytes.length;
        const stored = Buffer.from(bytes.subarray(0, short));
        await this.step(`write ${name}`, () => content.apply({ kind: 'write', at, bytes: stored }));
        return stored.length;
      },
      read: async (into, at) => {
        const found = content.bytes.subarray(at, at + into.length);
        into.set(found);
        return found.length;
      },
      truncate: (size) =>
        this.step(`truncate ${name}`, () => content.apply({ kind: 'truncate', size })),
      datasync: () => {
        this.syncs += 1;
        return this.step(`datasync ${name}`, () => content.sync());
      },
      size: async () => content.bytes.length,
      close: async () => undefined,
    };
  }

  private async step(what: string, change: () => void): Promise<void> {
    this.steps += 1;
    await this.onStep(what);
    change();
    await this.onStep(`${what} done`);
  }
}

function survivors(content: Content, chance: Chance): Buffer {
  let bytes: Buffer = content.synced;
  for (const operation of content.unsynced) {
    if (operation.kind === 'truncate') {
      if (chance() < 0.5) bytes = applied(bytes, operation);
      continue;
    }
    bytes = survivingWrite(bytes, operation.at, operation.bytes, chance);
  }
  return bytes;
}

function survivingWrite(before: Buffer, at: number, bytes: Buffer, chance: Chance): Buffer {
  const write = (part: Buffer) => applied(before, { kind: 'write', at, bytes: part });
  const mode = pick(chance, 5);
  if (mode === 0) return before;
  if (mode === 1) return write(bytes);
  if (mode === 2) return write(bytes.subarray(0, pick(chance, bytes.length + 1)));
  // The size arrived, the sectors only in part: the rest holds zeros or what was there before.
  const hole = Buffer.alloc(bytes.length);
  if (mode === 3) for (let i = 0; i < hole.length; i += 1) hole[i] = pick(chance, 256);
  for (let from = 0; from < bytes.length; ) {
    const to = Math.min(bytes.length, from + SECTOR_BYTES - ((at + from) % SECTOR_BYTES));
    if (chance() < 0.5) bytes.copy(hole, from, from, to);
    from = to;
  }
  return write(hole);
}
