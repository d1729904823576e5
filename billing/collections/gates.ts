/**
 * What must hold before a cut is ordered. Each gate looks at its inputs only and says allow, block
 * or unknown with the evidence; unknown blocks. The inputs are stored with the order, so that
 * the same gates give the same answers years later.
 */
import { DAY_MS, formatInstant, HOUR_MS, LIMITS } from '../../domain/index.ts';
import { daysBetween, localDateOf } from '../calendar/local.ts';
import { exact } from '../rating/exact.ts';
import type { Hold, Place, ServedNotice } from './model.ts';
import type { CutWindow } from './window.ts';

export interface GateInputs {
  readonly nowMs: number;
  readonly timeZone: string;
  readonly overdue: {
    readonly amount: string;
    readonly minimum: string;
    readonly oldestDue: string | null;
    /** Number of open invoices; the first of them by due date are listed. */
    readonly count: number;
    readonly invoices: readonly { readonly invoice: string; readonly open: string }[];
  };
  readonly notice: ServedNotice | null;
  readonly noticeAgeMinDays: number;
  readonly noticeAgeMaxDays: number;
  readonly holds: readonly Hold[];
  readonly blocks: Readonly<Record<string, string>>;
  readonly payments: {
    readonly unheard: number;
    readonly lastReceivedMs: number | null;
    readonly graceHours: number;
  };
  /** The places that the overdue invoices are for; a cut needs exactly one. */
  readonly places: readonly Place[];
  readonly installedDaysMin: number;
  readonly unknownBreaker: 'allow' | 'block';
  readonly window: CutWindow | null;
}

export interface GateResult {
  readonly gate: string;
  readonly result: 'allow' | 'block' | 'unknown';
  readonly reason: string;
  readonly evidence: Readonly<Record<string, unknown>>;
}

type Answer = Omit<GateResult, 'gate'>;
export type Gate = (inputs: GateInputs) => Answer;

const answer =
  (result: GateResult['result']) =>
  (reason: string, evidence: Readonly<Record<string, unknown>> = {}): Answer => ({
    result,
    reason,
    evidence,
  });
const allow = answer('allow');
const block = answer('block');
const unknown = answer('unknown');

const amount: Gate = ({ overdue }) => {
  const { amount: owed, minimum } = overdue;
  if (!exact(owed).greaterThan(0)) return block('nothing is overdue', overdue);
  if (exact(owed).lessThan(exact(minimum))) {
    return block(`${owed} is below the minimum of ${minimum}`, overdue);
  }
  return allow(`${owed} overdue, minimum ${minimum}`, overdue);
};

const finalNotice: Gate = (inputs) => {
  const { notice, window, nowMs, timeZone } = inputs;
  if (notice === null) return block('no final notice was served');
  const { id, servedAtMs, proofHash, computedHash, channel } = notice;
  const evidence = { id, channel, servedAt: formatInstant(servedAtMs), proofHash };
  if (proofHash !== computedHash) {
    return unknown('the notice does not fit its proof', { ...evidence, computedHash });
  }
  const served = localDateOf(timeZone, servedAtMs);
  const young = daysBetween(served, localDateOf(timeZone, window?.fromMs ?? nowMs));
  const old = daysBetween(served, localDateOf(timeZone, window?.toMs ?? nowMs));
  if (young < inputs.noticeAgeMinDays) {
    return block(
      `the final notice is ${young} days old, ${inputs.noticeAgeMinDays} are needed`,
      evidence,
    );
  }
  if (old > inputs.noticeAgeMaxDays) {
    return block(`the final notice expired after ${inputs.noticeAgeMaxDays} days`, evidence);
  }
  return allow(`final notice served ${young} days before`, evidence);
};

/** A hold that begins before the order would end counts: the cut could fall into it. */
const hold: Gate = ({ holds, blocks, window, nowMs }) => {
  const untilMs = window?.toMs ?? nowMs;
  const current = holds.filter((h) => h.fromMs <= untilMs && (h.toMs === null || h.toMs > nowMs));
  const kinds = [...current.map((h) => h.kind), ...Object.keys(blocks)];
  const evidence = { holds: current, blocks };
  if (kinds.length > 0) return block(`held: ${kinds.join(', ')}`, evidence);
  return allow('no hold, no dispute', evidence);
};

const payment: Gate = ({ payments, nowMs }) => {
  const { unheard, lastReceivedMs, graceHours } = payments;
  const evidence = {
    unheard,
    graceHours,
    lastReceivedAt: lastReceivedMs === null ? null : formatInstant(lastReceivedMs),
  };
  if (unheard > 0) return block('a payment has not been taken into account yet', evidence);
  if (lastReceivedMs !== null && lastReceivedMs > nowMs - graceHours * HOUR_MS) {
    return block(`a payment came less than ${graceHours} h ago`, evidence);
  }
  return allow('no payment pending', evidence);
};

const place: Gate = ({ places }) => {
  const evidence = { servicePoints: places.map((p) => p.servicePoint) };
  if (places.length === 0)
    return unknown('no place of the debt is supplied to the account', evidence);
  if (places.length > 1) return unknown('the debt does not name one supply', evidence);
  return allow(`the debt is of ${places[0]?.servicePoint}`, evidence);
};

const protection: Gate = ({ places, nowMs }) => {
  const at = places[0];
  if (at === undefined) return unknown('no place, no evidence');
  const checkedMs = at.protectionCheckedMs;
  const evidence = {
    servicePoint: at.servicePoint,
    protection: at.protection,
    checkedAt: checkedMs === null ? null : formatInstant(checkedMs),
  };
  if (at.protection === 'protected') return block('somebody there is protected', evidence);
  if (at.protection !== 'none') return unknown('protection is not known', evidence);
  const ageMs = nowMs - (checkedMs ?? Number.NaN);
  if (!(ageMs >= -LIMITS.futureToleranceMs && ageMs <= LIMITS.protectionAgeMsMax)) {
    return unknown('the evidence on protection is not fresh', evidence);
  }
  return allow('nobody there is protected', evidence);
};

const meter: Gate = ({ places, nowMs, installedDaysMin }) => {
  const at = places[0];
  const found = at?.meter;
  if (at === undefined || found === undefined || found === null) {
    return unknown('no meter is installed', { servicePoint: at?.servicePoint ?? null });
  }
  const { serial, hasBreaker, installedFromMs } = found;
  const evidence = { serial, hasBreaker, installedFrom: formatInstant(installedFromMs) };
  if (!hasBreaker) return block(`meter ${serial} has no breaker`, evidence);
  if (nowMs - installedFromMs < installedDaysMin * DAY_MS) {
    return block(`meter ${serial} was installed less than ${installedDaysMin} days ago`, evidence);
  }
  return allow(`meter ${serial} is installed and has a breaker`, evidence);
};

const breaker: Gate = ({ places, unknownBreaker }) => {
  const found = places[0]?.meter ?? null;
  if (found === null) return unknown('no meter, no breaker');
  const evidence = { serial: found.serial, breaker: found.breaker };
  if (found.breaker === 'closed') return allow('the breaker is closed', evidence);
  if (found.breaker !== 'unknown')
    return block(`the breaker is ${found.breaker} already`, evidence);
  if (unknownBreaker === 'block') return unknown('the breaker never told its position', evidence);
  return allow('the breaker never told its position; the plan allows that', evidence);
};

const legalWindow: Gate = ({ window }) => {
  if (window === null) return block('no lawful hours begin within a day');
  return allow('lawful hours', {
    from: formatInstant(window.fromMs),
    to: formatInstant(window.toMs),
  });
};

export const GATES: Readonly<Record<string, Gate>> = {
  amount,
  final_notice: finalNotice,
  hold,
  payment,
  place,
  protection,
  meter,
  breaker,
  legal_window: legalWindow,
};

/** All gates, also behind one that blocks: who looks at it wants to see everything. */
export function askGates(inputs: GateInputs): GateResult[] {
  return Object.entries(GATES).map(([gate, ask]) => ({ gate, ...ask(inputs) }));
}

export function mayCut(results: readonly GateResult[]): boolean {
  return results.length > 0 && results.every((r) => r.result === 'allow');
}
