/** What the gateways look for in the table of commands: Redis only hints, these rows decide. */
import { type CommandState, DAY_MS, formatInstant } from '../domain/index.ts';
import { promoteApproved } from './command-approval.ts';
import {
  COMMAND_COLUMNS,
  type Command,
  type CommandRow,
  lockCommand,
  toCommand,
} from './command-rows.ts';
import { transitionCommand } from './command-state.ts';
import type { Database, Queryable } from './pool.ts';

export interface SweepStep {
  readonly actor: string;
  readonly atMs: number;
  readonly limit: number;
}

/** Ends what was not sent in time. Returns how many. */
export async function expireDue(db: Database, step: SweepStep): Promise<number> {
  const due = await db.query<{ id: string }>(
    `SELECT id FROM command WHERE state IN ('requested', 'approved', 'queued') AND not_after <= $1
     ORDER BY not_after LIMIT $2`,
    [formatInstant(step.atMs), step.limit],
  );
  let expired = 0;
  for (const { id } of due) {
    const moved = await db.transaction(async (tx) => {
      const command = await lockCommand(tx, id);
      const waits = command && ['requested', 'approved', 'queued'].includes(command.state);
      if (!waits) return false;
      return transitionCommand(tx, {
        id,
        from: command.state,
        to: 'expired',
        actor: step.actor,
        atMs: step.atMs,
        set: { reason: 'deadline passed' },
      });
    });
    if (moved) expired += 1;
  }
  return expired;
}

/** Queues approved commands whose meter became free, oldest first. Returns how many. */
export async function promoteDue(db: Database, step: SweepStep): Promise<number> {
  const rows = await db.query<{ id: string }>(
    `SELECT a.id FROM command a WHERE a.state = 'approved' AND NOT EXISTS (
       SELECT FROM command b WHERE b.meter_id = a.meter_id AND b.action <> 'read'
         AND b.state IN ('queued', 'sent', 'accepted', 'indeterminate'))
     ORDER BY a.id LIMIT $1`,
    [step.limit],
  );
  let promoted = 0;
  for (const { id } of rows) {
    if (await db.transaction((tx) => promoteApproved(tx, id, step))) promoted += 1;
  }
  return promoted;
}

export interface QueuedCommand {
  readonly id: string;
  readonly meterSerial: string;
}

/** Queued and due for a try, in order of id, beginning after `afterId`. */
export async function queuedDue(
  db: Queryable,
  atMs: number,
  afterId: string,
  limit: number,
): Promise<QueuedCommand[]> {
  const rows = await db.query<{ id: string; meter_serial: string }>(
    `SELECT id, meter_serial FROM command
     WHERE state = 'queued' AND id > $2 AND (next_try_at IS NULL OR next_try_at <= $1)
     ORDER BY id LIMIT $3`,
    [formatInstant(atMs), afterId, limit],
  );
  return rows.map((row) => ({ id: row.id, meterSerial: row.meter_serial }));
}

/** Sent or accepted by `sender` itself before it started, or by anybody who fell silent. */
export async function orphanedCommands(
  db: Queryable,
  who: { readonly sender: string } | { readonly silentSinceMs: number },
  limit: number,
): Promise<Command[]> {
  const own = 'sender' in who;
  const rows = await db.query<CommandRow>(
    `SELECT ${COMMAND_COLUMNS} FROM command WHERE state IN ('sent', 'accepted')
       AND ${own ? 'sender = $1' : 'changed_at < $1'} ORDER BY id LIMIT $2`,
    [own ? who.sender : formatInstant(who.silentSinceMs), limit],
  );
  return rows.map(toCommand);
}

/** Indeterminate and due to be read back again. */
export async function unclearDue(
  db: Queryable,
  atMs: number,
  rereadsMax: number,
  limit: number,
): Promise<Command[]> {
  const rows = await db.query<CommandRow>(
    `SELECT ${COMMAND_COLUMNS} FROM command WHERE state = 'indeterminate' AND rereads < $2
       AND (next_try_at IS NULL OR next_try_at <= $1) ORDER BY next_try_at NULLS FIRST LIMIT $3`,
    [formatInstant(atMs), rereadsMax, limit],
  );
  return rows.map(toCommand);
}

/** How many commands are in each state that is not final, and how many moved in the last day. */
export async function commandCounts(
  db: Queryable,
  atMs: number,
): Promise<Partial<Record<CommandState, number>>> {
  const rows = await db.query<{ state: CommandState; n: bigint }>(
    `SELECT state, count(*) AS n FROM command
     WHERE state NOT IN ('confirmed', 'refused', 'expired', 'cancelled') OR changed_at > $1
     GROUP BY state`,
    [formatInstant(atMs - DAY_MS)],
  );
  return Object.fromEntries(rows.map((row) => [row.state, Number(row.n)]));
}
