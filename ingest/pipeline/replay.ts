/**
 * Quarantined records once more through the same path, after the cause was mended: as a new batch
 * of the original's origin, in the name of the person who asked. The rows are marked replayed in
 * the transaction that stores them, so a replay happens once; what still cannot be taken comes
 * back as new quarantine rows of the replay's batch.
 */
import { appendAudit } from '../../db/audit.ts';
import {
  lastQuarantineId,
  type QuarantineFilter,
  type QuarantineRow,
  replayableRows,
  settleQuarantine,
} from '../../db/quarantine.ts';
import {
  addConservation,
  type Conservation,
  LIMITS,
  NOTHING,
  type RandomBytes,
  type SealedBatch,
  uuidV7,
} from '../../domain/index.ts';
import { offeredOf, type PipelineDeps, processBatch } from './process-batch.ts';

export interface ReplayDeps extends PipelineDeps {
  readonly random: RandomBytes;
}

export interface ReplayOutcome {
  readonly batches: number;
  readonly rows: number;
  readonly counts: Conservation;
}

/** Replays all open rows the filter names that hold a decoded block. */
export async function replayQuarantine(
  filter: QuarantineFilter,
  actor: string,
  deps: ReplayDeps,
): Promise<ReplayOutcome> {
  let outcome: ReplayOutcome = { batches: 0, rows: 0, counts: NOTHING };
  const ids = { after: 0, last: await lastQuarantineId(deps.db) };
  for (;;) {
    const rows = await replayableRows(deps.db, filter, ids, LIMITS.replayBatchRows);
    const end = rows.at(-1);
    if (end === undefined) return outcome;
    ids.after = end.id;
    for (const [origin, group] of byOrigin(rows)) {
      const counts = await replayGroup(origin, group, actor, deps);
      if (counts === undefined) continue;
      outcome = {
        batches: outcome.batches + 1,
        rows: outcome.rows + group.length,
        counts: addConservation(outcome.counts, counts),
      };
    }
  }
}

function byOrigin(rows: readonly QuarantineRow[]): Map<string, QuarantineRow[]> {
  const groups = new Map<string, QuarantineRow[]>();
  for (const row of rows) {
    const group = groups.get(row.origin);
    if (group === undefined) groups.set(row.origin, [row]);
    else group.push(row);
  }
  return groups;
}

/** Somebody else replayed or discarded one of the rows meanwhile. */
class Overtaken extends Error {}

async function replayGroup(
  origin: string,
  rows: readonly QuarantineRow[],
  actor: string,
  deps: ReplayDeps,
): Promise<Conservation | undefined> {
  const nowMs = deps.clock.nowMs();
  const blocks = rows.map((row) => ({ ...row.block, message: row.message, at: row.at }));
  const batch: SealedBatch = {
    uid: uuidV7(nowMs, deps.random),
    origin,
    receivedMs: nowMs,
    blocks,
    refusals: [],
    messages: 0,
    offered: offeredOf({ blocks, refusals: [] }),
    raw: '',
    rawHash: '',
  };
  try {
    const { counts } = await processBatch(batch, deps, {
      actor,
      anyAge: true,
      async alongside(tx, batchId) {
        const ids = rows.map((row) => row.id);
        const settled = await settleQuarantine(tx, ids, 'replayed', actor, batchId);
        if (settled !== rows.length) throw new Overtaken();
        await appendAudit(tx, {
          chain: 'ingest',
          actor,
          action: 'quarantine.replayed',
          subjectKind: 'batch',
          subjectId: String(batchId),
          detail: { origin, rows: rows.length, offered: batch.offered },
        });
      },
    });
    return counts;
  } catch (error) {
    if (error instanceof Overtaken) return undefined;
    throw error;
  }
}
