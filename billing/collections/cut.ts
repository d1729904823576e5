/** The last step of a plan: whether a disconnect is ordered now. */
import { LIMITS } from '../../domain/index.ts';
import { localDateOf } from '../calendar/local.ts';
import { askGates, type GateInputs, mayCut } from './gates.ts';
import type { AccountFacts, Debt, Decision } from './model.ts';
import type { DisconnectStepPlan, Plan } from './schema.ts';
import type { Supply } from './supply.ts';
import { nextWindow } from './window.ts';

export interface CutQuestion {
  readonly round: number;
  readonly debt: Debt;
  readonly supply: Supply;
  readonly nowMs: number;
  readonly today: string;
}

/** One order at a time, one a local day, and only when every gate allows it. */
export function evaluateCut(
  facts: AccountFacts,
  plan: Plan,
  step: DisconnectStepPlan,
  question: CutQuestion,
): Pick<Decision, 'effect' | 'why'> {
  const { supply, today, round } = question;
  const wait = (why: string) => ({ effect: undefined, why });
  if (supply.kind === 'ordered' || supply.kind === 'unclear') {
    return wait(`disconnect ${supply.command.id} is ${supply.command.state}`);
  }
  const tries = (facts.case?.steps ?? []).filter((s) => s.step === step.code && s.round === round);
  if (tries.some((s) => localDateOf(facts.timeZone, s.atMs) >= today)) {
    return wait('a disconnect was ordered today');
  }
  if (tries.length >= LIMITS.collectionAttemptsMax) {
    const why = `${tries.length} orders to disconnect had no effect`;
    return { effect: { kind: 'stuck', what: step.code, why }, why };
  }
  const inputs = gateInputs(facts, plan, step, question);
  const gates = askGates(inputs);
  if (mayCut(gates)) {
    const attempt = tries.length + 1;
    return { effect: { kind: 'disconnect', step, attempt, inputs, gates }, why: 'all gates allow' };
  }
  const reasons = gates.filter((g) => g.result !== 'allow').map((g) => g.reason);
  return { effect: { kind: 'blocked', step, inputs, gates }, why: reasons.join('; ') };
}

function gateInputs(
  facts: AccountFacts,
  plan: Plan,
  step: DisconnectStepPlan,
  { debt, nowMs, round }: CutQuestion,
): GateInputs {
  const owed = new Set(debt.items.map((item) => item.servicePointId));
  const places = facts.places.filter((place) => owed.has(place.servicePointId));
  const timeZone = places[0]?.timeZone ?? facts.timeZone;
  const notice = facts.case?.finalNotice ?? null;
  return {
    nowMs,
    timeZone,
    overdue: {
      amount: debt.amount,
      minimum: step.minAmount ?? plan.minAmount,
      oldestDue: debt.oldestDue,
      count: debt.items.length,
      invoices: debt.items
        .slice(0, LIMITS.collectionEvidenceItemsMax)
        .map(({ invoice, open }) => ({ invoice, open })),
    },
    notice: notice?.round === round ? notice : null,
    noticeAgeMinDays: step.noticeAgeMinDays,
    noticeAgeMaxDays: step.noticeAgeMaxDays,
    holds: facts.holds,
    blocks: facts.otherBlocks,
    payments: { ...facts.payments, graceHours: plan.paymentGraceHours },
    places,
    installedDaysMin: plan.installedDaysMin,
    unknownBreaker: plan.unknownBreaker,
    window: nextWindow(plan.window, timeZone, nowMs) ?? null,
  };
}
