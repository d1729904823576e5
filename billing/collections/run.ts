/** All accounts that owe or have a case, page by page, each in a transaction of its own. */
import { accountsToCollect } from '../../db/collection-reads.ts';
import { SERIALIZATION_FAILURES, sqlState } from '../../db/pool.ts';
import { describeError, formatInstant, HOUR_MS, LIMITS } from '../../domain/index.ts';
import { type Applied, type ApplyOptions, applyAccount } from './apply.ts';
import { loadPlans } from './plans.ts';
import type { CollectDeps } from './work.ts';

export interface CollectionCounts {
  accounts: number;
  opened: number;
  resumed: number;
  stopped: number;
  restoring: number;
  closed: number;
  notices: number;
  disconnects: number;
  reconnects: number;
  blocked: number;
  stuck: number;
  /** Disconnects withdrawn before they were sent. */
  cancelled: number;
  withoutPlan: number;
  /** Accounts whose transaction failed; they are looked at again in the next run. */
  failed: number;
}

export interface RunOptions {
  readonly branch?: string;
  readonly log?: { warn(detail: object, text: string): void };
  readonly signal?: AbortSignal;
}

export function noCounts(): CollectionCounts {
  return {
    accounts: 0,
    opened: 0,
    resumed: 0,
    stopped: 0,
    restoring: 0,
    closed: 0,
    notices: 0,
    disconnects: 0,
    reconnects: 0,
    blocked: 0,
    stuck: 0,
    cancelled: 0,
    withoutPlan: 0,
    failed: 0,
  };
}

/** The first zone in which it is tomorrow already; the exact date is the account's own. */
const EASTERNMOST_MS = 14 * HOUR_MS;

/**
 * What is due follows from dates alone: a run that was missed, came twice or at the same time as
 * another changes nothing.
 */
export async function runCollections(
  deps: CollectDeps,
  options: RunOptions = {},
): Promise<CollectionCounts> {
  const counts = noCounts();
  const plans = await loadPlans(deps.db);
  const dueBefore = formatInstant(deps.clock.nowMs() + EASTERNMOST_MS).slice(0, 10);
  const limit = LIMITS.collectionPageAccounts;
  const { branch } = options;
  for (let after = 0; options.signal?.aborted !== true; ) {
    const page = await accountsToCollect(deps.db, { dueBefore, branch, after, limit });
    for (const accountId of page) {
      counts.accounts += 1;
      try {
        count(counts, await collectAccount(deps, accountId, { plans, advance: true }));
      } catch (error) {
        counts.failed += 1;
        options.log?.warn(
          { accountId, detail: describeError(error) },
          'collections: account failed',
        );
      }
    }
    const last = page.at(-1);
    if (last === undefined || page.length < limit) break;
    after = last;
  }
  return counts;
}

/** One account in one transaction, again when it met another's locks. */
export async function collectAccount(
  deps: CollectDeps,
  accountId: number,
  options: ApplyOptions,
): Promise<Applied> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await deps.db.transaction((tx) => applyAccount(tx, deps, accountId, options));
    } catch (error) {
      const again = SERIALIZATION_FAILURES.includes(sqlState(error) ?? '');
      if (!again || attempt >= LIMITS.collectionRetriesMax) throw error;
    }
  }
}

export function count(counts: CollectionCounts, applied: Applied): void {
  if (applied.transition !== undefined) counts[applied.transition] += 1;
  counts.cancelled += applied.cancelled.length;
  if (applied.withoutPlan) counts.withoutPlan += 1;
  const kind = applied.effect?.kind;
  if (kind === 'notice') counts.notices += 1;
  if (kind === 'disconnect') counts.disconnects += 1;
  if (kind === 'reconnect') counts.reconnects += 1;
  if (kind === 'blocked') counts.blocked += 1;
  if (kind === 'stuck') counts.stuck += 1;
}
