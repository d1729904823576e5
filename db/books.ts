/** The double-entry ledger. A transaction's entries balance, or it does not commit. */
import type { Queryable, Row } from './pool.ts';

export interface LedgerEntry {
  /** 'receivable', 'revenue', 'tax.iva', 'cash', 'suspense'. */
  readonly ledgerAccount: string;
  readonly accountId: number | null;
  /** Decimal strings; a negative debit is written as a credit. */
  readonly debit?: string;
  readonly credit?: string;
}

export interface LedgerPosting {
  /** Local date the business says it belongs to. */
  readonly businessDate: string;
  readonly kind: 'invoice' | 'payment' | 'credit_note' | 'reversal';
  readonly reference: string;
  readonly idempotencyKey: string;
  readonly currency: string;
  readonly actor: string;
  readonly entries: readonly LedgerEntry[];
}

/** Posts many transactions at once; ids in the order given. */
export async function postLedger(
  tx: Queryable,
  postings: readonly LedgerPosting[],
): Promise<bigint[]> {
  if (postings.length === 0) return [];
  const rows = await tx.query<{ id: bigint; idempotency_key: string }>(
    `INSERT INTO ledger_transaction (business_date, kind, reference, idempotency_key, actor)
     SELECT "businessDate", kind, reference, "idempotencyKey", actor
     FROM jsonb_to_recordset($1::jsonb) AS r("businessDate" date, kind text, reference text,
       "idempotencyKey" text, actor text)
     RETURNING id, idempotency_key`,
    [JSON.stringify(postings.map(({ entries: _, ...head }) => head))],
  );
  const ids = new Map(rows.map((r) => [r.idempotency_key, r.id]));
  const entries = postings.flatMap((posting) =>
    posting.entries.map((entry, line) => ({
      id: String(ids.get(posting.idempotencyKey)),
      line,
      currency: posting.currency,
      ...signedSides(entry),
      ledgerAccount: entry.ledgerAccount,
      accountId: entry.accountId,
    })),
  );
  await tx.query(
    `INSERT INTO ledger_entry (transaction_id, line, ledger_account, account_id, currency, debit,
                               credit)
     SELECT id, line, "ledgerAccount", "accountId", currency, debit, credit
     FROM jsonb_to_recordset($1::jsonb) AS r(id bigint, line int, "ledgerAccount" text,
       "accountId" int, currency text, debit numeric, credit numeric)`,
    [JSON.stringify(entries)],
  );
  return postings.map((p) => ids.get(p.idempotencyKey) as bigint);
}

/** A negative amount stands on the other side: both columns hold amounts >= 0. */
function signedSides(entry: LedgerEntry): { debit: string; credit: string } {
  const debit = entry.debit ?? '0';
  const credit = entry.credit ?? '0';
  const negative = (text: string) => text.startsWith('-');
  if (negative(debit)) return { debit: credit, credit: debit.slice(1) };
  if (negative(credit)) return { debit: credit.slice(1), credit: debit };
  return { debit, credit };
}

export interface TrialBalanceRow extends Row {
  readonly ledger_account: string;
  readonly currency: string;
  readonly debit: string;
  readonly credit: string;
}

export function trialBalance(db: Queryable): Promise<TrialBalanceRow[]> {
  return db.query<TrialBalanceRow>(
    `SELECT ledger_account, currency, sum(debit) AS debit, sum(credit) AS credit
     FROM ledger_entry GROUP BY 1, 2 ORDER BY 1, 2`,
  );
}

/** What the account owes (positive) by currency, decimal string. */
export async function accountBalance(db: Queryable, accountId: number): Promise<string> {
  const [row] = await db.query<{ balance: string }>(
    'SELECT balance FROM account_balance WHERE account_id = $1',
    [accountId],
  );
  return row?.balance ?? '0';
}
