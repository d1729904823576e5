import { systemClock } from '../../../cli/clock.ts';

/** The first answer that is not undefined; fails, naming `what`, when the time is over. */
export async function until<T>(
  what: string,
  withinMs: number,
  ask: () => Promise<T | undefined> | T | undefined,
): Promise<T> {
  const deadlineMs = performance.now() + withinMs;
  while (performance.now() < deadlineMs) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    await systemClock.sleep(50);
  }
  throw new Error(`${what}: not within ${withinMs} ms`);
}
