/** A command as the rooms see it, and how it is read from its row. */
import {
  type Approval,
  type ApprovalPayload,
  type CommandAction,
  type CommandState,
  formatInstant,
} from '../domain/index.ts';
import type { Queryable } from './pool.ts';

export interface Command {
  readonly id: string;
  readonly meterId: number;
  readonly meterSerial: string;
  readonly servicePointId: number;
  readonly accountId: number | null;
  readonly action: CommandAction;
  readonly state: CommandState;
  readonly requestedBy: string;
  readonly requestedAtMs: number;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  readonly decision: unknown;
  readonly decisionHash: string;
  readonly guardsVersion: bigint | null;
  readonly idempotencyKey: string;
  readonly approval: Approval | undefined;
  readonly approvedBy: string | null;
  readonly approvedAtMs: number | null;
  /** Who sent it; set with `sentAtMs`. */
  readonly sender: string | null;
  readonly nonce: string | null;
  /** What the meter was told as the last moment. */
  readonly deadlineAtMs: number | null;
  readonly sentAtMs: number | null;
  readonly answeredAtMs: number | null;
  readonly indeterminateAtMs: number | null;
  readonly confirmedAtMs: number | null;
  readonly changedAtMs: number;
  readonly nextTryAtMs: number | null;
  readonly rereads: number;
  readonly result: unknown;
  readonly reason: string | null;
}

export interface CommandEvent {
  readonly seq: number;
  readonly atMs: number;
  readonly from: CommandState | null;
  readonly to: CommandState;
  readonly actor: string;
  readonly detail: unknown;
}

export interface CommandRow extends Record<string, unknown> {
  id: string;
  meter_id: number;
  meter_serial: string;
  service_point_id: number;
  account_id: number | null;
  action: CommandAction;
  state: CommandState;
  requested_by: string;
  requested_at: number;
  not_before: number;
  not_after: number;
  decision: unknown;
  decision_hash: string;
  guards_version: bigint | null;
  idempotency_key: string;
  approval_key_id: string | null;
  approval_signature: string | null;
  approved_by: string | null;
  approved_at: number | null;
  sender: string | null;
  nonce: string | null;
  deadline_at: number | null;
  sent_at: number | null;
  answered_at: number | null;
  indeterminate_at: number | null;
  confirmed_at: number | null;
  changed_at: number;
  next_try_at: number | null;
  rereads: number;
  result: unknown;
  reason: string | null;
}

export const COMMAND_COLUMNS = `id, meter_id, meter_serial, service_point_id, account_id, action,
  state, requested_by, requested_at, not_before, not_after, decision, decision_hash, guards_version,
  idempotency_key, approval_key_id, approval_signature, approved_by, approved_at, sender, nonce,
  deadline_at, sent_at, answered_at, indeterminate_at, confirmed_at, changed_at, next_try_at,
  rereads, result, reason`;

export function toCommand(row: CommandRow): Command {
  return {
    id: row.id,
    meterId: row.meter_id,
    meterSerial: row.meter_serial,
    servicePointId: row.service_point_id,
    accountId: row.account_id,
    action: row.action,
    state: row.state,
    requestedBy: row.requested_by,
    requestedAtMs: row.requested_at,
    notBeforeMs: row.not_before,
    notAfterMs: row.not_after,
    decision: row.decision,
    decisionHash: row.decision_hash,
    guardsVersion: row.guards_version,
    idempotencyKey: row.idempotency_key,
    approval:
      row.approval_key_id === null || row.approval_signature === null
        ? undefined
        : { keyId: row.approval_key_id, signature: row.approval_signature },
    approvedBy: row.approved_by,
    approvedAtMs: row.approved_at,
    sender: row.sender,
    nonce: row.nonce,
    deadlineAtMs: row.deadline_at,
    sentAtMs: row.sent_at,
    answeredAtMs: row.answered_at,
    indeterminateAtMs: row.indeterminate_at,
    confirmedAtMs: row.confirmed_at,
    changedAtMs: row.changed_at,
    nextTryAtMs: row.next_try_at,
    rereads: row.rereads,
    result: row.result,
    reason: row.reason,
  };
}

/** Exactly what an approver signs and the sender verifies. */
export function approvalPayloadOf(command: Command): ApprovalPayload {
  return {
    commandId: command.id,
    meterSerial: command.meterSerial,
    action: command.action,
    notBefore: formatInstant(command.notBeforeMs),
    notAfter: formatInstant(command.notAfterMs),
    decisionHash: command.decisionHash,
  };
}

export async function getCommand(db: Queryable, id: string): Promise<Command | undefined> {
  const [row] = await db.query<CommandRow>(`SELECT ${COMMAND_COLUMNS} FROM command WHERE id = $1`, [
    id,
  ]);
  return row && toCommand(row);
}

/** Locked until the transaction ends. Lock the account's guard before, never after. */
export async function lockCommand(tx: Queryable, id: string): Promise<Command | undefined> {
  const [row] = await tx.query<CommandRow>(
    `SELECT ${COMMAND_COLUMNS} FROM command WHERE id = $1 FOR UPDATE`,
    [id],
  );
  return row && toCommand(row);
}

export async function commandEvents(db: Queryable, id: string): Promise<CommandEvent[]> {
  const rows = await db.query<{
    seq: number;
    at: number;
    from_state: CommandState | null;
    to_state: CommandState;
    actor: string;
    detail: unknown;
  }>(
    `SELECT seq, at, from_state, to_state, actor, detail FROM command_event
     WHERE command_id = $1 ORDER BY seq`,
    [id],
  );
  return rows.map((row) => ({
    seq: row.seq,
    atMs: row.at,
    from: row.from_state,
    to: row.to_state,
    actor: row.actor,
    detail: row.detail,
  }));
}

export interface CommandFilter {
  readonly state?: CommandState;
  readonly meterSerial?: string;
  readonly accountId?: number;
  /** Only ids below this one: the cursor of the previous page (newest first). */
  readonly before?: string;
  readonly limit: number;
}

/** Newest first: the ids are version-7 UUIDs. */
export async function listCommands(db: Queryable, filter: CommandFilter): Promise<Command[]> {
  const rows = await db.query<CommandRow>(
    `SELECT ${COMMAND_COLUMNS} FROM command
     WHERE ($1::text IS NULL OR state = $1) AND ($2::text IS NULL OR meter_serial = $2)
       AND ($3::int IS NULL OR account_id = $3) AND ($4::uuid IS NULL OR id < $4)
     ORDER BY id DESC LIMIT $5`,
    [
      filter.state ?? null,
      filter.meterSerial ?? null,
      filter.accountId ?? null,
      filter.before ?? null,
      filter.limit,
    ],
  );
  return rows.map(toCommand);
}
