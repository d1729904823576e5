/** Listens to payments and breakers, and looks at all accounts from time to time. */
import { LIMITS } from '../../domain/index.ts';
import { consumeCollections } from './consume.ts';
import { runCollections } from './run.ts';
import type { CollectDeps } from './work.ts';

export interface CollectionsWorkerOptions extends CollectDeps {
  readonly log: { warn(detail: object, text: string): void };
  /** Default LIMITS.collectionSweepMs. */
  readonly sweepMs?: number;
  /** Default LIMITS.collectionEvaluateMs. Steps follow dates, so more often changes nothing. */
  readonly evaluateMs?: number;
}

export interface CollectionsWorker {
  stop(): Promise<void>;
}

export function startCollectionsWorker(options: CollectionsWorkerOptions): CollectionsWorker {
  const stopped = new AbortController();
  const working = work(options, stopped.signal);
  return {
    async stop() {
      stopped.abort();
      await working;
    },
  };
}

async function work(options: CollectionsWorkerOptions, signal: AbortSignal): Promise<void> {
  const { log, clock } = options;
  const evaluateMs = options.evaluateMs ?? LIMITS.collectionEvaluateMs;
  let evaluatedMs = Number.NEGATIVE_INFINITY;
  while (!signal.aborted) {
    try {
      await consumeCollections(options, { log });
      if (clock.nowMs() - evaluatedMs >= evaluateMs) {
        await runCollections(options, { log, signal });
        evaluatedMs = clock.nowMs();
      }
      await clock.sleep(options.sweepMs ?? LIMITS.collectionSweepMs, signal);
    } catch (error) {
      if (signal.aborted) return;
      log.warn({ err: error }, 'collections');
      await clock.sleep(options.sweepMs ?? LIMITS.collectionSweepMs, signal).catch(() => undefined);
    }
  }
}
