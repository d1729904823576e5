/**
 * Invocation counters that outlive the process (reference: key and counter lifecycle). Numbers are
 * taken in blocks that the store has made durable first; a crash loses the rest of a block and
 * never gives a number twice.
 */
import { Fault, LIMITS } from '../../../domain/index.ts';
import { NO_COUNTER } from '../../protocols/dlms/security/counters.ts';

/** Durable, one record a key. Only one process may own a key (a lease is the store's matter). */
export interface CounterStore {
  /**
   * The first of `count` numbers that nobody has had or will have, all >= `atLeast`. Resolves when
   * that is on disk. Rejects with DLMS_COUNTER_SPENT when the key has no numbers left.
   */
  reserve(key: string, count: number, atLeast: number): Promise<number>;
  /** The last counter accepted from the meter; NO_COUNTER when none was. */
  lastAccepted(key: string): Promise<number>;
  /** Never goes down. */
  accepted(key: string, counter: number): Promise<void>;
}

export const COUNTER_SPENT = 0xffffffff;

/** For tests, and as the shape of the real ones. */
export function memoryCounterStore(): CounterStore {
  const next = new Map<string, number>();
  const accepted = new Map<string, number>();
  return {
    async reserve(key, count, atLeast) {
      const first = Math.max(next.get(key) ?? 0, atLeast);
      if (first + count - 1 > COUNTER_SPENT) throw new Fault('DLMS_COUNTER_SPENT');
      next.set(key, first + count);
      return first;
    },
    async lastAccepted(key) {
      return accepted.get(key) ?? NO_COUNTER;
    },
    async accepted(key, counter) {
      accepted.set(key, Math.max(counter, accepted.get(key) ?? NO_COUNTER));
    },
  };
}

/** The numbers of one key in this process. */
class Block {
  readonly #store: CounterStore;
  readonly #key: string;
  #next = 0;
  #end = 0;

  constructor(store: CounterStore, key: string) {
    this.#store = store;
    this.#key = key;
  }

  async next(): Promise<number> {
    if (this.#next >= this.#end) await this.#reserve(0);
    const taken = this.#next;
    this.#next += 1;
    return taken;
  }

  /** From now on only numbers >= `atLeast`; never down. */
  async raise(atLeast: number): Promise<void> {
    if (atLeast <= this.#next) return;
    if (atLeast < this.#end) this.#next = atLeast;
    else await this.#reserve(atLeast);
  }

  async #reserve(atLeast: number): Promise<void> {
    const first = await this.#store.reserve(this.#key, LIMITS.dlmsCounterBlock, atLeast);
    this.#next = first;
    this.#end = first + LIMITS.dlmsCounterBlock;
  }
}

/** Counters of all meters this process talks to; a key's block is kept between sessions. */
export class Counters {
  readonly store: CounterStore;
  readonly #blocks = new Map<string, Block>();

  constructor(store: CounterStore) {
    this.store = store;
  }

  next(key: string): Promise<number> {
    return this.#block(key).next();
  }

  /**
   * The meter says what it expects. Nobody vouches for that, so a jump is bounded: whoever could
   * send the counter to its end would take the key out of use.
   */
  async follow(key: string, sent: number, expected: number): Promise<void> {
    if (expected > sent + LIMITS.dlmsCounterJumpMax) {
      throw new Fault('DLMS_COUNTER', { expected, given: sent });
    }
    await this.#block(key).raise(expected);
  }

  #block(key: string): Block {
    let block = this.#blocks.get(key);
    if (block === undefined) {
      if (this.#blocks.size >= LIMITS.dlmsCatalogEntriesMax) {
        this.#blocks.delete(this.#blocks.keys().next().value as string);
      }
      block = new Block(this.store, key);
      this.#blocks.set(key, block);
    }
    return block;
  }
}
