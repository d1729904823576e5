/**
 * A batch that fails again and again for no outage: a bug of ours. It is quarantined whole with its
 * blocks and its bytes, so that the line moves on and the batch can be replayed after the fix.
 */
import { openBatch, readingTransaction, recordedBatch } from '../../db/batches.ts';
import { isConnectionError, SERIALIZATION_FAILURES, sqlState } from '../../db/pool.ts';
import { addRefused, type RefusedRecords } from '../../db/quarantine.ts';
import { describeError, LIMITS, type SealedBatch } from '../../domain/index.ts';
import { type BatchOutcome, newBatch, offeredOf, type PipelineDeps } from './process-batch.ts';
import { cutBlock } from './runs.ts';

/** Out of resources, cancelled, timed out: no fault of the batch. */
const PASSING = /^(53|57|25P0[34])/;

export function isPassing(error: unknown): boolean {
  if (isConnectionError(error)) return true;
  const state = sqlState(error);
  return state !== undefined && (PASSING.test(state) || SERIALIZATION_FAILURES.includes(state));
}

/** How often each batch has failed in this process for no outage. */
export class FailureCounts {
  readonly #counts = new Map<string, number>();

  add(uid: string): number {
    const count = (this.#counts.get(uid) ?? 0) + 1;
    if (this.#counts.size >= LIMITS.ingestFailuresKept) this.#counts.clear();
    this.#counts.set(uid, count);
    return count;
  }

  forget(uid: string): void {
    this.#counts.delete(uid);
  }
}

export async function quarantineWhole(
  batch: SealedBatch,
  error: unknown,
  deps: PipelineDeps,
): Promise<BatchOutcome> {
  const offered = offeredOf(batch);
  const counts = { offered, stored: 0, duplicate: 0, rejected: 0, quarantined: offered };
  return await readingTransaction(deps.db, async (tx) => {
    const opened = await openBatch(tx, newBatch(batch, counts, 0, { actor: 'ingest' }));
    if (opened === undefined) {
      const recorded = await recordedBatch(tx, batch.uid);
      if (recorded === undefined) throw new Error(`batch ${batch.uid} is neither new nor there`);
      return { batchId: recorded.id, counts: recorded.counts, repeated: true };
    }
    await addRefused(tx, 'quarantine', opened.id, rowsOf(batch, describeError(error)));
    return { batchId: opened.id, counts, repeated: false };
  });
}

function rowsOf(batch: SealedBatch, reason: string): RefusedRecords[] {
  const blocks = batch.blocks.map((source) => ({
    code: 'INTERNAL',
    reason,
    message: source.message,
    at: source.at ?? '',
    records: offeredOf({ blocks: [source], refusals: [] }),
    block: cutBlock(source, 0, source.values.length),
  }));
  return [...batch.refusals, ...blocks.filter((row) => row.records > 0)];
}
