/** Bearer API keys on every route that does not say it is public. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { principalOfToken } from '../../db/api-keys.ts';
import type { Queryable } from '../../db/pool.ts';
import { type Clock, Fault, LIMITS, type Principal, type Scope } from '../../domain/index.ts';

declare module 'fastify' {
  interface FastifyRequest {
    principal: Principal | null;
  }
}

export interface AuthDeps {
  readonly db: Queryable;
  readonly clock: Clock;
}

/** Most recent answers of the key table; small, short-lived, so that a revoked key dies fast. */
const CACHE_ENTRIES_MAX = 1_000;

export function registerAuth(app: FastifyInstance, deps: AuthDeps): void {
  const cache = new Map<string, { principal: Principal; untilMs: number }>();

  async function authenticate(token: string): Promise<Principal> {
    const monotonicMs = deps.clock.monotonicMs();
    const known = cache.get(token);
    if (known !== undefined && known.untilMs > monotonicMs) return known.principal;
    cache.delete(token);
    const principal = await principalOfToken(deps.db, token, deps.clock.nowMs());
    if (principal === undefined) throw new Fault('UNAUTHENTICATED');
    if (cache.size >= CACHE_ENTRIES_MAX) cache.clear();
    cache.set(token, { principal, untilMs: monotonicMs + LIMITS.apiKeyCacheMs });
    return principal;
  }

  app.decorateRequest('principal', null);
  app.addHook('onRequest', async (request) => {
    const match = /^Bearer (\S{1,200})$/.exec(request.headers.authorization ?? '');
    if (match !== null) request.principal = await authenticate(match[1] as string);
  });
}

/** The caller, when the key has the scope; UNAUTHENTICATED or FORBIDDEN otherwise. */
export function requireScope(request: FastifyRequest, scope: Scope): Principal {
  if (request.principal === null) throw new Fault('UNAUTHENTICATED');
  if (!request.principal.scopes.has(scope)) throw new Fault('FORBIDDEN', { scope });
  return request.principal;
}
