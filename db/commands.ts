/** Commands are ordered here; approved and cancelled in command-approval.ts, sent in -claim.ts. */
import {
  type CommandAction,
  canonicalJson,
  Fault,
  formatInstant,
  hashOf,
  LIMITS,
  type RandomBytes,
} from '../domain/index.ts';
import { lockAccountGuard } from './account-guards.ts';
import {
  COMMAND_COLUMNS,
  type Command,
  type CommandRow,
  getCommand,
  toCommand,
} from './command-rows.ts';
import { recordCreation, transitionCommand } from './command-state.ts';
import { localMoment } from './legal-window.ts';
import type { Queryable } from './pool.ts';

/** The actions that go this way; `limit` and `clock` carry values, which a command does not yet. */
export const ORDERABLE: readonly CommandAction[] = ['disconnect', 'connect', 'arm', 'read'];

export interface CommandOrder {
  /** UUID version 7. */
  readonly id: string;
  readonly meterSerial: string;
  readonly action: CommandAction;
  /** The person or policy that asks; may not approve. */
  readonly requestedBy: string;
  readonly nowMs: number;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  /** Why, as evidence: JSON, kept and hashed; the hash is signed by the approver. */
  readonly decision: unknown;
  /** Same key, same order: the first command is returned. */
  readonly idempotencyKey: string;
  /** Version of the account's guard that the decision was made on; default: as of now. */
  readonly guardsVersion?: bigint;
  /** Random start 0-15 min after `notBeforeMs`, for cuts that come in numbers (threat T10). */
  readonly jitter?: RandomBytes;
}

interface Place extends Record<string, unknown> {
  meter_id: number;
  has_breaker: boolean;
  service_point_id: number;
  feeder: string;
  transformer: string;
  time_zone: string;
}

/**
 * Makes a command in the caller's transaction. Throws METER_UNKNOWN, COMMAND_REQUEST,
 * COMMAND_GUARD (the account is blocked) or IDEMPOTENCY_REUSED. A read needs no approval and is
 * queued at once.
 */
export async function createCommand(
  tx: Queryable,
  order: CommandOrder,
): Promise<{ command: Command; created: boolean }> {
  const place = await findPlace(tx, order);
  const notBeforeMs = order.notBeforeMs + jitterMs(order.jitter);
  checkOrder(order, place, notBeforeMs);
  const account = await accountAt(tx, place, order.nowMs);
  const guards = await guardsFor(tx, order, account);
  const [row] = await tx.query<CommandRow>(
    `INSERT INTO command (id, meter_id, meter_serial, service_point_id, account_id, feeder,
       transformer, action, requested_by, requested_at, not_before, not_after, decision,
       decision_hash, guards_version, idempotency_key, changed_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13::jsonb, $14, $15, $16, $10)
     ON CONFLICT (idempotency_key) DO NOTHING RETURNING ${COMMAND_COLUMNS}`,
    [
      order.id,
      place.meter_id,
      order.meterSerial,
      place.service_point_id,
      account,
      place.feeder,
      place.transformer,
      order.action,
      order.requestedBy,
      formatInstant(order.nowMs),
      formatInstant(notBeforeMs),
      formatInstant(order.notAfterMs),
      canonicalJson(order.decision),
      hashOf(order.decision),
      guards,
      order.idempotencyKey,
    ],
  );
  if (row === undefined) return { command: await sameOrder(tx, order), created: false };
  const command = toCommand(row);
  await recordCreation(tx, command, order.requestedBy, { decisionHash: command.decisionHash });
  if (order.action !== 'read') return { command, created: true };
  const step = { id: order.id, actor: order.requestedBy, atMs: order.nowMs };
  await transitionCommand(tx, { ...step, from: 'requested', to: 'approved' });
  await transitionCommand(tx, { ...step, from: 'approved', to: 'queued' });
  return { command: (await getCommand(tx, order.id)) as Command, created: true };
}

function jitterMs(random: RandomBytes | undefined): number {
  if (random === undefined) return 0;
  return Buffer.from(random(4)).readUInt32BE(0) % LIMITS.commandJitterMsMax;
}

async function findPlace(tx: Queryable, order: CommandOrder): Promise<Place> {
  const [place] = await tx.query<Place>(
    `SELECT m.id AS meter_id, m.has_breaker, s.id AS service_point_id, s.feeder, s.transformer,
            s.time_zone
     FROM meter m
     LEFT JOIN installation i ON i.meter_id = m.id AND i.from_at <= $2
       AND (i.to_at IS NULL OR i.to_at > $2)
     LEFT JOIN service_point s ON s.id = i.service_point_id
     WHERE m.serial = $1`,
    [order.meterSerial, formatInstant(order.nowMs)],
  );
  if (place === undefined) throw new Fault('METER_UNKNOWN', { meter: order.meterSerial });
  return place;
}

function checkOrder(order: CommandOrder, place: Place, notBeforeMs: number): void {
  const refuse = (detail: string) => {
    throw new Fault('COMMAND_REQUEST', { detail });
  };
  if (!ORDERABLE.includes(order.action)) refuse(`action ${order.action} is not carried`);
  if (place.service_point_id === null) refuse(`meter ${order.meterSerial} is not installed`);
  if (order.action !== 'read' && !place.has_breaker) {
    refuse(`meter ${order.meterSerial} has no breaker`);
  }
  if (order.notAfterMs <= notBeforeMs) refuse('notAfter must lie after notBefore');
  if (order.notAfterMs <= order.nowMs) refuse('notAfter is past');
  if (order.notAfterMs - order.nowMs > LIMITS.commandHorizonMsMax) refuse('notAfter is too far');
  const decision = canonicalJson(order.decision);
  // What jsonb cannot keep would not hash the same when the sender reads it back.
  if (/\\u0000|\\ud[89a-f]/i.test(decision)) refuse('the decision holds text that is no Unicode');
  if (decision.length > LIMITS.commandDecisionBytesMax) {
    refuse(`the decision exceeds ${LIMITS.commandDecisionBytesMax} bytes`);
  }
}

/** Whose agreement is in force at the place on the local date; null when nobody's. */
export async function accountAt(
  tx: Queryable,
  place: { readonly service_point_id: number; readonly time_zone: string },
  atMs: number,
): Promise<number | null> {
  const date = localMoment(atMs, place.time_zone)?.date;
  if (date === undefined) {
    throw new Fault('COMMAND_REQUEST', { detail: `time zone ${place.time_zone} is not known` });
  }
  const [row] = await tx.query<{ account_id: number }>(
    `SELECT account_id FROM agreement WHERE service_point_id = $1 AND from_date <= $2::date
       AND (to_date IS NULL OR to_date > $2::date)`,
    [place.service_point_id, date],
  );
  return row?.account_id ?? null;
}

async function guardsFor(
  tx: Queryable,
  order: CommandOrder,
  account: number | null,
): Promise<bigint | null> {
  if (order.action !== 'disconnect' || account === null) return null;
  const guard = await lockAccountGuard(tx, account);
  const blocks = Object.keys(guard.blocks);
  if (blocks.length > 0) {
    throw new Fault('COMMAND_GUARD', { id: order.id, detail: blocks.join(', ') });
  }
  return order.guardsVersion ?? guard.version;
}

async function sameOrder(tx: Queryable, order: CommandOrder): Promise<Command> {
  const [row] = await tx.query<CommandRow>(
    `SELECT ${COMMAND_COLUMNS} FROM command WHERE idempotency_key = $1`,
    [order.idempotencyKey],
  );
  const command = toCommand(row as CommandRow);
  const same =
    command.meterSerial === order.meterSerial &&
    command.action === order.action &&
    command.requestedBy === order.requestedBy &&
    command.decisionHash === hashOf(order.decision);
  if (!same) throw new Fault('IDEMPOTENCY_REUSED', { key: order.idempotencyKey });
  return command;
}
