/** Waiting that can be cut short, and work that may not take for ever. */
import type { Clock } from '../../domain/time.ts';

/** One loop waits, anybody rings. A ring while nobody waits is kept for the next wait. */
export class Wakeup {
  private readonly clock: Clock;
  private rung = false;
  private waiting: AbortController | undefined;

  constructor(clock: Clock) {
    this.clock = clock;
  }

  ring(): void {
    this.rung = true;
    this.waiting?.abort();
  }

  /** Resolves after `ms` or at a ring. */
  async wait(ms: number): Promise<void> {
    if (!this.rung && ms > 0) {
      const waiting = new AbortController();
      this.waiting = waiting;
      await this.clock.sleep(ms, waiting.signal).catch(() => undefined);
      this.waiting = undefined;
    }
    this.rung = false;
  }
}

/** Rejects when `work` takes longer; what it does later is ignored. */
export async function within<T>(clock: Clock, ms: number, work: Promise<T>): Promise<T> {
  const timer = new AbortController();
  const late = clock.sleep(ms, timer.signal).then(
    () => Promise.reject(new Error(`no answer within ${ms} ms`)),
    () => new Promise<never>(() => undefined),
  );
  try {
    return await Promise.race([work, late]);
  } finally {
    timer.abort();
  }
}

/** Lets sockets and timers have their turn between two stretches of work. */
export function breathe(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
