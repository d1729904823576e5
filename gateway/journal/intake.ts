/**
 * Durable envelopes on their way to the sealer. A bounded number waits in memory; what does not fit
 * is read back from disk later, in order, so a long outage costs disk and not memory.
 */

import type { Entry } from './group.ts';
import type { JournalLimits } from './ports.ts';
import type { Cursor, JournalReader } from './reader.ts';

const PULL_ENTRIES = 256;
const PULL_BYTES = 1024 ** 2;

export class Intake {
  private readonly reader: JournalReader;
  private readonly limits: JournalLimits;
  private live: Entry[] = [];
  private liveBytes = 0;
  /** Everything from here on is on disk only. */
  private cursor: Cursor | undefined;

  /** @param cursor where the unsealed envelopes of an earlier run begin */
  constructor(reader: JournalReader, limits: JournalLimits, cursor: Cursor | undefined) {
    this.reader = reader;
    this.limits = limits;
    this.cursor = cursor;
  }

  /** Envelopes in memory; more may be on disk when `behind`. */
  get waiting(): number {
    return this.live.length;
  }

  get behind(): boolean {
    return this.cursor !== undefined;
  }

  get empty(): boolean {
    return this.live.length === 0 && this.cursor === undefined;
  }

  push(entries: readonly Entry[]): void {
    for (const entry of entries) {
      if (this.cursor !== undefined) return;
      const bytes = entry.framed.length;
      if (this.live.length > 0 && this.liveBytes + bytes > this.limits.journalIntakeBytesMax) {
        const { segment, offset } = entry.position;
        this.cursor = { segment, offset };
        return;
      }
      this.live.push(entry);
      this.liveBytes += bytes;
    }
  }

  /** The next few, in order; an empty answer with `empty` false means: ask again. */
  async pull(): Promise<readonly Entry[]> {
    if (this.live.length > 0) return this.pullLive();
    if (this.cursor === undefined) return [];
    // Asked and acted on in one turn: what is pushed after it goes to memory, before it, to disk.
    if (this.reader.atEnd(this.cursor)) {
      this.cursor = undefined;
      return [];
    }
    const { entries, next } = await this.reader.backlog(this.cursor, PULL_BYTES);
    this.cursor = next;
    return entries;
  }

  private pullLive(): readonly Entry[] {
    const entries =
      this.live.length <= PULL_ENTRIES ? this.live : this.live.splice(0, PULL_ENTRIES);
    if (entries === this.live) this.live = [];
    for (const entry of entries) this.liveBytes -= entry.framed.length;
    return entries;
  }
}
