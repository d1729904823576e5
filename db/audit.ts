/** The audit chain: what changed, by whom, hashed to what stood before (migration 0001). */
import { canonicalJson } from '../domain/index.ts';
import type { Queryable, Row } from './pool.ts';

export interface AuditEntry {
  /** One chain per room: 'master', 'ingest', 'billing', 'command', 'collections'. */
  readonly chain: string;
  readonly actor: string;
  readonly action: string;
  readonly subjectKind: string;
  readonly subjectId: string;
  readonly detail: unknown;
}

/** Appends in the caller's transaction; the chain's head stays locked until it ends. */
export async function appendAudit(tx: Queryable, entry: AuditEntry): Promise<void> {
  await tx.query('SELECT audit_append($1, $2, $3, $4, $5, $6)', [
    entry.chain,
    entry.actor,
    entry.action,
    entry.subjectKind,
    entry.subjectId,
    canonicalJson(entry.detail),
  ]);
}

export interface AuditChainState extends Row {
  readonly chain: string;
  readonly rows: bigint;
  /** First row whose hash does not follow from its content and the row before; null = none. */
  readonly broken_at: bigint | null;
  /** The head's count and hash are those of the last row. */
  readonly head_matches: boolean;
}

/** Recomputes every hash of every chain: edits, gaps and cut-off tails show. */
export function verifyAudit(db: Queryable): Promise<AuditChainState[]> {
  return db.query<AuditChainState>(
    `WITH checked AS (
       SELECT chain, seq, hash,
         seq = coalesce(lag(seq) OVER w, 0) + 1
         AND hash = audit_hash(coalesce(lag(hash) OVER w, '\\x'), chain, seq, at, actor, action,
                               subject_kind, subject_id, detail) AS holds
       FROM audit WINDOW w AS (PARTITION BY chain ORDER BY seq)
     )
     SELECT h.chain, count(c.seq) AS rows, min(c.seq) FILTER (WHERE NOT c.holds) AS broken_at,
       coalesce(max(c.seq), 0) = h.seq
       AND coalesce((array_agg(c.hash ORDER BY c.seq DESC))[1], '\\x') = h.hash AS head_matches
     FROM audit_head h LEFT JOIN checked c USING (chain)
     GROUP BY h.chain, h.seq, h.hash ORDER BY h.chain`,
  );
}
