/**
 * The one way a command changes state: compare-and-set on the state it is believed to have, with
 * the event, the audit row and the outbox row in the same transaction.
 */
import {
  type BreakerState,
  type CommandState,
  canonicalJson,
  Fault,
  formatInstant,
  mayBecome,
} from '../domain/index.ts';
import { appendAudit } from './audit.ts';
import { type Command, lockCommand } from './command-rows.ts';
import { writeOutbox } from './outbox.ts';
import type { Database, Queryable } from './pool.ts';

/** Columns a transition may set beside the state; instants in epoch ms. */
export interface CommandSet {
  readonly approval_key_id?: string;
  readonly approval_signature?: string;
  readonly approved_by?: string;
  readonly approved_at?: number;
  readonly attempts?: 1;
  readonly sender?: string;
  readonly nonce?: string;
  readonly feeder?: string;
  readonly transformer?: string;
  readonly deadline_at?: number;
  readonly sent_at?: number;
  readonly answered_at?: number;
  readonly indeterminate_at?: number;
  readonly confirmed_at?: number;
  readonly next_try_at?: number | null;
  readonly rereads?: number;
  /** Stored as jsonb. */
  readonly result?: Readonly<Record<string, unknown>>;
  readonly reason?: string | null;
}

const INSTANTS: ReadonlySet<string> = new Set([
  'approved_at',
  'deadline_at',
  'sent_at',
  'answered_at',
  'indeterminate_at',
  'confirmed_at',
  'next_try_at',
]);

export interface CommandChange {
  readonly id: string;
  readonly from: CommandState;
  readonly to: CommandState;
  readonly actor: string;
  readonly atMs: number;
  readonly set?: CommandSet;
  readonly detail?: Readonly<Record<string, unknown>>;
}

/**
 * False when the command is no longer in `from`: somebody else was first and nothing was written.
 * Throws COMMAND_STATE for a transition that the domain does not know.
 */
export async function transitionCommand(tx: Queryable, change: CommandChange): Promise<boolean> {
  if (!mayBecome(change.from, change.to)) {
    throw new Fault('COMMAND_STATE', { id: change.id, state: change.from, wanted: change.to });
  }
  const moved = await update(tx, change.id, change.from, {
    ...change.set,
    state: change.to,
    changed_at: change.atMs,
  });
  if (moved === undefined) return false;
  await writeEvent(tx, change);
  await writeAudit(tx, change, moved);
  return true;
}

/** A fact about a command whose state stays: held and why, read back and what it said. */
export async function noteCommand(
  tx: Queryable,
  note: Omit<CommandChange, 'from' | 'to'> & { readonly state: CommandState },
): Promise<boolean> {
  const set = { ...note.set, changed_at: note.atMs };
  if ((await update(tx, note.id, note.state, set)) === undefined) return false;
  if (note.detail !== undefined) {
    await writeEvent(tx, { ...note, from: note.state, to: note.state });
  }
  return true;
}

/** The first event of a command's life. */
export async function recordCreation(
  tx: Queryable,
  command: Command,
  actor: string,
  detail: Readonly<Record<string, unknown>>,
): Promise<void> {
  const change = {
    id: command.id,
    from: null,
    to: command.state,
    actor,
    atMs: command.requestedAtMs,
    detail,
  };
  await writeEvent(tx, change);
  await writeAudit(tx, change, {
    meter_serial: command.meterSerial,
    action: command.action,
    account_id: command.accountId,
    reason: command.reason,
  });
}

interface Moved extends Record<string, unknown> {
  meter_serial: string;
  action: string;
  account_id: number | null;
  reason: string | null;
}

async function update(
  tx: Queryable,
  id: string,
  from: CommandState,
  set: CommandSet & { state?: CommandState; changed_at: number },
): Promise<Moved | undefined> {
  const columns = Object.entries(set).filter(([, value]) => value !== undefined);
  const assignments = columns.map(([column], i) =>
    column === 'result' ? `${column} = $${i + 3}::jsonb` : `${column} = $${i + 3}`,
  );
  const values = columns.map(([column, value]) => {
    if (column === 'result') return canonicalJson(value);
    const instant = column === 'changed_at' || INSTANTS.has(column);
    return instant && typeof value === 'number' ? formatInstant(value) : value;
  });
  const [row] = await tx.query<Moved>(
    `UPDATE command SET ${assignments.join(', ')} WHERE id = $1 AND state = $2
     RETURNING meter_serial, action, account_id, reason`,
    [id, from, ...values],
  );
  return row;
}

interface Event {
  readonly id: string;
  readonly from: CommandState | null;
  readonly to: CommandState;
  readonly actor: string;
  readonly atMs: number;
  readonly set?: CommandSet;
  readonly detail?: Readonly<Record<string, unknown>>;
}

/** The command row is locked by now, so the next number is ours. */
async function writeEvent(tx: Queryable, event: Event): Promise<void> {
  const reason = event.set?.reason;
  await tx.query(
    `INSERT INTO command_event (command_id, seq, at, from_state, to_state, actor, detail)
     SELECT $1, coalesce(max(seq), 0) + 1, $2, $3, $4, $5, $6::jsonb
     FROM command_event WHERE command_id = $1`,
    [
      event.id,
      formatInstant(event.atMs),
      event.from,
      event.to,
      event.actor,
      canonicalJson({ ...(typeof reason === 'string' && { reason }), ...event.detail }),
    ],
  );
}

async function writeAudit(tx: Queryable, event: Event, moved: Moved): Promise<void> {
  const detail = {
    from: event.from,
    to: event.to,
    meter: moved.meter_serial,
    action: moved.action,
    ...(typeof event.set?.reason === 'string' && { reason: event.set.reason }),
    ...event.detail,
  };
  const told = {
    ...detail,
    commandId: event.id,
    accountId: moved.account_id,
    at: formatInstant(event.atMs),
    actor: event.actor,
  };
  await writeOutbox(tx, 'command.changed', [{ key: event.id, payload: told }]);
  // Last: the head of the audit chain is the lock that everybody shares.
  await appendAudit(tx, {
    chain: 'command',
    actor: event.actor,
    action: `command.${event.to}`,
    subjectKind: 'command',
    subjectId: event.id,
    detail,
  });
}

export interface Settlement {
  readonly id: string;
  /** Only when it is in this state; default: in any that may end so. */
  readonly from?: CommandState;
  readonly to: 'confirmed' | 'refused';
  readonly actor: string;
  readonly atMs: number;
  readonly reason?: string;
  readonly output: BreakerState | undefined;
  readonly control: BreakerState | undefined;
  readonly detail?: Readonly<Record<string, unknown>>;
}

/** Ends a command that was sent, from whichever of the sent states it is in; sets the meter. */
export async function settleCommand(db: Database, end: Settlement): Promise<boolean> {
  return db.transaction(async (tx) => {
    const command = await lockCommand(tx, end.id);
    if (command === undefined || !mayBecome(command.state, end.to)) return false;
    if (end.from !== undefined && command.state !== end.from) return false;
    await recordBreaker(tx, command.meterId, end.output, end.control, end.atMs);
    return transitionCommand(tx, {
      id: end.id,
      from: command.state,
      to: end.to,
      actor: end.actor,
      atMs: end.atMs,
      set: {
        ...(end.reason !== undefined && { reason: end.reason }),
        ...(end.to === 'confirmed' && { confirmed_at: end.atMs }),
        result: { output: end.output, control: end.control },
        next_try_at: null,
      },
      ...(end.detail !== undefined && { detail: end.detail }),
    });
  });
}

/** What the meter said of its breaker: 'ready' when it waits for a hand, else the relay itself. */
export async function recordBreaker(
  tx: Queryable,
  meterId: number,
  output: BreakerState | undefined,
  control: BreakerState | undefined,
  atMs: number,
): Promise<void> {
  const state = control === 'ready' && output === 'open' ? 'ready' : output;
  if (state === undefined) return;
  await tx.query('UPDATE meter SET breaker_state = $2, breaker_at = $3 WHERE id = $1', [
    meterId,
    state,
    formatInstant(atMs),
  ]);
}
