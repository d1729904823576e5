/** Reads everything that a decision about an account rests on, under the account's guard. */
import type { AccountGuard } from '../../db/account-guards.ts';
import { holdsOf } from '../../db/collection-holds.ts';
import {
  type BreakerCommandRow,
  breakerCommands,
  type CaseRow,
  collectedAccount,
  lastFinalNotice,
  openCaseOf,
  type PlaceRow,
  paymentState,
  placesOf,
  receivables,
  stepsOf,
} from '../../db/collection-reads.ts';
import type { Queryable } from '../../db/pool.ts';
import { Fault, LIMITS } from '../../domain/index.ts';
import { exact, exactText } from '../rating/exact.ts';
import type { AccountFacts, BreakerCommand, CaseFacts, Hold, Place, Receivable } from './model.ts';
import { proofOf } from './notice-text.ts';
import type { HoldKind } from './schema.ts';

/** Blocks in the account's guard that stand for holds begin with this. */
export const HOLD_BLOCK = 'hold.';

export interface LoadedFacts {
  readonly facts: AccountFacts;
  readonly branch: string;
  readonly caseRow: CaseRow | undefined;
}

/** The guard must be locked by the caller's transaction. Throws ACCOUNT_UNKNOWN. */
export async function loadFacts(
  tx: Queryable,
  guard: AccountGuard,
  nowMs: number,
  heard?: bigint,
): Promise<LoadedFacts> {
  const { accountId } = guard;
  const account = await collectedAccount(tx, accountId);
  if (account === undefined) throw new Fault('ACCOUNT_UNKNOWN', { account: accountId });
  const books = await loadBooks(tx, accountId);
  const payments = await paymentState(tx, accountId, heard);
  const caseRow = await openCaseOf(tx, accountId);
  const commands = await breakerCommands(tx, accountId, LIMITS.collectionCommandsRead);
  const places = await placesOf(tx, accountId, nowMs);
  const facts: AccountFacts = {
    accountId,
    account: account.number,
    currency: account.currency,
    customer: account.customer_name,
    language: account.customer_language,
    timeZone: account.time_zone,
    ...books,
    payments: { unheard: Number(payments.unheard), lastReceivedMs: payments.last_received_at },
    holds: await loadHolds(tx, accountId),
    otherBlocks: otherBlocks(guard),
    commands: commands.map(toBreakerCommand),
    case: caseRow === undefined ? null : await loadCase(tx, caseRow),
    places: places.map(toPlace),
  };
  return { facts, branch: account.branch, caseRow };
}

function toBreakerCommand(row: BreakerCommandRow): BreakerCommand {
  return {
    id: row.id,
    action: row.action,
    state: row.state,
    requestedBy: row.requested_by,
    requestedAtMs: row.requested_at,
    confirmedAtMs: row.confirmed_at,
    changedAtMs: row.changed_at,
    meterSerial: row.meter_serial,
    servicePointId: row.service_point_id,
  };
}

function toPlace(row: PlaceRow): Place {
  const meter = row.serial !== null && {
    serial: row.serial,
    hasBreaker: row.has_breaker === true,
    breaker: row.breaker_state ?? 'unknown',
    installedFromMs: row.installed_from as number,
  };
  return {
    servicePointId: row.service_point_id,
    servicePoint: row.service_point,
    timeZone: row.time_zone,
    protection: row.protection,
    protectionCheckedMs: row.protection_checked_at,
    meter: meter || null,
  };
}

async function loadBooks(tx: Queryable, accountId: number) {
  const list: Receivable[] = [];
  let credits = exact('0');
  for (const row of await receivables(tx, accountId)) {
    if (row.invoice === null) credits = credits.minus(exact(row.amount));
    else {
      list.push({
        invoice: row.invoice,
        servicePointId: row.service_point_id as number,
        dueDate: row.due_date as string,
        amount: exactText(exact(row.amount)),
      });
    }
  }
  return { receivables: list, credits: exactText(credits) };
}

async function loadHolds(tx: Queryable, accountId: number): Promise<Hold[]> {
  const rows = await holdsOf(tx, accountId);
  return rows
    .filter((row) => row.released_at === null)
    .map((row) => ({
      id: String(row.id),
      kind: row.kind as HoldKind,
      fromMs: row.from_at,
      toMs: row.to_at,
      reason: row.reason,
    }));
}

function otherBlocks(guard: AccountGuard): Record<string, string> {
  return Object.fromEntries(
    Object.entries(guard.blocks).filter(([kind]) => !kind.startsWith(HOLD_BLOCK)),
  );
}

async function loadCase(tx: Queryable, row: CaseRow): Promise<CaseFacts> {
  const steps = await stepsOf(tx, row.id);
  const notice = await lastFinalNotice(tx, row.id);
  return {
    id: row.id,
    state: row.state as CaseFacts['state'],
    round: row.round,
    reason: row.reason,
    steps: steps.map((s) => ({
      round: s.round,
      step: s.step,
      attempt: s.attempt,
      action: s.action,
      atMs: s.at,
      commandId: s.command_id,
    })),
    finalNotice:
      notice === undefined
        ? null
        : {
            id: notice.id,
            round: notice.round,
            servedAtMs: notice.served_at,
            channel: notice.channel,
            proofHash: notice.proof_hash,
            computedHash: proofOf({
              id: notice.id,
              accountId: row.account_id,
              kind: notice.kind,
              channel: notice.channel,
              language: notice.language,
              body: notice.body,
              servedAtMs: notice.served_at,
            }),
          },
  };
}
