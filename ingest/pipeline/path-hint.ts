/**
 * Which path to try first. Duplicates come in streaks (a meter that resends, a file loaded twice);
 * after one was met, the origin's next batches are looked up at once instead of failing a COPY.
 * Only speed depends on it.
 */
import { LIMITS, type SealedBatch } from '../../domain/index.ts';
import type { Path } from './write.ts';

export class PathHint {
  /** Batches of this origin still to be taken carefully. */
  readonly #streaks = new Map<string, number>();

  choose(batch: SealedBatch, nowMs: number): Path {
    const youngest = nowMs - LIMITS.ingestCarefulAfterMs;
    if (batch.blocks.some((b) => b.versionMs !== undefined || b.startMs < youngest)) {
      return 'careful';
    }
    const left = this.#streaks.get(batch.origin) ?? 0;
    if (left === 0) return 'fast';
    this.#streaks.set(batch.origin, left - 1);
    return 'careful';
  }

  /** A batch of this origin brought something that was there. */
  met(origin: string): void {
    if (this.#streaks.size >= LIMITS.ingestStreaksMax) this.#streaks.clear();
    this.#streaks.set(origin, LIMITS.ingestStreakBatches);
  }
}
