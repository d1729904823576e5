/**
 * A line's one watch. A wait is armed before each read and nearly always disarmed long before it
 * is due, so it keeps the timer of an earlier wait and only looks, when that rings, whether the
 * present one is due too.
 */
import type { Clock } from '../../../domain/index.ts';

export class Watch {
  readonly #clock: Clock;
  readonly #stop = new AbortController();
  #untilMs = Number.POSITIVE_INFINITY;
  #late: () => void = () => {};
  /** When the earliest timer rings. */
  #ringsMs = Number.POSITIVE_INFINITY;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Calls `late` once `ms` have passed, unless disarmed or armed anew before. */
  arm(ms: number, late: () => void): void {
    this.#untilMs = this.#clock.monotonicMs() + Math.max(0, ms);
    this.#late = late;
    if (this.#untilMs < this.#ringsMs) this.#ring();
  }

  disarm(): void {
    this.#untilMs = Number.POSITIVE_INFINITY;
  }

  stop(): void {
    this.disarm();
    this.#stop.abort();
  }

  #ring(): void {
    const ringsMs = this.#untilMs;
    this.#ringsMs = ringsMs;
    const wait = this.#clock.sleep(ringsMs - this.#clock.monotonicMs(), this.#stop.signal);
    wait.then(
      () => this.#rang(ringsMs),
      () => {}, // stopped
    );
  }

  #rang(ringsMs: number): void {
    // A shorter wait may have set a timer of its own since; this one is then an old one.
    if (this.#ringsMs === ringsMs) this.#ringsMs = Number.POSITIVE_INFINITY;
    if (this.#untilMs === Number.POSITIVE_INFINITY) return;
    if (this.#untilMs > this.#clock.monotonicMs()) {
      if (this.#untilMs < this.#ringsMs) this.#ring();
      return;
    }
    this.disarm();
    this.#late();
  }
}
