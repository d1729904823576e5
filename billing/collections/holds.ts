/** Reasons not to collect while they last: a dispute, an arrangement, a certificate. */
import { bumpAccountGuard, lockAccountGuard } from '../../db/account-guards.ts';
import { appendAudit } from '../../db/audit.ts';
import { type HoldRow, holdById, insertHold, releaseHoldRow } from '../../db/collection-holds.ts';
import { accountByNumber } from '../../db/payments.ts';
import type { Queryable } from '../../db/pool.ts';
import { Fault } from '../../domain/index.ts';
import { applyAccount } from './apply.ts';
import { loadPlans } from './plans.ts';
import type { HoldKind } from './schema.ts';
import type { CollectDeps } from './work.ts';

export interface HoldRequest {
  readonly account: string;
  readonly kind: HoldKind;
  /** Default: now. */
  readonly fromMs?: number;
  /** Absent: until released. */
  readonly toMs?: number;
  readonly reason: string;
  readonly actor: string;
  /** Same key, same hold. */
  readonly idempotencyKey: string;
}

/**
 * From its commit on no disconnect that was decided before is sent: those waiting are cancelled, and
 * the guard has a new version. Throws ACCOUNT_UNKNOWN, BAD_REQUEST or IDEMPOTENCY_REUSED.
 */
export async function setHold(
  deps: CollectDeps,
  request: HoldRequest,
): Promise<{ hold: HoldRow; created: boolean; cancelled: readonly string[] }> {
  const plans = await loadPlans(deps.db);
  return deps.db.transaction(async (tx) => {
    const accountId = await accountIdOf(tx, request.account);
    const { kind, reason, actor, idempotencyKey } = request;
    await lockAccountGuard(tx, accountId);
    const atMs = deps.clock.nowMs();
    const fromMs = request.fromMs ?? atMs;
    const toMs = request.toMs ?? null;
    if (toMs !== null && toMs <= fromMs) {
      throw new Fault('BAD_REQUEST', { detail: 'the hold ends before it begins' });
    }
    const { hold, created } = await insertHold(tx, {
      ...{ accountId, kind, fromMs, toMs, reason, actor, atMs, idempotencyKey },
    });
    if (!created) {
      const asked = [accountId, kind, reason, toMs, request.fromMs ?? hold.from_at];
      const stands = [hold.account_id, hold.kind, hold.reason, hold.to_at, hold.from_at];
      if (asked.some((value, i) => value !== stands[i])) {
        throw new Fault('IDEMPOTENCY_REUSED', { key: idempotencyKey });
      }
      return { hold, created, cancelled: [] };
    }
    const cancel = `hold: ${kind}`;
    await bumpAccountGuard(tx, accountId, { reason: cancel });
    const applied = await applyAccount(tx, deps, accountId, { plans, advance: false, cancel });
    await auditHold(tx, 'hold.set', request.account, hold, actor);
    return { hold, created, cancelled: applied.cancelled };
  });
}

/** Collection goes on with the next run. Throws NOT_FOUND; releasing twice changes nothing. */
export async function releaseHold(deps: CollectDeps, id: bigint, actor: string): Promise<HoldRow> {
  const plans = await loadPlans(deps.db);
  return deps.db.transaction(async (tx) => {
    const seen = await holdById(tx, id);
    if (seen === undefined) throw new Fault('NOT_FOUND', { what: `hold ${id}` });
    await bumpAccountGuard(tx, seen.account_id, { reason: `hold released: ${seen.kind}` });
    const released = await releaseHoldRow(tx, id, actor, deps.clock.nowMs());
    const hold = (await holdById(tx, id)) as HoldRow;
    if (!released) return hold;
    await applyAccount(tx, deps, seen.account_id, { plans, advance: false });
    await auditHold(tx, 'hold.released', String(seen.account_id), hold, actor);
    return hold;
  });
}

async function accountIdOf(tx: Queryable, number: string): Promise<number> {
  const account = await accountByNumber(tx, number);
  if (account === undefined) throw new Fault('ACCOUNT_UNKNOWN', { account: number });
  return account.id;
}

function auditHold(tx: Queryable, action: string, account: string, hold: HoldRow, actor: string) {
  const { id, kind, reason, from_at: fromMs, to_at: toMs } = hold;
  return appendAudit(tx, {
    chain: 'collections',
    actor,
    action,
    subjectKind: 'account',
    subjectId: account,
    detail: { id, kind, reason, fromMs, toMs },
  });
}
