/** Tariff documents, kept by code and revision. */
import {
  type DocumentKind,
  type DocumentRow,
  type SavedDocument,
  saveDocument,
} from './documents.ts';
import type { Queryable } from './pool.ts';

const KIND: DocumentKind = { table: 'tariff', chain: 'billing', action: 'tariff.saved' };

/** Stores a checked tariff. */
export function saveTariff(
  tx: Queryable,
  code: string,
  definition: unknown,
  actor: string,
): Promise<SavedDocument> {
  return saveDocument(tx, KIND, code, definition, actor);
}

/** The newest revision of each code. */
export function currentTariffs(db: Queryable, codes: readonly string[]): Promise<DocumentRow[]> {
  return db.query<DocumentRow>(
    `SELECT DISTINCT ON (code) code, revision, definition, definition_hash FROM tariff
     WHERE code = ANY($1) ORDER BY code, revision DESC`,
    [codes],
  );
}

export function listTariffs(db: Queryable): Promise<DocumentRow[]> {
  return db.query<DocumentRow>(
    `SELECT DISTINCT ON (code) code, revision, definition, definition_hash FROM tariff
     ORDER BY code, revision DESC`,
  );
}
