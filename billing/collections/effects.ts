/** What a decision does to the world: a notice served, a command ordered, a person called. */
import { insertEvent, insertNotice, insertStep, settleEvents } from '../../db/collections.ts';
import { createCommand } from '../../db/commands.ts';
import { Fault, formatInstant, hashOf, isFault, LIMITS, uuidV7 } from '../../domain/index.ts';
import { localDateOf } from '../calendar/local.ts';
import { type Effect, POLICY } from './model.ts';
import { noticeLanguage, noticeText, proofOf } from './notice-text.ts';
import { RECONNECT_STEP } from './schema.ts';
import type { Work } from './work.ts';

export interface CaseRef {
  readonly caseId: bigint;
  readonly round: number;
}

/** What was done, for counts and audit; 'none': it had been said before. */
export type EffectDone =
  | {
      readonly kind: 'notice';
      readonly step: string;
      readonly notice: string;
      readonly proof: string;
    }
  | { readonly kind: 'disconnect'; readonly step: string; readonly command: string }
  | { readonly kind: 'reconnect'; readonly command: string; readonly cut: string }
  | { readonly kind: 'blocked'; readonly step: string; readonly reasons: readonly string[] }
  | { readonly kind: 'stuck'; readonly what: string; readonly reason: string }
  | { readonly kind: 'none' };

type Of<K extends Effect['kind']> = Extract<Effect, { kind: K }>;

/** Version of the way gates are asked, kept with each decision. */
const ENGINE = 'collections-1';

export function perform(work: Work, ref: CaseRef, effect: Effect): Promise<EffectDone> {
  switch (effect.kind) {
    case 'notice':
      return serveNotice(work, ref, effect);
    case 'disconnect':
      return orderCut(work, ref, effect);
    case 'blocked':
      return sayBlocked(work, ref, effect);
    case 'reconnect':
      return orderReconnect(work, ref, effect);
    case 'stuck':
      return callPerson(work, ref, 'stuck', effect.what, effect.why, {});
  }
}

async function serveNotice(work: Work, ref: CaseRef, effect: Of<'notice'>): Promise<EffectDone> {
  const { tx, deps, nowMs, facts } = work;
  const { step, debt } = effect;
  const language = noticeLanguage(facts.language);
  const items = debt.items.slice(0, LIMITS.collectionEvidenceItemsMax);
  const body = noticeText(
    {
      kind: step.action,
      customer: facts.customer,
      account: facts.account,
      amount: debt.amount,
      currency: facts.currency,
      items: items.map(({ invoice, dueDate, open }) => ({ invoice, dueDate, open })),
      more: debt.items.length - items.length,
      cutNotBefore: effect.cutNotBefore,
    },
    language,
  );
  const proven = {
    id: uuidV7(nowMs, deps.random),
    accountId: facts.accountId,
    kind: step.action,
    channel: step.channel,
    language,
    body,
    servedAtMs: nowMs,
  };
  const proofHash = proofOf(proven);
  const taken = { ...ref, step: step.code, attempt: 1, action: step.action, atMs: nowMs };
  await insertStep(tx, { ...taken, commandId: null });
  await insertNotice(tx, {
    ...proven,
    ...ref,
    step: step.code,
    amount: debt.amount,
    currency: facts.currency,
    proofHash,
  });
  return { kind: 'notice', step: step.code, notice: proven.id, proof: proofHash };
}

async function orderCut(work: Work, ref: CaseRef, effect: Of<'disconnect'>): Promise<EffectDone> {
  const { tx, deps, nowMs, facts, guard } = work;
  const { step, attempt, inputs, gates } = effect;
  const meter = inputs.places[0]?.meter;
  const { window } = inputs;
  // The gates said so; said again, because a breaker hangs on it.
  if (!meter || window === null) throw new Fault('INTERNAL');
  const order = {
    id: uuidV7(nowMs, deps.random),
    meterSerial: meter.serial,
    action: 'disconnect' as const,
    requestedBy: POLICY,
    nowMs,
    notBeforeMs: window.fromMs,
    notAfterMs: window.toMs,
    decision: { ...about(work, ref), step, attempt, inputs, gates },
    idempotencyKey: stepKey(ref, step.code, attempt),
    guardsVersion: guard.version,
    ...(deps.jitter && { jitter: deps.jitter }),
  };
  const command = await ordered(() => createCommand(tx, order));
  if ('refused' in command) {
    return callPerson(work, ref, 'cut.impossible', step.code, command.refused, { gates });
  }
  if (command.accountId !== facts.accountId) throw new Fault('INTERNAL');
  const taken = { ...ref, step: step.code, attempt, action: 'disconnect' as const, atMs: nowMs };
  await insertStep(tx, { ...taken, commandId: command.id });
  await settleEvents(tx, ref.caseId, ['cut.blocked', 'cut.impossible'], nowMs);
  return { kind: 'disconnect', step: step.code, command: command.id };
}

async function orderReconnect(
  work: Work,
  ref: CaseRef,
  effect: Of<'reconnect'>,
): Promise<EffectDone> {
  const { tx, deps, nowMs, facts, known } = work;
  const { cut, attempt, reason, debt } = effect;
  const place = facts.places.find(
    (p) => p.servicePointId === cut.servicePointId && p.meter?.serial === cut.meterSerial,
  );
  const impossible = (why: string) =>
    callPerson(work, ref, 'reconnect.impossible', cut.id, why, { meter: cut.meterSerial });
  if (place === undefined)
    return impossible('the meter is not at a supply of the account any more');
  const command = await ordered(() =>
    createCommand(tx, {
      id: uuidV7(nowMs, deps.random),
      meterSerial: cut.meterSerial,
      action: known.plan.reconnect,
      requestedBy: POLICY,
      nowMs,
      notBeforeMs: nowMs,
      notAfterMs: nowMs + LIMITS.collectionReconnectMsMax,
      decision: {
        ...about(work, ref),
        reason,
        cut: cut.id,
        cutConfirmedAt: cut.confirmedAtMs === null ? null : formatInstant(cut.confirmedAtMs),
        attempt,
        overdue: debt.amount,
        minimum: known.plan.minAmount,
        place,
      },
      idempotencyKey: `${stepKey(ref, RECONNECT_STEP, attempt)}:${cut.id}`,
    }),
  );
  if ('refused' in command) return impossible(command.refused);
  const taken = {
    ...ref,
    step: RECONNECT_STEP,
    attempt,
    action: 'reconnect' as const,
    atMs: nowMs,
  };
  await insertStep(tx, { ...taken, commandId: command.id });
  await settleEvents(tx, ref.caseId, ['reconnect.impossible'], nowMs);
  return { kind: 'reconnect', command: command.id, cut: cut.id };
}

/** The command, or why it cannot be ordered: those refusals are made before anything is written. */
async function ordered(order: () => ReturnType<typeof createCommand>) {
  try {
    return (await order()).command;
  } catch (error) {
    const refusal = ['METER_UNKNOWN', 'COMMAND_REQUEST', 'COMMAND_GUARD'] as const;
    if (refusal.some((code) => isFault(error, code))) return { refused: (error as Fault).message };
    throw error;
  }
}

/** What every decision says of itself. */
function about({ known, facts, nowMs }: Work, ref: CaseRef) {
  return {
    engine: ENGINE,
    policy: POLICY,
    plan: { code: known.plan.code, revision: known.revision, hash: known.hash },
    case: String(ref.caseId),
    round: ref.round,
    account: facts.account,
    decidedAt: formatInstant(nowMs),
  };
}

function stepKey({ caseId, round }: CaseRef, step: string, attempt: number): string {
  return `collections:${caseId}:${round}:${step}:${attempt}`;
}

async function sayBlocked(work: Work, ref: CaseRef, effect: Of<'blocked'>): Promise<EffectDone> {
  const { step, gates, inputs } = effect;
  const against = gates.filter((g) => g.result !== 'allow');
  const reasons = against.map((g) => g.reason);
  // Lawful hours and the grace of a payment come and go by themselves.
  const needsPerson = against.some((g) => !['legal_window', 'payment'].includes(g.gate));
  return say(work, ref, {
    kind: 'cut.blocked',
    subject: step.code,
    reasons,
    needsPerson,
    detail: { step: step.code, reasons, gates, inputs },
    done: { kind: 'blocked', step: step.code, reasons },
  });
}

function callPerson(
  work: Work,
  ref: CaseRef,
  kind: string,
  subject: string,
  reason: string,
  detail: Readonly<Record<string, unknown>>,
): Promise<EffectDone> {
  return say(work, ref, {
    kind,
    subject,
    reasons: [reason],
    needsPerson: true,
    detail: { ...detail, what: subject, reason },
    done: { kind: 'stuck', what: subject, reason },
  });
}

/** Once a local day for the same reasons; the newest one is the one that counts. */
async function say(
  { tx, facts, nowMs }: Work,
  ref: CaseRef,
  event: {
    readonly kind: string;
    readonly subject: string;
    readonly reasons: readonly string[];
    readonly needsPerson: boolean;
    readonly detail: unknown;
    readonly done: EffectDone;
  },
): Promise<EffectDone> {
  const date = localDateOf(facts.timeZone, nowMs);
  const reasons = hashOf(event.reasons).slice(0, 16);
  const onceKey = `${event.kind}:${ref.caseId}:${ref.round}:${event.subject}:${date}:${reasons}`;
  const isNew = await insertEvent(tx, {
    accountId: facts.accountId,
    caseId: ref.caseId,
    atMs: nowMs,
    kind: event.kind,
    needsPerson: event.needsPerson,
    detail: event.detail,
    onceKey,
  });
  if (!isNew) return { kind: 'none' };
  await settleEvents(tx, ref.caseId, [event.kind], nowMs, onceKey);
  return event.done;
}
