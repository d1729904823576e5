/** The real clock, and one that runs a month in a minute for the demo and for tests. */
import { setTimeout as sleepFor } from 'node:timers/promises';
import type { Clock } from '../domain/index.ts';

/** Timers beyond this wrap around in Node. */
const TIMER_MS_MAX = 2 ** 31 - 1;

export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  async sleep(ms, signal) {
    await sleepFor(Math.min(Math.max(0, ms), TIMER_MS_MAX), undefined, signal && { signal });
  },
};

/**
 * A clock whose wall time can run at any rate and jump forward. Waiting is done in real time, so
 * that timeouts of sockets and queues keep their meaning; only what "now" is differs.
 */
export class SimulatedClock implements Clock {
  #baseSimMs: number;
  #baseRealMs: number;
  #rate: number;

  constructor(startMs: number, rate = 1) {
    this.#baseSimMs = startMs;
    this.#baseRealMs = performance.now();
    this.#rate = rate;
  }

  nowMs(): number {
    return Math.floor(this.#baseSimMs + (performance.now() - this.#baseRealMs) * this.#rate);
  }

  monotonicMs(): number {
    return performance.now();
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return systemClock.sleep(ms, signal);
  }

  setRate(rate: number): void {
    this.#rebase(this.nowMs());
    this.#rate = rate;
  }

  /** Forward only: a wall clock that runs back would make "the past" ambiguous. */
  jumpTo(ms: number): void {
    this.#rebase(Math.max(ms, this.nowMs()));
  }

  #rebase(simMs: number): void {
    this.#baseSimMs = simMs;
    this.#baseRealMs = performance.now();
  }
}
