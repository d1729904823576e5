/**
 * The last decision before bytes leave: in one transaction every guard is asked again and the
 * command becomes `sent`, or is held with a reason, or ends. Only a committed claim may be sent.
 */
import {
  type Clock,
  type CommandState,
  formatInstant,
  hashOf,
  LIMITS,
  parseInstant,
} from '../domain/index.ts';
import { type AccountGuard, lockAccountGuard } from './account-guards.ts';
import { type Command, getCommand, lockCommand } from './command-rows.ts';
import { noteCommand, transitionCommand } from './command-state.ts';
import { accountAt } from './commands.ts';
import { holdKillSwitch, lockBreakers } from './control.ts';
import { type GovernorLimits, governorCounts, governorHold } from './governor.ts';
import { type LegalWindow, outsideWindow } from './legal-window.ts';
import { type Database, type Queryable, SERIALIZATION_FAILURES, sqlState } from './pool.ts';

export interface ClaimRules {
  readonly clock: Clock;
  /** A simulated clock need not agree with the database's. Never set in production. */
  readonly clockIsSimulated: boolean;
  readonly limits: GovernorLimits;
  /** Meters with a breaker, counted within the last minute; default: counted for this claim. */
  readonly fleetMeters?: number;
  readonly window: LegalWindow;
  /** What is wrong with the approval, by keys that are not in this database; undefined: nothing. */
  readonly verify: (command: Command) => string | undefined;
  /** Name of the sending process, kept in the row. */
  readonly sender: string;
  readonly nonce: string;
}

export type ClaimOutcome =
  | { readonly kind: 'sent'; readonly command: Command }
  | { readonly kind: 'held'; readonly reason: string }
  | {
      readonly kind: 'ended';
      readonly state: 'expired' | 'cancelled' | 'refused';
      readonly reason: string;
    }
  /** Not queued (any more): somebody else has it, or it never was. */
  | { readonly kind: 'gone'; readonly state: CommandState | undefined };

interface Holding {
  readonly hold: string;
  readonly untilMs?: number;
  readonly detail?: Record<string, unknown>;
}

interface Ending {
  readonly end: 'expired' | 'cancelled' | 'refused';
  readonly reason: string;
}

type Verdict = Holding | Ending;

interface Case {
  readonly tx: Queryable;
  readonly command: Command;
  readonly rules: ClaimRules;
  readonly nowMs: number;
  readonly guard: AccountGuard | undefined;
  readonly place: Place | undefined;
}

interface Place extends Record<string, unknown> {
  service_point_id: number;
  serial: string;
  has_breaker: boolean;
  feeder: string;
  transformer: string;
  time_zone: string;
  protection: 'none' | 'protected' | 'unknown';
  protection_checked_at: number | null;
}

/** Throws when the database cannot be asked: then nothing is sent. */
export async function claimForSend(
  db: Database,
  id: string,
  rules: ClaimRules,
): Promise<ClaimOutcome> {
  try {
    return await db.transaction((tx) => decide(tx, id, rules));
  } catch (error) {
    if (!SERIALIZATION_FAILURES.includes(sqlState(error) ?? '')) throw error;
    return { kind: 'held', reason: 'database contention' };
  }
}

/** Locks in the order of everybody: breakers, kill switch, account guard, command. */
async function decide(tx: Queryable, id: string, rules: ClaimRules): Promise<ClaimOutcome> {
  const seen = await getCommand(tx, id);
  if (seen?.state !== 'queued') return { kind: 'gone', state: seen?.state };
  const moves = seen.action !== 'read';
  // A flood of forged rows must not hold up the others: no lock is needed to refuse one.
  const forged = moves ? paperVerdict(seen, rules) : undefined;
  if (forged !== undefined) return end(tx, id, rules, rules.clock.nowMs(), forged);
  if (moves) await lockBreakers(tx);
  const killed = moves && (await holdKillSwitch(tx)).on;
  const guarded = seen.action === 'disconnect' && seen.accountId !== null;
  const guard = guarded ? await lockAccountGuard(tx, seen.accountId as number) : undefined;
  const command = await lockCommand(tx, id);
  if (command?.state !== 'queued') return { kind: 'gone', state: command?.state };
  const nowMs = await agreedNow(tx, rules);
  if (nowMs === undefined) {
    return hold(tx, command, rules, rules.clock.nowMs(), { hold: 'clocks disagree' });
  }
  if (killed) return hold(tx, command, rules, nowMs, { hold: 'kill switch' });
  const place = await placeOf(tx, command, nowMs);
  const found = { tx, command, rules, nowMs, guard, place };
  const verdict = await judge(found);
  if (verdict === undefined) return markSent(found);
  if ('hold' in verdict) return hold(tx, command, rules, nowMs, verdict);
  return end(tx, id, rules, nowMs, verdict);
}

async function end(
  tx: Queryable,
  id: string,
  rules: ClaimRules,
  atMs: number,
  verdict: Ending,
): Promise<ClaimOutcome> {
  const step = { id, from: 'queued', to: verdict.end, actor: rules.sender, atMs } as const;
  const ended = await transitionCommand(tx, { ...step, set: { reason: verdict.reason } });
  if (!ended) return { kind: 'gone', state: undefined };
  return { kind: 'ended', state: verdict.end, reason: verdict.reason };
}

/** The database's time, which all gateways share; undefined when our own clock is in doubt. */
async function agreedNow(tx: Queryable, rules: ClaimRules): Promise<number | undefined> {
  if (rules.clockIsSimulated) return rules.clock.nowMs();
  const [row] = await tx.query<{ now: number }>('SELECT clock_timestamp() AS now');
  const databaseMs = row?.now ?? Number.NaN;
  const apartMs = Math.abs(databaseMs - rules.clock.nowMs());
  return apartMs <= LIMITS.commandClockDoubtMs ? databaseMs : undefined;
}

async function placeOf(tx: Queryable, command: Command, nowMs: number): Promise<Place | undefined> {
  const [place] = await tx.query<Place>(
    `SELECT s.id AS service_point_id, m.serial, m.has_breaker, s.feeder, s.transformer, s.time_zone,
            s.protection, s.protection_checked_at
     FROM meter m
     JOIN installation i ON i.meter_id = m.id AND i.from_at <= $2
       AND (i.to_at IS NULL OR i.to_at > $2)
     JOIN service_point s ON s.id = i.service_point_id
     WHERE m.id = $1 FOR SHARE OF s`,
    [command.meterId, formatInstant(nowMs)],
  );
  return place;
}

async function judge(found: Case): Promise<Verdict | undefined> {
  const { command } = found;
  const early = timeVerdict(found);
  if (early !== undefined || command.action === 'read') return early;
  return (
    paperVerdict(command, found.rules) ??
    placeVerdict(found) ??
    (command.action === 'disconnect' ? await cutVerdict(found) : undefined) ??
    (await budgetVerdict(found))
  );
}

function timeVerdict({ command, nowMs }: Case): Verdict | undefined {
  if (nowMs >= command.notAfterMs) return { end: 'expired', reason: 'deadline passed' };
  if (nowMs < command.notBeforeMs) return { hold: 'not before', untilMs: command.notBeforeMs };
  if (nowMs >= lastMomentMs(command)) {
    return { end: 'expired', reason: 'too old since it was due and approved' };
  }
  return undefined;
}

/** A cut is due when approved and begun; LIMITS.commandAgeMsMax later it is stale (T05). */
export function lastMomentMs(command: Command): number {
  if (command.action !== 'disconnect') return command.notAfterMs;
  const dueMs = Math.max(command.notBeforeMs, command.approvedAtMs ?? command.requestedAtMs);
  return Math.min(command.notAfterMs, dueMs + LIMITS.commandAgeMsMax);
}

function paperVerdict(command: Command, rules: ClaimRules): Ending | undefined {
  if (command.approvedBy === command.requestedBy) {
    return { end: 'refused', reason: 'approval: by the one who asked' };
  }
  if (hashOf(command.decision) !== command.decisionHash) {
    return { end: 'refused', reason: 'approval: the decision is not the one that was hashed' };
  }
  const problem = rules.verify(command);
  return problem === undefined ? undefined : { end: 'refused', reason: `approval: ${problem}` };
}

function placeVerdict({ command, place }: Case): Verdict | undefined {
  if (place === undefined || place.service_point_id !== command.servicePointId) {
    return { end: 'cancelled', reason: 'the meter is not installed there any more' };
  }
  if (place.serial !== command.meterSerial) {
    return { end: 'refused', reason: 'the serial is not the meter’s' };
  }
  if (!place.has_breaker) return { end: 'refused', reason: 'the meter has no breaker' };
  return undefined;
}

async function cutVerdict(found: Case): Promise<Verdict | undefined> {
  const { tx, command, nowMs, rules, guard } = found;
  const place = found.place as Place;
  if (place.protection === 'protected') return { end: 'cancelled', reason: 'protected' };
  if (place.protection !== 'none') return { hold: 'protection unknown' };
  const checkedMs = place.protection_checked_at;
  const ageMs = nowMs - (checkedMs ?? Number.NaN);
  if (!(ageMs >= -LIMITS.futureToleranceMs && ageMs <= LIMITS.protectionAgeMsMax)) {
    return { hold: 'protection evidence is not fresh' };
  }
  const closed = outsideWindow(rules.window, nowMs, place.time_zone);
  if (closed !== undefined) return { hold: 'legal window', detail: { closed } };
  if ((await accountAt(tx, place, nowMs)) !== command.accountId) {
    return { end: 'cancelled', reason: 'another agreement is in force' };
  }
  if (guard === undefined) return undefined;
  if (guard.version !== command.guardsVersion) {
    return { end: 'cancelled', reason: 'guards changed' };
  }
  const blocks = Object.keys(guard.blocks);
  if (blocks.length > 0) return { end: 'cancelled', reason: `blocked: ${blocks.join(', ')}` };
  return undefined;
}

async function budgetVerdict({ tx, command, nowMs, rules, place }: Case) {
  const counts = await governorCounts(tx, {
    action: command.action,
    meterId: command.meterId,
    feeder: (place as Place).feeder,
    transformer: (place as Place).transformer,
    requestedBy: command.requestedBy,
    approvalKeyId: command.approval?.keyId ?? '',
    atMs: nowMs,
    ...(rules.fleetMeters !== undefined && { fleetMeters: rules.fleetMeters }),
  });
  const over = governorHold(command.action, counts, rules.limits);
  if (over === undefined) return undefined;
  return { hold: `governor: ${over.bound}`, detail: { count: over.count, max: over.max } };
}

/** Held, not dropped: it stays queued and is looked at again; each new reason is one event. */
async function hold(
  tx: Queryable,
  command: Command,
  rules: ClaimRules,
  nowMs: number,
  verdict: Holding,
): Promise<ClaimOutcome> {
  const retryMs = nowMs + LIMITS.commandHoldRetryMs;
  const news = command.reason !== verdict.hold;
  await noteCommand(tx, {
    id: command.id,
    state: 'queued',
    actor: rules.sender,
    atMs: nowMs,
    set: { next_try_at: verdict.untilMs ?? retryMs, reason: verdict.hold },
    ...(news && { detail: { held: verdict.hold, ...verdict.detail } }),
  });
  return { kind: 'held', reason: verdict.hold };
}

async function markSent({ tx, command, rules, nowMs, place }: Case): Promise<ClaimOutcome> {
  // The meter reads whole seconds at best; what it is told is what the row says.
  const deadlineMs = parseInstant(formatInstant(lastMomentMs(command))) as number;
  const moved = await transitionCommand(tx, {
    id: command.id,
    from: 'queued',
    to: 'sent',
    actor: rules.sender,
    atMs: nowMs,
    set: {
      attempts: 1,
      sender: rules.sender,
      nonce: rules.nonce,
      sent_at: nowMs,
      deadline_at: deadlineMs,
      next_try_at: null,
      reason: null,
      ...(place && { feeder: place.feeder, transformer: place.transformer }),
    },
  });
  if (!moved) return { kind: 'gone', state: undefined };
  return { kind: 'sent', command: (await getCommand(tx, command.id)) as Command };
}
