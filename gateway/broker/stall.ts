/** A message the journal refuses for now is held back, not dropped (threats.md section 6 row 1). */
import { type Clock, isFault, LIMITS } from '../../domain/index.ts';

/**
 * Resolves when `take` did. A Fault that may be retried is, until LIMITS.mqttStallMsMax is over or
 * nobody waits for the answer any more; then, and for any other error, rejects with it.
 */
export async function untilTaken(
  take: () => Promise<void>,
  clock: Clock,
  stillWanted: () => boolean,
  onStall: () => void,
): Promise<void> {
  const deadlineMs = clock.monotonicMs() + LIMITS.mqttStallMsMax;
  for (;;) {
    try {
      return await take();
    } catch (error) {
      if (!isFault(error) || !error.spec.retry) throw error;
      if (!stillWanted() || clock.monotonicMs() >= deadlineMs) throw error;
      onStall();
      await clock.sleep(LIMITS.mqttStallRetryMs);
    }
  }
}
