/** Who waits for which answer. An answer counts only from the meter that was asked. */
import type { Clock, MeterReply } from '../../domain/index.ts';

/** More answers to one question than this are noise. */
const REPLIES_KEPT_MAX = 8;

export class Expectation {
  readonly serial: string;
  readonly #kept: MeterReply[] = [];
  #wake: (() => void) | undefined;

  constructor(serial: string) {
    this.serial = serial;
  }

  take(reply: MeterReply): void {
    if (this.#kept.length < REPLIES_KEPT_MAX) this.#kept.push(reply);
    this.#wake?.();
  }

  /** The next answer; undefined when none came in time. Rejects when the signal aborts. */
  async next(
    timeoutMs: number,
    clock: Clock,
    signal: AbortSignal,
  ): Promise<MeterReply | undefined> {
    const kept = this.#kept.shift();
    if (kept !== undefined) return kept;
    const timer = new AbortController();
    const stopped = AbortSignal.any([signal, timer.signal]);
    const arrival = new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    try {
      await Promise.race([arrival, clock.sleep(timeoutMs, stopped)]);
    } finally {
      this.#wake = undefined;
      timer.abort();
    }
    return this.#kept.shift();
  }
}

export class ReplyBook {
  readonly #open = new Map<string, Expectation>();

  /** Registered before the question leaves, so that no answer can be too fast. */
  expect(id: string, serial: string): Expectation {
    const expectation = new Expectation(serial);
    this.#open.set(id, expectation);
    return expectation;
  }

  forget(id: string): void {
    this.#open.delete(id);
  }

  /** False when nobody waits for it. */
  deliver(serial: string, reply: MeterReply): boolean {
    const expectation = this.#open.get(reply.id);
    if (expectation === undefined || expectation.serial !== serial) return false;
    expectation.take(reply);
    return true;
  }
}
