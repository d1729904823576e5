/** What people see of collections: the list of cases, and everything that happened to an account. */
import type { CaseRow } from './collection-reads.ts';
import type { Queryable, Row } from './pool.ts';

export interface CaseListRow extends CaseRow {
  readonly account: string;
  readonly branch: string;
  readonly currency: string;
  readonly needs_person: boolean;
}

/** Newest first; `before` is the id of the last one of the page before. */
export function listCases(
  db: Queryable,
  filter: {
    readonly state: string | undefined;
    readonly branch: string | undefined;
    readonly needsPerson: boolean | undefined;
    readonly before: bigint | undefined;
    readonly limit: number;
  },
): Promise<CaseListRow[]> {
  return db.query<CaseListRow>(
    `SELECT * FROM (
       SELECT c.*, a.number AS account, a.branch, a.currency,
         EXISTS (SELECT FROM collection_event e WHERE e.case_id = c.id AND e.needs_person
                   AND e.settled_at IS NULL) AS needs_person
       FROM collection_case c JOIN account a ON a.id = c.account_id) AS listed
     WHERE ($1::text IS NULL OR state = $1) AND ($2::text IS NULL OR branch = $2)
       AND ($3::boolean IS NULL OR needs_person = $3) AND ($4::bigint IS NULL OR id < $4)
     ORDER BY id DESC LIMIT $5`,
    [
      filter.state ?? null,
      filter.branch ?? null,
      filter.needsPerson ?? null,
      filter.before ?? null,
      filter.limit,
    ],
  );
}

export interface TimelineRow extends Row {
  readonly at: number;
  readonly what: string;
  readonly detail: Readonly<Record<string, unknown>>;
}

/** Everything that happened to the account, oldest first; what has the same instant, by cause. */
export function timelineRows(
  db: Queryable,
  accountId: number,
  limit: number,
): Promise<TimelineRow[]> {
  return db
    .query<TimelineRow>(
      `SELECT at, what, detail FROM (
       SELECT v.issued_at AS at, 1 AS rank, v.number AS sort, 'invoice.issued' AS what,
         jsonb_build_object('invoice', v.number, 'total', v.total::text, 'due', v.due_date) AS detail
       FROM invoice v WHERE v.account_id = $1
       UNION ALL
       SELECT p.received_at, 2, p.id::text, 'payment.received',
         jsonb_build_object('provider', p.provider, 'reference', p.provider_reference,
           'amount', p.amount::text, 'currency', p.currency)
       FROM payment p WHERE p.account_id = $1
       UNION ALL
       SELECT h.created_at, 3, lpad(h.id::text, 20, '0'), 'hold.set',
         jsonb_build_object('id', h.id::text, 'kind', h.kind, 'from', h.from_at, 'to', h.to_at,
           'reason', h.reason, 'by', h.created_by)
       FROM collection_hold h WHERE h.account_id = $1
       UNION ALL
       SELECT h.released_at, 3, lpad(h.id::text, 20, '0'), 'hold.released',
         jsonb_build_object('id', h.id::text, 'kind', h.kind, 'by', h.released_by)
       FROM collection_hold h WHERE h.account_id = $1 AND h.released_at IS NOT NULL
       UNION ALL
       SELECT e.at, CASE WHEN e.kind = 'case.opened' THEN 4 ELSE 7 END, lpad(e.id::text, 20, '0'),
         e.kind, e.detail || jsonb_build_object('needsPerson', e.needs_person)
       FROM collection_event e WHERE e.account_id = $1
       UNION ALL
       SELECT n.served_at, 5, n.id::text, 'notice.served',
         jsonb_build_object('step', n.step, 'kind', n.kind, 'channel', n.channel,
           'language', n.language, 'amount', n.amount::text, 'currency', n.currency,
           'proof', n.proof_hash)
       FROM collection_notice n WHERE n.account_id = $1
       UNION ALL
       SELECT x.at, 6, x.command_id::text || lpad(x.seq::text, 10, '0'),
         c.action || CASE WHEN x.from_state = x.to_state THEN '.note' ELSE '.' || x.to_state END,
         x.detail || jsonb_build_object('command', c.id, 'meter', c.meter_serial, 'by', x.actor)
           || CASE WHEN x.from_state IS NULL
                THEN jsonb_build_object('gates', c.decision -> 'gates') ELSE '{}' END
       FROM command c JOIN command_event x ON x.command_id = c.id
       WHERE c.account_id = $1 AND c.action <> 'read') AS all_of_it
     ORDER BY at DESC, rank DESC, sort DESC LIMIT $2`,
      [accountId, limit],
    )
    .then((rows) => rows.reverse());
}
