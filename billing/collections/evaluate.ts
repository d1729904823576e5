/** Facts of an account in, decision out. Pure: the same facts at the same time decide the same. */
import { LIMITS } from '../../domain/index.ts';
import { addDays, daysBetween, localDateOf } from '../calendar/local.ts';
import { evaluateCut } from './cut.ts';
import { below, isNothing, overdueDebt } from './debts.ts';
import type { AccountFacts, CaseFacts, Debt, Decision, Hold, StepRecord } from './model.ts';
import { type Plan, type PlanStep, RECONNECT_STEP } from './schema.ts';
import { type Supply, supplyOf } from './supply.ts';

export interface Moment {
  readonly nowMs: number;
  /** Local date at the account. */
  readonly today: string;
}

export function evaluateAccount(facts: AccountFacts, plan: Plan, nowMs: number): Decision {
  const moment = { nowMs, today: localDateOf(facts.timeZone, nowMs) };
  const debt = overdueDebt(facts.receivables, facts.credits, moment.today);
  const supply = supplyOf(facts.commands);
  const hold = currentHold(facts.holds, nowMs);
  const known = facts.case;
  const low = below(debt.amount, plan.minAmount);
  if (known !== null && supply.kind === 'cut') {
    const restore =
      known.state === 'restoring' ||
      low ||
      (hold !== undefined && plan.reconnectOnHold.includes(hold.kind));
    if (restore) return evaluateReconnect(known, supply, debt, hold, nowMs);
  }
  if (known === null && low) return nothing('nothing to collect');
  if (known === null && hold !== undefined) return nothing(`held: ${hold.kind}`);
  if (known !== null && low) return settle(known, supply, debt, plan);
  if (known !== null && hold !== undefined) {
    const reason = `held: ${hold.kind}`;
    return { ...stay(known, 'stopped', reason), cancel: reason };
  }
  return advance(facts, plan, debt, supply, moment);
}

export function currentHold(holds: readonly Hold[], nowMs: number): Hold | undefined {
  return holds.find((h) => h.fromMs <= nowMs && (h.toMs === null || h.toMs > nowMs));
}

function nothing(why: string): Decision {
  return { case: undefined, cancel: undefined, effect: undefined, why };
}

type CaseState = 'open' | 'stopped' | 'restoring' | 'closed';

function stay(known: CaseFacts, state: CaseState, reason: string): Decision {
  const next = { state, round: known.round, reason };
  return { case: next, cancel: undefined, effect: undefined, why: reason };
}

/** Paid, or nearly: the case ends, unless a cut is under way whose outcome nobody knows yet. */
function settle(known: CaseFacts, supply: Supply, debt: Debt, plan: Plan): Decision {
  const paid = isNothing(debt.amount);
  const reason = paid ? 'paid' : `${debt.amount} is below the minimum of ${plan.minAmount}`;
  if (supply.kind === 'unclear') {
    const why = `${reason}; the outcome of disconnect ${supply.command.id} is awaited`;
    return { ...stay(known, known.state, known.reason), why };
  }
  return { ...stay(known, paid ? 'closed' : 'stopped', reason), cancel: reason };
}

function evaluateReconnect(
  known: CaseFacts,
  supply: Extract<Supply, { kind: 'cut' }>,
  debt: Debt,
  hold: Hold | undefined,
  nowMs: number,
): Decision {
  const reason =
    known.state === 'restoring'
      ? known.reason
      : isNothing(debt.amount)
        ? 'paid'
        : hold === undefined
          ? 'below the minimum'
          : `held: ${hold.kind}`;
  const keep = stay(known, 'restoring', reason);
  const last = supply.restoring;
  const ended = last && ['refused', 'expired', 'cancelled'].includes(last.state);
  if (last !== undefined && !ended)
    return { ...keep, why: `${last.action} ${last.id} is ${last.state}` };
  if (last !== undefined && nowMs < last.changedAtMs + LIMITS.collectionReconnectRetryMs) {
    return { ...keep, why: `${last.action} ${last.id} was ${last.state}; soon again` };
  }
  const tries = attempts(known, RECONNECT_STEP, known.round).length;
  if (tries >= LIMITS.collectionAttemptsMax) {
    const why = `${tries} orders to reconnect had no effect`;
    return { ...keep, effect: { kind: 'stuck', what: 'reconnect', why }, why };
  }
  const effect = {
    kind: 'reconnect',
    attempt: tries + 1,
    cut: supply.command,
    reason,
    debt,
  } as const;
  return { ...keep, effect, why: `supply is cut and may be restored: ${reason}` };
}

export function attempts(known: CaseFacts, step: string, round: number): StepRecord[] {
  return known.steps.filter((s) => s.step === step && s.round === round);
}

/** Enough is overdue and nothing holds it: the next step, if its day has come. */
function advance(
  facts: AccountFacts,
  plan: Plan,
  debt: Debt,
  supply: Supply,
  moment: Moment,
): Decision {
  const known = facts.case;
  const goesOn = known !== null && known.state !== 'open';
  let round = (known?.round ?? 1) + (goesOn ? 1 : 0);
  let reason = known === null ? 'overdue' : goesOn ? 'collected again' : known.reason;
  if (known !== null && !goesOn && noticeExpired(facts, plan, supply, moment)) {
    round += 1;
    reason = 'the final notice expired';
  }
  const keep: Decision = {
    case: { state: 'open', round, reason },
    cancel: undefined,
    effect: undefined,
    why: reason,
  };
  const { step, previous } = nextStep(plan, known, round);
  if (supply.kind === 'cut') return { ...keep, why: 'cut; waits for payment' };
  if (step === undefined) return { ...keep, why: 'all steps are done' };
  const due = dueDate(step, previous, debt.oldestDue as string, facts.timeZone, plan);
  if (moment.today < due) return { ...keep, why: `${step.code} is due on ${due}` };
  const minimum = step.minAmount ?? plan.minAmount;
  if (below(debt.amount, minimum)) {
    return { ...keep, why: `${step.code} needs ${minimum}, ${debt.amount} is overdue` };
  }
  if (step.action === 'disconnect') {
    return { ...keep, ...evaluateCut(facts, plan, step, { round, debt, supply, ...moment }) };
  }
  const cutNotBefore = step.action === 'final_notice' ? firstCutDate(plan, moment.today) : null;
  return {
    ...keep,
    effect: { kind: 'notice', step, debt, cutNotBefore },
    why: `${step.code} is due`,
  };
}

/** Steps of this round that are still to come; a later round begins at plan.resumeFrom. */
function nextStep(plan: Plan, known: CaseFacts | null, round: number) {
  const done = (known?.steps ?? []).filter((s) => s.round === round && s.action !== 'disconnect');
  const from = round === 1 ? 0 : plan.steps.findIndex((s) => s.code === plan.resumeFrom);
  const index = plan.steps.findIndex(
    (step, i) => i >= from && !done.some((record) => record.step === step.code),
  );
  const before = index > from ? plan.steps[index - 1] : undefined;
  const record = before && done.find((r) => r.step === before.code);
  return {
    step: plan.steps[index],
    previous: before && record ? { plan: before, atMs: record.atMs } : undefined,
  };
}

/** The local date from which the step may be taken. */
function dueDate(
  step: PlanStep,
  previous: { readonly plan: PlanStep; readonly atMs: number } | undefined,
  oldestDue: string,
  timeZone: string,
  plan: Plan,
): string {
  const base = addDays(oldestDue, step.offsetDays);
  // A round that begins in the middle: the step it begins with waits for nothing before it.
  if (previous === undefined) return step.after === 'due_date' ? base : oldestDue;
  const before = localDateOf(timeZone, previous.atMs);
  if (step.after === 'previous') return addDays(before, step.offsetDays);
  // Steps of a debt that is found late keep their distance from each other.
  const earlier = plan.steps
    .slice(0, plan.steps.indexOf(step))
    .findLast((s) => s.after === 'due_date');
  const apart = addDays(before, Math.max(1, step.offsetDays - (earlier?.offsetDays ?? 0)));
  if (base > apart) return base;
  return apart;
}

/** What a final notice says: notice age and distance of the cut from it, whichever is longer. */
function firstCutDate(plan: Plan, today: string): string | null {
  const cut = plan.steps.find((step) => step.action === 'disconnect');
  if (cut === undefined || cut.action !== 'disconnect') return null;
  const apart = cut.after === 'previous' ? cut.offsetDays : 0;
  return addDays(today, Math.max(cut.noticeAgeMinDays, apart));
}

/** Too old to cut on: it is served again, and its period runs again. */
function noticeExpired(facts: AccountFacts, plan: Plan, supply: Supply, moment: Moment): boolean {
  const notice = facts.case?.finalNotice;
  const cut = plan.steps.find((step) => step.action === 'disconnect');
  if (!notice || cut?.action !== 'disconnect' || supply.kind !== 'on') return false;
  if (notice.round !== facts.case?.round) return false;
  const served = localDateOf(facts.timeZone, notice.servedAtMs);
  return daysBetween(served, moment.today) > cut.noticeAgeMaxDays;
}
