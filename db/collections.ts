/** Collection plans, cases, steps, notices and events as they are written. */
import { canonicalJson, formatInstant } from '../domain/index.ts';
import {
  type DocumentKind,
  type DocumentRow,
  type SavedDocument,
  saveDocument,
} from './documents.ts';
import type { Queryable } from './pool.ts';

const PLAN: DocumentKind = {
  table: 'collection_plan',
  chain: 'collections',
  action: 'plan.saved',
};

/** Stores a checked plan. */
export function savePlan(
  tx: Queryable,
  code: string,
  definition: unknown,
  actor: string,
): Promise<SavedDocument> {
  return saveDocument(tx, PLAN, code, definition, actor);
}

/** All revisions of all plans: few rows, read once a run. */
export function listPlans(db: Queryable): Promise<DocumentRow[]> {
  return db.query<DocumentRow>(
    'SELECT code, revision, definition, definition_hash FROM collection_plan ORDER BY code, revision',
  );
}

export interface CaseState {
  readonly state: 'open' | 'stopped' | 'restoring' | 'closed';
  readonly round: number;
  readonly reason: string;
}

export async function openCase(
  tx: Queryable,
  item: CaseState & {
    readonly accountId: number;
    readonly planCode: string;
    readonly planRevision: number;
    readonly atMs: number;
  },
): Promise<bigint> {
  const [row] = await tx.query<{ id: bigint }>(
    `INSERT INTO collection_case (account_id, plan_code, plan_revision, state, round, reason,
                                  opened_at, changed_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $7) RETURNING id`,
    [
      item.accountId,
      item.planCode,
      item.planRevision,
      item.state,
      item.round,
      item.reason,
      formatInstant(item.atMs),
    ],
  );
  return row?.id as bigint;
}

export async function changeCase(
  tx: Queryable,
  id: bigint,
  to: CaseState,
  atMs: number,
): Promise<void> {
  await tx.query(
    `UPDATE collection_case SET state = $2, round = $3, reason = $4, changed_at = $5,
       closed_at = CASE WHEN $2 = 'closed' THEN $5::timestamptz END
     WHERE id = $1`,
    [id, to.state, to.round, to.reason, formatInstant(atMs)],
  );
}

export interface StepWrite {
  readonly caseId: bigint;
  readonly round: number;
  readonly step: string;
  readonly attempt: number;
  readonly action: 'notice' | 'final_notice' | 'disconnect' | 'reconnect';
  readonly atMs: number;
  readonly commandId: string | null;
}

/** Throws a unique violation when the step was taken before: nothing of it happens twice. */
export async function insertStep(tx: Queryable, step: StepWrite): Promise<void> {
  await tx.query(
    `INSERT INTO collection_step (case_id, round, step, attempt, action, at, command_id)
     VALUES ($1, $2, $3, $4, $5, $6, $7)`,
    [
      step.caseId,
      step.round,
      step.step,
      step.attempt,
      step.action,
      formatInstant(step.atMs),
      step.commandId,
    ],
  );
}

export interface NoticeWrite {
  readonly id: string;
  readonly caseId: bigint;
  readonly round: number;
  readonly step: string;
  readonly accountId: number;
  readonly kind: 'notice' | 'final_notice';
  readonly channel: string;
  readonly language: string;
  readonly amount: string;
  readonly currency: string;
  readonly body: string;
  readonly servedAtMs: number;
  readonly proofHash: string;
}

export async function insertNotice(tx: Queryable, notice: NoticeWrite): Promise<void> {
  await tx.query(
    `INSERT INTO collection_notice (id, case_id, round, step, account_id, kind, channel, language,
       amount, currency, body, served_at, proof_hash)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`,
    [
      notice.id,
      notice.caseId,
      notice.round,
      notice.step,
      notice.accountId,
      notice.kind,
      notice.channel,
      notice.language,
      notice.amount,
      notice.currency,
      notice.body,
      formatInstant(notice.servedAtMs),
      notice.proofHash,
    ],
  );
}

export interface EventWrite {
  readonly accountId: number;
  readonly caseId: bigint | null;
  readonly atMs: number;
  readonly kind: string;
  readonly needsPerson: boolean;
  readonly detail: unknown;
  /** A second event under the same key is not written. */
  readonly onceKey: string;
}

/** False when an event with this key stands already. */
export async function insertEvent(tx: Queryable, event: EventWrite): Promise<boolean> {
  const rows = await tx.query(
    `INSERT INTO collection_event (account_id, case_id, at, kind, needs_person, detail, once_key)
     VALUES ($1, $2, $3, $4, $5, $6::jsonb, $7) ON CONFLICT (once_key) DO NOTHING RETURNING id`,
    [
      event.accountId,
      event.caseId,
      formatInstant(event.atMs),
      event.kind,
      event.needsPerson,
      canonicalJson(event.detail),
      event.onceKey,
    ],
  );
  return rows.length > 0;
}

/** What people had to see of the case is done with, but for the event of `exceptKey`. */
export async function settleEvents(
  tx: Queryable,
  caseId: bigint,
  kinds: readonly string[],
  atMs: number,
  exceptKey = '',
): Promise<void> {
  await tx.query(
    `UPDATE collection_event SET settled_at = $3
     WHERE case_id = $1 AND kind = ANY($2) AND needs_person AND settled_at IS NULL
       AND once_key <> $4`,
    [caseId, kinds, formatInstant(atMs), exceptKey],
  );
}
