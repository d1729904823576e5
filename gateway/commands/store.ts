/** The table of commands as the sender sees it. */
import { type ClaimRules, claimForSend } from '../../db/command-claim.ts';
import { type Command, getCommand, lockCommand } from '../../db/command-rows.ts';
import {
  type CommandChange,
  noteCommand,
  settleCommand,
  transitionCommand,
} from '../../db/command-state.ts';
import {
  expireDue,
  orphanedCommands,
  promoteDue,
  queuedDue,
  unclearDue,
} from '../../db/command-sweeps.ts';
import { countFleet, GOVERNOR_DEFAULTS, type GovernorLimits } from '../../db/governor.ts';
import type { LegalWindow } from '../../db/legal-window.ts';
import type { Database } from '../../db/pool.ts';
import { type Clock, type CommandState, LIMITS, mayBecome } from '../../domain/index.ts';
import { type ApproverKeys, approvalProblem } from './approvals.ts';
import type { CommandStore } from './ports.ts';

export interface CommandStoreOptions {
  readonly db: Database;
  readonly clock: Clock;
  /** Only for simulated time; then the database's clock is not asked. */
  readonly clockIsSimulated?: boolean;
  /** Name of this process, the same after a restart, different from all others. */
  readonly instance: string;
  readonly approverKeys: ApproverKeys;
  readonly window: LegalWindow;
  /** Only downwards; default: LIMITS. */
  readonly limits?: GovernorLimits;
}

export function databaseCommandStore(options: CommandStoreOptions): CommandStore {
  const { db, clock } = options;
  const actor = `gateway:${options.instance}`;
  const rules: Omit<ClaimRules, 'nonce'> = {
    clock,
    clockIsSimulated: options.clockIsSimulated ?? false,
    limits: options.limits ?? GOVERNOR_DEFAULTS,
    window: options.window,
    verify: (command) => approvalProblem(command, command.approval, options.approverKeys),
    sender: actor,
  };
  const move = mover(options, actor);
  const step = () => ({ actor, atMs: clock.nowMs(), limit: LIMITS.commandSweepRows });

  const claim = claimsInTurn(options, rules);

  return {
    get: (id) => getCommand(db, id),
    claim,
    accepted: (id, detail) =>
      move(id, 'accepted', (atMs) => ({ set: { answered_at: atMs }, detail })),
    unclear: (id, reason) =>
      move(id, 'indeterminate', (atMs) => ({
        set: {
          reason,
          indeterminate_at: atMs,
          next_try_at: atMs + LIMITS.commandRereadMsMin,
        },
      })),
    settle: (id, to, seen, reason) =>
      settleCommand(db, {
        id,
        to,
        actor,
        atMs: clock.nowMs(),
        ...seen,
        ...(reason !== undefined && { reason }),
      }),
    async reread(command: Command, nextTryAtMs, seen, answered) {
      await db.transaction((tx) =>
        noteCommand(tx, {
          id: command.id,
          state: 'indeterminate',
          actor,
          atMs: clock.nowMs(),
          set: {
            rereads: command.rereads + 1,
            next_try_at: nextTryAtMs,
            ...(answered && { answered_at: clock.nowMs() }),
          },
          detail: { ...seen, answered },
        }),
      );
    },
    expireDue: () => expireDue(db, step()),
    promoteDue: () => promoteDue(db, step()),
    queuedDue: (afterId, limit) => queuedDue(db, clock.nowMs(), afterId, limit),
    ownOrphans: () => orphanedCommands(db, { sender: actor }, LIMITS.commandSweepRows),
    silentOrphans: (silentSinceMs) =>
      orphanedCommands(db, { silentSinceMs }, LIMITS.commandSweepRows),
    unclearDue: (limit) => unclearDue(db, clock.nowMs(), LIMITS.commandRereadsMax, limit),
  };
}

type Mover = (
  id: string,
  to: CommandState,
  change: (atMs: number) => Pick<CommandChange, 'set' | 'detail'>,
) => Promise<boolean>;

/** From whichever state allows it; false when none does (any more). */
function mover({ db, clock }: CommandStoreOptions, actor: string): Mover {
  return (id, to, change) =>
    db.transaction(async (tx) => {
      const command = await lockCommand(tx, id);
      if (command === undefined || !mayBecome(command.state, to)) return false;
      const atMs = clock.nowMs();
      return transitionCommand(tx, { id, from: command.state, to, actor, atMs, ...change(atMs) });
    });
}

/** Claims wait for one lock anyway; one at a time leaves the connections to a stop. */
function claimsInTurn(
  { db, clock }: CommandStoreOptions,
  rules: Omit<ClaimRules, 'nonce'>,
): CommandStore['claim'] {
  let counted = { meters: 0, untilMs: Number.NEGATIVE_INFINITY };
  async function fleet(): Promise<number> {
    if (clock.monotonicMs() >= counted.untilMs) {
      const meters = await countFleet(db);
      counted = { meters, untilMs: clock.monotonicMs() + LIMITS.commandFleetCountMs };
    }
    return counted.meters;
  }
  let turn: Promise<unknown> = Promise.resolve();
  return (id, nonce, begun) => {
    const mine = turn.then(async () => {
      const fleetMeters = await fleet();
      begun();
      return claimForSend(db, id, { ...rules, nonce, fleetMeters });
    });
    turn = mine.catch(() => {});
    return mine;
  };
}
