/**
 * The row that a payment and a disconnect both lock (promise 6, threat T08). A command remembers
 * the version it was decided on; whoever changes a fact that may forbid the cut raises it.
 */
import { canonicalJson } from '../domain/index.ts';
import type { Queryable } from './pool.ts';

export interface AccountGuard {
  readonly accountId: number;
  readonly version: bigint;
  /** Decimal string in the account's currency; null when nobody has said. */
  readonly payableOpen: string | null;
  /** Kind of block -> why. Any entry forbids a disconnect. */
  readonly blocks: Readonly<Record<string, string>>;
}

export interface GuardChange {
  /** Why, in a few words, e.g. 'payment P-17 posted'. */
  readonly reason: string;
  readonly payableOpen?: string;
  /** Replaces all blocks. */
  readonly blocks?: Readonly<Record<string, string>>;
}

interface GuardRow extends Record<string, unknown> {
  account_id: number;
  version: bigint;
  payable_open: string | null;
  blocks: Record<string, string>;
}

const COLUMNS = 'account_id, version, payable_open, blocks';

/**
 * Locks the account's guard until the transaction ends and tells what it says; made when missing.
 * Lock order for everybody: account guard before command row.
 */
export async function lockAccountGuard(tx: Queryable, accountId: number): Promise<AccountGuard> {
  await tx.query('INSERT INTO account_guard (account_id) VALUES ($1) ON CONFLICT DO NOTHING', [
    accountId,
  ]);
  const [row] = await tx.query<GuardRow>(
    `SELECT ${COLUMNS} FROM account_guard WHERE account_id = $1 FOR UPDATE`,
    [accountId],
  );
  return toGuard(row as GuardRow);
}

/**
 * Says that something changed which may forbid a disconnect. Call it in the transaction of the
 * change (a payment posted, a dispute opened, an arrangement made); every command decided before
 * is cancelled in the moment it would be sent.
 */
export async function bumpAccountGuard(
  tx: Queryable,
  accountId: number,
  change: GuardChange,
): Promise<AccountGuard> {
  await lockAccountGuard(tx, accountId);
  const [row] = await tx.query<GuardRow>(
    `UPDATE account_guard
     SET version = version + 1, reason = $2, payable_open = coalesce($3, payable_open),
         blocks = coalesce($4::jsonb, blocks), changed_at = clock_timestamp()
     WHERE account_id = $1 RETURNING ${COLUMNS}`,
    [
      accountId,
      change.reason,
      change.payableOpen ?? null,
      change.blocks === undefined ? null : canonicalJson(change.blocks),
    ],
  );
  return toGuard(row as GuardRow);
}

function toGuard(row: GuardRow): AccountGuard {
  return {
    accountId: row.account_id,
    version: row.version,
    payableOpen: row.payable_open,
    blocks: row.blocks,
  };
}
