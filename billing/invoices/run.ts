/** A bill run: laid out once, worked on in shards by any number of workers, taken up after a crash. */

import { appendAudit } from '../../db/audit.ts';
import {
  type BillRun,
  billRun,
  createBillRun,
  finishRun,
  lockShard,
  settleItems,
} from '../../db/bill-runs.ts';
import type { Database } from '../../db/pool.ts';
import { agreementIds, type SupplyFilter } from '../../db/supplies.ts';
import { type Clock, Fault, LIMITS, type RandomBytes, uuidV7 } from '../../domain/index.ts';
import { isLocalDate } from '../calendar/local.ts';
import { billAgreements } from './bill-agreements.ts';

export interface RunRequest {
  readonly mode: 'preview' | 'issue';
  /** Local dates [from, to). */
  readonly from: string;
  readonly to: string;
  readonly filter: Pick<SupplyFilter, 'accountNumber' | 'branch'>;
  readonly actor: string;
  readonly idempotencyKey: string;
}

export interface RunDeps {
  readonly db: Database;
  readonly clock: Clock;
  readonly random: RandomBytes;
}

/** Lays the run out; the same key gives the same run. Throws BAD_REQUEST on impossible dates. */
export async function startRun(
  deps: RunDeps,
  request: RunRequest,
): Promise<{ run: BillRun; created: boolean }> {
  const { from, to } = request;
  if (!isLocalDate(from) || !isLocalDate(to) || from >= to) {
    throw new Fault('BAD_REQUEST', { detail: `'${from}' to '${to}' is no period of dates` });
  }
  return deps.db.transaction(async (tx) => {
    const ids = await agreementIds(tx, from, to, request.filter);
    const result = await createBillRun(tx, {
      id: uuidV7(deps.clock.nowMs(), deps.random),
      mode: request.mode,
      from,
      to,
      branch: request.filter.branch ?? null,
      actor: request.actor,
      idempotencyKey: request.idempotencyKey,
      agreementIds: ids,
      shardSize: LIMITS.billShardAccounts,
    });
    if (result.created) {
      await appendAudit(tx, {
        chain: 'billing',
        actor: request.actor,
        action: `run.${request.mode}`,
        subjectKind: 'bill_run',
        subjectId: result.run.id,
        detail: { from, to, agreements: ids.length, ...request.filter },
      });
    }
    return result;
  });
}

/**
 * Bills what is still open in a shard, all or nothing. A second worker on the same shard finds
 * nothing to do; a killed one leaves everything open.
 */
export async function runShard(deps: RunDeps, runId: string, shard: number): Promise<number> {
  const run = await billRun(deps.db, runId);
  if (run === undefined) throw new Fault('NOT_FOUND', { what: `bill run ${runId}` });
  const settled = await deps.db.transaction(async (tx) => {
    const open = await lockShard(tx, runId, shard);
    if (open.length === 0) return 0;
    const results = await billAgreements(tx, {
      mode: run.mode,
      from: run.period_from,
      to: run.period_to,
      agreementIds: open,
      nowMs: deps.clock.nowMs(),
      actor: run.created_by,
      runId,
    });
    await settleItems(
      tx,
      runId,
      results.map(({ bill: _b, determinants: _d, account: _a, ...item }) => item),
    );
    return results.length;
  });
  await finishRun(deps.db, runId);
  return settled;
}
