/**
 * Looks at one account and does what follows, in one transaction under the account's guard: a
 * payment comes before it or after it, never in between. Twice is the same as once.
 */
import { type AccountGuard, bumpAccountGuard, lockAccountGuard } from '../../db/account-guards.ts';
import { appendAudit } from '../../db/audit.ts';
import { changeCase, insertEvent, openCase, settleEvents } from '../../db/collections.ts';
import { cancelAccountDisconnects } from '../../db/command-approval.ts';
import type { Queryable } from '../../db/pool.ts';
import { canonicalJson } from '../../domain/index.ts';
import { type EffectDone, perform } from './effects.ts';
import { currentHold, evaluateAccount } from './evaluate.ts';
import { HOLD_BLOCK, type LoadedFacts, loadFacts } from './facts.ts';
import { type AccountFacts, type Decision, POLICY } from './model.ts';
import { loadPlans, type PlanBook } from './plans.ts';
import type { KnownPlan } from './schema.ts';
import type { CollectDeps, Work } from './work.ts';

export interface ApplyOptions {
  readonly plans: PlanBook;
  /** False: only stops, closes and reconnects; notices and cuts wait for the run. */
  readonly advance: boolean;
  /** The outbox message being worked on. */
  readonly heard?: bigint;
  /** Disconnects that were not sent must go whatever is decided, and why. */
  readonly cancel?: string;
}

export interface Applied {
  readonly transition: Transition | undefined;
  readonly effect: EffectDone | undefined;
  readonly cancelled: readonly string[];
  readonly withoutPlan: boolean;
  readonly why: string;
}

type Transition = 'opened' | 'resumed' | 'stopped' | 'restoring' | 'closed';

export async function applyAccount(
  tx: Queryable,
  deps: CollectDeps,
  accountId: number,
  options: ApplyOptions,
): Promise<Applied> {
  const locked = await lockAccountGuard(tx, accountId);
  const nowMs = deps.clock.nowMs();
  const loaded = await loadFacts(tx, locked, nowMs, options.heard);
  const guard = await syncBlocks(tx, locked, loaded.facts, nowMs);
  const known = await planOf(tx, loaded, options.plans);
  const decision = known && evaluateAccount(loaded.facts, known.plan, nowMs);
  const wanted = decision && (options.advance ? decision : withoutAdvance(decision, loaded));
  const cancel = options.cancel ?? wanted?.cancel;
  const cancelled = await cancelWaiting(tx, loaded.facts, cancel, nowMs);
  const idle = { transition: undefined, effect: undefined, cancelled };
  if (known === undefined || wanted === undefined) {
    return { ...idle, withoutPlan: true, why: 'no plan for this currency and branch' };
  }
  if (wanted.case === undefined) return { ...idle, withoutPlan: false, why: wanted.why };
  const work: Work = { tx, deps, nowMs, guard, facts: loaded.facts, known };
  const moved = await moveCase(work, loaded, wanted);
  const effect =
    wanted.effect && (await perform(work, { ...moved, round: wanted.case.round }, wanted.effect));
  await record(work, moved, wanted, effect, cancelled);
  return { transition: moved.transition, effect, cancelled, withoutPlan: false, why: wanted.why };
}

/** The guard says which holds are current, so that also commands of others are stopped by them. */
async function syncBlocks(
  tx: Queryable,
  guard: AccountGuard,
  facts: AccountFacts,
  nowMs: number,
): Promise<AccountGuard> {
  const current = facts.holds.filter((h) => currentHold([h], nowMs) !== undefined);
  const blocks: Record<string, string> = { ...facts.otherBlocks };
  for (const hold of current) blocks[`${HOLD_BLOCK}${hold.kind}`] = hold.reason;
  if (canonicalJson(blocks) === canonicalJson(guard.blocks)) return guard;
  return bumpAccountGuard(tx, guard.accountId, { reason: 'holds changed', blocks });
}

async function planOf(
  tx: Queryable,
  { facts, branch, caseRow }: LoadedFacts,
  plans: PlanBook,
): Promise<KnownPlan | undefined> {
  if (caseRow === undefined) return plans.choose({ currency: facts.currency, branch });
  const { plan_code: code, plan_revision: revision } = caseRow;
  // Another process may have stored the revision after these plans were read.
  return plans.find(code, revision) ?? (await loadPlans(tx)).find(code, revision);
}

/** What may be done at once when a payment or a breaker is heard of. */
function withoutAdvance(decision: Decision, { facts }: LoadedFacts): Decision {
  if (facts.case === null) return { ...decision, case: undefined, effect: undefined };
  const effect = decision.effect?.kind === 'reconnect' ? decision.effect : undefined;
  const same = { state: facts.case.state, round: facts.case.round, reason: facts.case.reason };
  const stays = decision.case?.state === 'open';
  return { ...decision, effect, case: stays ? same : decision.case };
}

async function cancelWaiting(
  tx: Queryable,
  facts: AccountFacts,
  reason: string | undefined,
  nowMs: number,
): Promise<string[]> {
  const waits = facts.commands.some(
    (c) => c.action === 'disconnect' && ['requested', 'approved', 'queued'].includes(c.state),
  );
  if (reason === undefined || !waits) return [];
  return cancelAccountDisconnects(tx, facts.accountId, { reason, actor: POLICY, atMs: nowMs });
}

interface Moved {
  readonly caseId: bigint;
  readonly transition: Transition | undefined;
}

async function moveCase(work: Work, loaded: LoadedFacts, decision: Decision): Promise<Moved> {
  const { tx, nowMs, facts, known } = work;
  const to = decision.case as NonNullable<Decision['case']>;
  const before = loaded.facts.case;
  const { accountId } = facts;
  if (before === null) {
    const plan = { planCode: known.plan.code, planRevision: known.revision };
    const caseId = await openCase(tx, { ...to, ...plan, accountId, atMs: nowMs });
    await noteCase(work, caseId, 'opened', to, { plan: known.plan.code, revision: known.revision });
    return { caseId, transition: 'opened' };
  }
  if (before.state === to.state && before.round === to.round) {
    return { caseId: before.id, transition: undefined };
  }
  await changeCase(tx, before.id, to, nowMs);
  const transition = to.state === 'open' ? 'resumed' : to.state;
  await noteCase(work, before.id, transition, to, {});
  // What stood in the way of a cut is over with the state or round it was said of.
  const over = ['cut.blocked', 'cut.impossible', 'stuck'];
  const atLast = to.state === 'closed' ? ['supply.indeterminate', 'reconnect.impossible'] : [];
  await settleEvents(tx, before.id, [...over, ...atLast], nowMs);
  return { caseId: before.id, transition };
}

async function noteCase(
  { tx, facts, nowMs }: Work,
  caseId: bigint,
  transition: Transition,
  to: NonNullable<Decision['case']>,
  more: Readonly<Record<string, unknown>>,
): Promise<void> {
  await insertEvent(tx, {
    accountId: facts.accountId,
    caseId,
    atMs: nowMs,
    kind: `case.${transition}`,
    needsPerson: false,
    detail: { reason: to.reason, round: to.round, ...more },
    onceKey: `case:${caseId}:${to.round}:${to.state}:${nowMs}`,
  });
}

/** One audit row for all that was done, last: the head of the chain is a lock everybody shares. */
async function record(
  { tx, known, facts }: Work,
  moved: Moved,
  decision: Decision,
  effect: EffectDone | undefined,
  cancelled: readonly string[],
): Promise<void> {
  const done = effect !== undefined && effect.kind !== 'none';
  if (moved.transition === undefined && !done && cancelled.length === 0) return;
  await appendAudit(tx, {
    chain: 'collections',
    actor: POLICY,
    action: `case.${moved.transition ?? effect?.kind ?? 'cancelled'}`,
    subjectKind: 'account',
    subjectId: facts.account,
    detail: {
      case: moved.caseId,
      plan: { code: known.plan.code, revision: known.revision },
      state: decision.case?.state,
      round: decision.case?.round,
      why: decision.why,
      cancelled,
      ...(effect !== undefined && { effect }),
    },
  });
}
