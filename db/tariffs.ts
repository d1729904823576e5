/** Tariff documents, kept by code and revision; an equal document makes no new revision. */
import { canonicalJson, sha256Hex } from '../domain/index.ts';
import { appendAudit } from './audit.ts';
import type { Queryable, Row } from './pool.ts';

export interface TariffRow extends Row {
  readonly code: string;
  readonly revision: number;
  readonly definition: unknown;
  readonly definition_hash: string;
}

/** Stores a checked document. Returns its revision; the existing one when nothing changed. */
export async function saveTariff(
  tx: Queryable,
  code: string,
  definition: unknown,
  actor: string,
): Promise<{ revision: number; created: boolean }> {
  const text = canonicalJson(definition);
  const hash = sha256Hex(text);
  await tx.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 1))', [`tariff/${code}`]);
  const [same] = await tx.query<{ revision: number }>(
    'SELECT revision FROM tariff WHERE code = $1 AND definition_hash = $2',
    [code, hash],
  );
  if (same !== undefined) return { revision: same.revision, created: false };
  const [row] = await tx.query<{ revision: number }>(
    `INSERT INTO tariff (code, revision, definition, definition_hash, created_by)
     SELECT $1, coalesce(max(revision), 0) + 1, $2::jsonb, $3, $4 FROM tariff WHERE code = $1
     RETURNING revision`,
    [code, text, hash, actor],
  );
  const revision = row?.revision ?? 0;
  await appendAudit(tx, {
    chain: 'billing',
    actor,
    action: 'tariff.saved',
    subjectKind: 'tariff',
    subjectId: code,
    detail: { revision, hash },
  });
  return { revision, created: true };
}

/** The newest revision of each code. */
export function currentTariffs(db: Queryable, codes: readonly string[]): Promise<TariffRow[]> {
  return db.query<TariffRow>(
    `SELECT DISTINCT ON (code) code, revision, definition, definition_hash FROM tariff
     WHERE code = ANY($1) ORDER BY code, revision DESC`,
    [codes],
  );
}

export function listTariffs(db: Queryable): Promise<TariffRow[]> {
  return db.query<TariffRow>(
    `SELECT DISTINCT ON (code) code, revision, definition, definition_hash FROM tariff
     ORDER BY code, revision DESC`,
  );
}
