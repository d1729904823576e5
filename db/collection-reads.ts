/** What a decision of collections rests on: debt, payments, commands, places, the case so far. */
import { type CommandAction, type CommandState, formatInstant } from '../domain/index.ts';
import type { Queryable, Row } from './pool.ts';

export interface CollectedAccount extends Row {
  readonly id: number;
  readonly number: string;
  readonly branch: string;
  readonly currency: string;
  readonly customer_name: string;
  readonly customer_language: string;
  readonly time_zone: string;
}

/** The account with the zone of its newest agreement; 'UTC' when it never had one. */
export async function collectedAccount(
  db: Queryable,
  accountId: number,
): Promise<CollectedAccount | undefined> {
  const [row] = await db.query<CollectedAccount>(
    `SELECT a.id, a.number, a.branch, a.currency, c.name AS customer_name,
       c.language AS customer_language,
       coalesce((SELECT s.time_zone FROM agreement g JOIN service_point s
                   ON s.id = g.service_point_id
                 WHERE g.account_id = a.id ORDER BY g.from_date DESC, g.id DESC LIMIT 1), 'UTC')
         AS time_zone
     FROM account a JOIN customer c ON c.id = a.customer_id WHERE a.id = $1`,
    [accountId],
  );
  return row;
}

/**
 * Ids of accounts behind `after` with debt that may be overdue, an open case, or a block in the
 * guard that may have to be lifted.
 */
export async function accountsToCollect(
  db: Queryable,
  query: {
    readonly dueBefore: string;
    readonly branch: string | undefined;
    readonly after: number;
    readonly limit: number;
  },
): Promise<number[]> {
  const rows = await db.query<{ id: number }>(
    `SELECT a.id FROM account a
     WHERE a.id > $1 AND ($2::text IS NULL OR a.branch = $2) AND (
       EXISTS (SELECT FROM collection_case c WHERE c.account_id = a.id AND c.closed_at IS NULL)
       OR EXISTS (SELECT FROM account_guard g WHERE g.account_id = a.id AND g.blocks <> '{}')
       OR (EXISTS (SELECT FROM invoice v WHERE v.account_id = a.id AND v.due_date < $3::date)
           AND (SELECT sum(e.debit - e.credit) FROM ledger_entry e
                WHERE e.account_id = a.id AND e.ledger_account = 'receivable') > 0))
     ORDER BY a.id LIMIT $4`,
    [query.after, query.branch ?? null, query.dueBefore, query.limit],
  );
  return rows.map((row) => row.id);
}

export interface ReceivableRow extends Row {
  /** null: everything that is not an invoice, in one sum (payments are negative). */
  readonly invoice: string | null;
  readonly service_point_id: number | null;
  readonly due_date: string | null;
  readonly amount: string;
}

/** The account's receivable by invoice, out of the ledger. */
export function receivables(db: Queryable, accountId: number): Promise<ReceivableRow[]> {
  return db.query<ReceivableRow>(
    `SELECT v.number AS invoice, g.service_point_id, v.due_date, sum(e.debit - e.credit) AS amount
     FROM ledger_entry e
     JOIN ledger_transaction t ON t.id = e.transaction_id
     LEFT JOIN invoice v ON t.kind = 'invoice' AND v.number = t.reference AND v.kind = 'invoice'
     LEFT JOIN agreement g ON g.id = v.agreement_id
     WHERE e.account_id = $1 AND e.ledger_account = 'receivable'
     GROUP BY v.number, g.service_point_id, v.due_date
     ORDER BY v.due_date, v.number`,
    [accountId],
  );
}

export interface PaymentState extends Row {
  readonly unheard: bigint;
  readonly last_received_at: number | null;
}

/** `besides`: the message being worked on right now, which is not unheard any more. */
export async function paymentState(
  db: Queryable,
  accountId: number,
  besides: bigint | undefined,
): Promise<PaymentState> {
  const [row] = await db.query<PaymentState>(
    `SELECT (SELECT count(*) FROM outbox WHERE topic = 'payment.posted' AND done_at IS NULL
               AND payload ->> 'accountId' = $1::text AND id <> $2) AS unheard,
            (SELECT max(received_at) FROM payment WHERE account_id = $1::int) AS last_received_at`,
    [accountId, besides ?? 0n],
  );
  return row as PaymentState;
}

export interface BreakerCommandRow extends Row {
  readonly id: string;
  readonly action: CommandAction;
  readonly state: CommandState;
  readonly requested_by: string;
  readonly requested_at: number;
  readonly confirmed_at: number | null;
  readonly changed_at: number;
  readonly meter_serial: string;
  readonly service_point_id: number;
}

/** Commands of the account that move a breaker, newest first; reads do not crowd them out. */
export function breakerCommands(
  db: Queryable,
  accountId: number,
  limit: number,
): Promise<BreakerCommandRow[]> {
  return db.query<BreakerCommandRow>(
    `SELECT id, action, state, requested_by, requested_at, confirmed_at, changed_at, meter_serial,
       service_point_id
     FROM command WHERE account_id = $1 AND action <> 'read'
     ORDER BY requested_at DESC, id DESC LIMIT $2`,
    [accountId, limit],
  );
}

export interface PlaceRow extends Row {
  readonly service_point_id: number;
  readonly service_point: string;
  readonly time_zone: string;
  readonly protection: 'none' | 'protected' | 'unknown';
  readonly protection_checked_at: number | null;
  readonly serial: string | null;
  readonly has_breaker: boolean | null;
  readonly breaker_state: 'open' | 'closed' | 'ready' | 'unknown' | null;
  readonly installed_from: number | null;
}

/** Service points of the account's agreements in force, with the meters there at that instant. */
export function placesOf(db: Queryable, accountId: number, atMs: number): Promise<PlaceRow[]> {
  return db.query<PlaceRow>(
    `SELECT s.id AS service_point_id, s.code AS service_point, s.time_zone, s.protection,
       s.protection_checked_at, m.serial, m.has_breaker, m.breaker_state,
       i.from_at AS installed_from
     FROM agreement g
     JOIN service_point s ON s.id = g.service_point_id
     LEFT JOIN installation i ON i.service_point_id = s.id AND i.from_at <= $2
       AND (i.to_at IS NULL OR i.to_at > $2)
     LEFT JOIN meter m ON m.id = i.meter_id
     WHERE g.account_id = $1 AND g.from_date <= ($2::timestamptz AT TIME ZONE s.time_zone)::date
       AND (g.to_date IS NULL OR g.to_date > ($2::timestamptz AT TIME ZONE s.time_zone)::date)
     ORDER BY s.id, m.serial`,
    [accountId, formatInstant(atMs)],
  );
}

export interface CaseRow extends Row {
  readonly id: bigint;
  readonly account_id: number;
  readonly plan_code: string;
  readonly plan_revision: number;
  readonly state: 'open' | 'stopped' | 'restoring' | 'closed';
  readonly round: number;
  readonly reason: string;
  readonly opened_at: number;
  readonly changed_at: number;
  readonly closed_at: number | null;
}

const CASE = `id, account_id, plan_code, plan_revision, state, round, reason, opened_at, changed_at,
  closed_at`;

export async function openCaseOf(db: Queryable, accountId: number): Promise<CaseRow | undefined> {
  const [row] = await db.query<CaseRow>(
    `SELECT ${CASE} FROM collection_case WHERE account_id = $1 AND closed_at IS NULL`,
    [accountId],
  );
  return row;
}

export interface StepRow extends Row {
  readonly round: number;
  readonly step: string;
  readonly attempt: number;
  readonly action: 'notice' | 'final_notice' | 'disconnect' | 'reconnect';
  readonly at: number;
  readonly command_id: string | null;
}

export function stepsOf(db: Queryable, caseId: bigint): Promise<StepRow[]> {
  return db.query<StepRow>(
    `SELECT round, step, attempt, action, at, command_id FROM collection_step
     WHERE case_id = $1 ORDER BY at, round, attempt`,
    [caseId],
  );
}

export interface NoticeRow extends Row {
  readonly id: string;
  readonly case_id: bigint;
  readonly round: number;
  readonly step: string;
  readonly kind: 'notice' | 'final_notice';
  readonly channel: string;
  readonly language: string;
  readonly amount: string;
  readonly currency: string;
  readonly body: string;
  readonly served_at: number;
  readonly proof_hash: string;
}

const NOTICE = `id, case_id, round, step, kind, channel, language, amount, currency, body,
  served_at, proof_hash`;

export async function lastFinalNotice(
  db: Queryable,
  caseId: bigint,
): Promise<NoticeRow | undefined> {
  const [row] = await db.query<NoticeRow>(
    `SELECT ${NOTICE} FROM collection_notice WHERE case_id = $1 AND kind = 'final_notice'
     ORDER BY round DESC, served_at DESC LIMIT 1`,
    [caseId],
  );
  return row;
}
