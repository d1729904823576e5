/** Commands between the order and the sending: approved, queued, superseded, cancelled. */
import { type Approval, type CommandState, Fault, mayBecome } from '../domain/index.ts';
import { lockAccountGuard } from './account-guards.ts';
import {
  COMMAND_COLUMNS,
  type Command,
  type CommandRow,
  getCommand,
  lockCommand,
  toCommand,
} from './command-rows.ts';
import { transitionCommand } from './command-state.ts';
import type { Queryable } from './pool.ts';

/** Any fixed number: the class of the per-meter locks under which commands are queued. */
const METER_QUEUE_LOCK = 7_211_906;

export interface ApprovalGrant {
  readonly id: string;
  /** Verified by the caller; the sender verifies it again with keys of its own. */
  readonly approval: Approval;
  readonly approvedBy: string;
  readonly atMs: number;
}

/**
 * Approves and, when no other command is under way on the meter, queues. An approved connect
 * cancels older disconnects of the meter that have not been sent. Throws COMMAND_UNKNOWN,
 * COMMAND_STATE, COMMAND_STALE or SECOND_PERSON.
 */
export async function approveCommand(tx: Queryable, grant: ApprovalGrant): Promise<Command> {
  const seen = await getCommand(tx, grant.id);
  if (seen === undefined) throw new Fault('COMMAND_UNKNOWN', { id: grant.id });
  if (seen.requestedBy === grant.approvedBy) {
    throw new Fault('SECOND_PERSON', { what: 'approving a command', actor: grant.approvedBy });
  }
  const waiting = await lockWaiting(tx, seen.meterId);
  const command = waiting.find((c) => c.id === grant.id && c.state === 'requested');
  if (command === undefined) {
    throw new Fault('COMMAND_STATE', { id: grant.id, state: seen.state, wanted: 'approved' });
  }
  if (grant.atMs >= command.notAfterMs) throw new Fault('COMMAND_STALE', { id: grant.id });
  const step = { actor: grant.approvedBy, atMs: grant.atMs };
  await transitionCommand(tx, {
    ...step,
    id: command.id,
    from: 'requested',
    to: 'approved',
    set: {
      approval_key_id: grant.approval.keyId,
      approval_signature: grant.approval.signature,
      approved_by: grant.approvedBy,
      approved_at: grant.atMs,
    },
    detail: { keyId: grant.approval.keyId },
  });
  if (command.action !== 'disconnect') await supersede(tx, command, waiting, step);
  await queueIfFree(tx, command, step);
  return (await getCommand(tx, grant.id)) as Command;
}

/** All commands of the meter that were not sent, locked, in one order for everybody. */
async function lockWaiting(tx: Queryable, meterId: number): Promise<Command[]> {
  await tx.query('SELECT pg_advisory_xact_lock($1, $2)', [METER_QUEUE_LOCK, meterId]);
  const rows = await tx.query<CommandRow>(
    `SELECT ${COMMAND_COLUMNS} FROM command
     WHERE meter_id = $1 AND state IN ('requested', 'approved', 'queued')
     ORDER BY id FOR UPDATE`,
    [meterId],
  );
  return rows.map(toCommand);
}

interface Step {
  readonly actor: string;
  readonly atMs: number;
}

async function supersede(tx: Queryable, by: Command, waiting: readonly Command[], step: Step) {
  for (const older of waiting) {
    if (older.action !== 'disconnect' || older.requestedAtMs > by.requestedAtMs) continue;
    await transitionCommand(tx, {
      ...step,
      id: older.id,
      from: older.state,
      to: 'cancelled',
      set: { reason: `superseded by ${by.action} ${by.id}` },
    });
  }
}

async function queueIfFree(tx: Queryable, command: Command, step: Step): Promise<boolean> {
  const [busy] = await tx.query(
    `SELECT 1 FROM command WHERE meter_id = $1 AND action <> 'read'
       AND state IN ('queued', 'sent', 'accepted', 'indeterminate')`,
    [command.meterId],
  );
  if (busy !== undefined) return false;
  return transitionCommand(tx, { ...step, id: command.id, from: 'approved', to: 'queued' });
}

/** An approved command whose meter is free by now goes to the queue. False: not yet. */
export async function promoteApproved(tx: Queryable, id: string, step: Step): Promise<boolean> {
  const seen = await getCommand(tx, id);
  if (seen === undefined) return false;
  const waiting = await lockWaiting(tx, seen.meterId);
  const command = waiting.find((c) => c.id === id && c.state === 'approved');
  return command !== undefined && (await queueIfFree(tx, command, step));
}

/** Throws COMMAND_UNKNOWN, and COMMAND_STATE once bytes may have left. */
export async function cancelCommand(
  tx: Queryable,
  id: string,
  cancel: Step & { readonly reason: string },
): Promise<Command> {
  const command = await lockCommand(tx, id);
  if (command === undefined) throw new Fault('COMMAND_UNKNOWN', { id });
  if (!mayBecome(command.state, 'cancelled')) {
    throw new Fault('COMMAND_STATE', { id, state: command.state, wanted: 'cancelled' });
  }
  await cancelFrom(tx, id, command.state, cancel);
  return (await getCommand(tx, id)) as Command;
}

/**
 * Cancels every disconnect of the account that was not sent; for the transaction of a payment.
 * Returns their ids. One that was sent already stays: it needs a connect.
 */
export async function cancelAccountDisconnects(
  tx: Queryable,
  accountId: number,
  cancel: Step & { readonly reason: string },
): Promise<string[]> {
  await lockAccountGuard(tx, accountId);
  const rows = await tx.query<{ id: string; state: CommandState }>(
    `SELECT id, state FROM command WHERE account_id = $1 AND action = 'disconnect'
       AND state IN ('requested', 'approved', 'queued') ORDER BY id FOR UPDATE`,
    [accountId],
  );
  for (const row of rows) await cancelFrom(tx, row.id, row.state, cancel);
  return rows.map((row) => row.id);
}

function cancelFrom(
  tx: Queryable,
  id: string,
  from: CommandState,
  cancel: Step & { readonly reason: string },
): Promise<boolean> {
  const { actor, atMs, reason } = cancel;
  return transitionCommand(tx, { id, from, to: 'cancelled', actor, atMs, set: { reason } });
}
