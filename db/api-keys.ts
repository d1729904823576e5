/** API keys: a public prefix finds the row, a hash of the secret proves the caller. */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { Principal, RandomBytes } from '../domain/index.ts';
import type { Queryable } from './pool.ts';

export interface CreatedKey {
  readonly prefix: string;
  /** Shown once, kept nowhere. */
  readonly token: string;
}

/** Tokens look like ml_<prefix>_<secret>; 48 and 256 random bits. */
export async function createApiKey(
  db: Queryable,
  random: RandomBytes,
  input: { name: string; scopes: readonly string[]; expiresAtMs?: number },
): Promise<CreatedKey> {
  const prefix = Buffer.from(random(6)).toString('hex');
  const secret = Buffer.from(random(32)).toString('hex');
  await db.query(
    `INSERT INTO api_key (prefix, secret_hash, name, scopes, expires_at)
     VALUES ($1, $2, $3, $4, to_timestamp($5::float8 / 1000))`,
    [prefix, hash(secret), input.name, input.scopes, input.expiresAtMs ?? null],
  );
  return { prefix, token: `ml_${prefix}_${secret}` };
}

const TOKEN = /^ml_([0-9a-f]{12})_([0-9a-f]{64})$/;

/** The caller behind a token, or undefined for anything that is not valid now. */
export async function principalOfToken(
  db: Queryable,
  token: string,
  nowMs: number,
): Promise<Principal | undefined> {
  const match = TOKEN.exec(token);
  if (match === null) return undefined;
  const [row] = await db.query<{
    name: string;
    scopes: string[];
    secret_hash: Buffer;
    expires_at: number | null;
    revoked_at: number | null;
  }>('SELECT name, scopes, secret_hash, expires_at, revoked_at FROM api_key WHERE prefix = $1', [
    match[1],
  ]);
  const given = hash(match[2] as string);
  if (row === undefined || !timingSafeEqual(row.secret_hash, given)) return undefined;
  if (row.revoked_at !== null || (row.expires_at !== null && row.expires_at <= nowMs)) {
    return undefined;
  }
  return { name: row.name, scopes: new Set(row.scopes) };
}

export async function revokeApiKey(db: Queryable, name: string): Promise<boolean> {
  const rows = await db.query(
    'UPDATE api_key SET revoked_at = now() WHERE name = $1 AND revoked_at IS NULL RETURNING id',
    [name],
  );
  return rows.length > 0;
}

export interface ApiKeyRow extends Record<string, unknown> {
  readonly name: string;
  readonly prefix: string;
  readonly scopes: string[];
  readonly created_at: number;
  readonly expires_at: number | null;
  readonly revoked_at: number | null;
}

export function listApiKeys(db: Queryable): Promise<ApiKeyRow[]> {
  return db.query<ApiKeyRow>(
    'SELECT name, prefix, scopes, created_at, expires_at, revoked_at FROM api_key ORDER BY name',
  );
}

function hash(secret: string): Buffer {
  return createHash('sha256').update(secret).digest();
}
