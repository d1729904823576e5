/**
 * Slows one meter down without losing anything: its messages wait here, unacknowledged, for the
 * rate and the in-flight bound. The socket is not read meanwhile, so what waits is bounded by one
 * read of it, and TCP slows the sender.
 */
import type { Clock } from '../../domain/index.ts';

export interface GateBounds {
  readonly ratePerS: number;
  readonly burst: number;
  readonly inflightMax: number;
}

/** Permits a second, up to a burst at once. */
export class TokenBucket {
  readonly #clock: Clock;
  readonly #ratePerS: number;
  readonly #burst: number;
  #tokens: number;
  #filledMs: number;

  constructor(clock: Clock, ratePerS: number, burst: number) {
    this.#clock = clock;
    this.#ratePerS = ratePerS;
    this.#burst = burst;
    this.#tokens = burst;
    this.#filledMs = clock.monotonicMs();
  }

  take(): boolean {
    if (this.#tokens < 1) this.#fill();
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }

  /** Milliseconds until a token is there. */
  waitMs(): number {
    return Math.max(1, Math.ceil(((1 - this.#tokens) / this.#ratePerS) * 1000));
  }

  #fill(): void {
    const nowMs = this.#clock.monotonicMs();
    const added = ((nowMs - this.#filledMs) / 1000) * this.#ratePerS;
    this.#tokens = Math.min(this.#burst, this.#tokens + added);
    this.#filledMs = nowMs;
  }
}

export class Gate {
  readonly #clock: Clock;
  readonly #bucket: TokenBucket;
  readonly #inflightMax: number;
  readonly #closing = new AbortController();
  #waiting: (() => void)[] = [];
  #inflight = 0;
  #sleeping = false;

  constructor(clock: Clock, bounds: GateBounds) {
    this.#clock = clock;
    this.#bucket = new TokenBucket(clock, bounds.ratePerS, bounds.burst);
    this.#inflightMax = bounds.inflightMax;
  }

  /** Runs the task now or in turn; true when it had to wait. Each task ends with leave(). */
  enter(task: () => void): boolean {
    if (this.#waiting.length === 0 && this.#inflight < this.#inflightMax && this.#bucket.take()) {
      this.#inflight += 1;
      task();
      return false;
    }
    this.#waiting.push(task);
    this.#pump();
    return true;
  }

  leave(): void {
    this.#inflight -= 1;
    if (this.#waiting.length > 0) this.#pump();
  }

  /** Forgets what waits: it was never acknowledged. */
  close(): void {
    this.#waiting = [];
    this.#closing.abort();
  }

  #pump(): void {
    while (this.#waiting.length > 0 && this.#inflight < this.#inflightMax) {
      if (this.#sleeping) return;
      if (!this.#bucket.take()) {
        this.#sleeping = true;
        this.#clock.sleep(this.#bucket.waitMs(), this.#closing.signal).then(
          () => {
            this.#sleeping = false;
            this.#pump();
          },
          () => undefined, // closed: nothing waits any more
        );
        return;
      }
      const task = this.#waiting.shift() as () => void;
      this.#inflight += 1;
      task();
    }
  }
}
