/** Documents kept by code and revision; an equal document makes no new revision. */
import { canonicalJson, sha256Hex } from '../domain/index.ts';
import { appendAudit } from './audit.ts';
import type { Queryable, Row } from './pool.ts';

export interface DocumentRow extends Row {
  readonly code: string;
  readonly revision: number;
  readonly definition: unknown;
  readonly definition_hash: string;
}

/** The table a kind of document stands in, and the audit chain that tells of it. */
export interface DocumentKind {
  readonly table: 'tariff' | 'collection_plan';
  readonly chain: string;
  readonly action: string;
}

export interface SavedDocument {
  readonly revision: number;
  /** False when the newest equal document was there already. */
  readonly created: boolean;
}

/** Stores a checked document in the caller's transaction. */
export async function saveDocument(
  tx: Queryable,
  kind: DocumentKind,
  code: string,
  definition: unknown,
  actor: string,
): Promise<SavedDocument> {
  const { table, chain, action } = kind;
  const text = canonicalJson(definition);
  const hash = sha256Hex(text);
  await tx.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 1))', [`${table}/${code}`]);
  const [same] = await tx.query<{ revision: number }>(
    `SELECT revision FROM ${table} WHERE code = $1 AND definition_hash = $2`,
    [code, hash],
  );
  if (same !== undefined) return { revision: same.revision, created: false };
  const [row] = await tx.query<{ revision: number }>(
    `INSERT INTO ${table} (code, revision, definition, definition_hash, created_by)
     SELECT $1, coalesce(max(revision), 0) + 1, $2::jsonb, $3, $4 FROM ${table} WHERE code = $1
     RETURNING revision`,
    [code, text, hash, actor],
  );
  const revision = row?.revision ?? 0;
  const detail = { revision, hash };
  await appendAudit(tx, { chain, actor, action, subjectKind: table, subjectId: code, detail });
  return { revision, created: true };
}
