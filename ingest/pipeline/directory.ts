/**
 * All channels in memory, by meter serial, code and kind. Filled page by page at the start, read
 * again one page a tick for ever after, so that a changed ratio or zone arrives within a round. A
 * miss asks the database, at most every few seconds for the same meter.
 */
import { channelPage, channelsOfMeters } from '../../db/channels.ts';
import type { Queryable } from '../../db/pool.ts';
import { type Clock, LIMITS, type ReadingBlock } from '../../domain/index.ts';
import type { ChannelEntry } from '../vee/arrival/rule.ts';

type Named = Pick<ReadingBlock, 'meter' | 'channel' | 'kind'>;

export class ChannelDirectory {
  readonly #db: Queryable;
  readonly #clock: Clock;
  readonly #interval = new Map<string, ChannelEntry>();
  readonly #register = new Map<string, ChannelEntry>();
  /** Under which key a channel stands, so that a renamed meter leaves nothing behind. */
  readonly #keys = new Map<number, string>();
  /** Serials without the wanted channel: when that was looked up, and whether the meter exists. */
  readonly #misses = new Map<string, { atMs: number; known: boolean }>();
  #cursor = 0;

  constructor(db: Queryable, clock: Clock) {
    this.#db = db;
    this.#clock = clock;
  }

  get size(): number {
    return this.#keys.size;
  }

  /** Reads all channels once. */
  async load(): Promise<void> {
    this.#cursor = 0;
    do await this.refreshPage();
    while (this.#cursor !== 0);
  }

  /** Reads the next page; after the last one the next round begins. */
  async refreshPage(): Promise<void> {
    const page = await channelPage(this.#db, this.#cursor, LIMITS.channelPageRows);
    for (const entry of page) this.#put(entry);
    const full = page.length === LIMITS.channelPageRows;
    this.#cursor = full ? (page.at(-1) as ChannelEntry).channel.id : 0;
  }

  /** Keeps the cache fresh until aborted. A failed page is tried again at the next tick. */
  async run(signal: AbortSignal, onError: (error: unknown) => void): Promise<void> {
    while (!signal.aborted) {
      await this.#clock.sleep(LIMITS.channelRefreshMs, signal).catch(() => {});
      if (!signal.aborted) await this.refreshPage().catch(onError);
    }
  }

  find(block: Named): ChannelEntry | 'METER_UNKNOWN' | 'CHANNEL_UNKNOWN' {
    const entry = this.#map(block.kind).get(`${block.meter}|${block.channel}`);
    if (entry !== undefined) return entry;
    return this.#misses.get(block.meter)?.known === true ? 'CHANNEL_UNKNOWN' : 'METER_UNKNOWN';
  }

  /** Looks up what is missing for these blocks, as far as it was not looked up just now. */
  async learn(blocks: readonly Named[]): Promise<void> {
    let serials: Set<string> | undefined;
    for (const block of blocks) {
      if (this.#map(block.kind).has(`${block.meter}|${block.channel}`)) continue;
      const miss = this.#misses.get(block.meter);
      const age = miss === undefined ? undefined : this.#clock.monotonicMs() - miss.atMs;
      if (age !== undefined && age < LIMITS.channelRecheckMs) continue;
      serials ??= new Set();
      // PostgreSQL text cannot hold NUL; such a serial is unknown without asking.
      if (!block.meter.includes('\0')) serials.add(block.meter);
    }
    if (serials === undefined || serials.size === 0) return;
    const found = await channelsOfMeters(this.#db, [...serials]);
    for (const entry of found.channels) this.#put(entry);
    if (this.#misses.size + serials.size > LIMITS.channelUnknownMax) this.#misses.clear();
    const atMs = this.#clock.monotonicMs();
    for (const serial of serials) {
      this.#misses.set(serial, { atMs, known: found.serials.has(serial) });
    }
  }

  #put(entry: ChannelEntry): void {
    const { id, kind, code } = entry.channel;
    const key = `${entry.serial}|${code}`;
    const before = this.#keys.get(id);
    if (before !== undefined && before !== key) this.#map(kind).delete(before);
    if (before !== key) this.#keys.set(id, key);
    this.#map(kind).set(key, entry);
  }

  #map(kind: 'interval' | 'register'): Map<string, ChannelEntry> {
    return kind === 'interval' ? this.#interval : this.#register;
  }
}
