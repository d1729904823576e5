/**
 * All channels in memory, by meter serial, code and kind. Filled page by page at the start; changed
 * ones are read again every few seconds. A miss asks the database, at most every few seconds for
 * the same meter.
 */
import {
  changeCursor,
  changedChannels,
  channelPage,
  channelsOfMeters,
  pruneChannelChanges,
} from '../../db/channels.ts';
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
  /** Transactions from here on may have changed channels; undefined before the load. */
  #cursor: string | undefined;

  constructor(db: Queryable, clock: Clock) {
    this.#db = db;
    this.#clock = clock;
  }

  get size(): number {
    return this.#keys.size;
  }

  /** Reads all channels. */
  async load(): Promise<void> {
    const cursor = await changeCursor(this.#db);
    let afterId = 0;
    for (;;) {
      const page = await channelPage(this.#db, afterId, LIMITS.channelPageRows);
      for (const entry of page) this.#put(entry);
      if (page.length < LIMITS.channelPageRows) break;
      afterId = (page.at(-1) as ChannelEntry).channel.id;
    }
    this.#cursor = cursor;
  }

  /** Reads what has changed since the last time. */
  async refresh(): Promise<void> {
    if (this.#cursor === undefined) return await this.load();
    const next = await changeCursor(this.#db);
    for (const entry of await changedChannels(this.#db, this.#cursor)) this.#put(entry);
    this.#cursor = next;
  }

  /** Keeps the cache fresh until aborted. What failed is tried again at the next tick. */
  async run(signal: AbortSignal, onError: (error: unknown) => void): Promise<void> {
    await pruneChannelChanges(this.#db, LIMITS.channelChangesKeptMs).catch(onError);
    while (!signal.aborted) {
      await this.#clock.sleep(LIMITS.channelRefreshMs, signal).catch(() => {});
      if (!signal.aborted) await this.refresh().catch(onError);
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

  /** Channels of these meters were just made: what was looked up before says nothing any more. */
  lookAgain(serials: Iterable<string>): void {
    for (const serial of serials) this.#misses.delete(serial);
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
