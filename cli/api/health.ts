/** /healthz: the process lives. /readyz: it can do its work. /metrics: Prometheus text. */
import { Type } from '@fastify/type-provider-typebox';
import type { FastifyInstance } from 'fastify';
import { describeError } from '../../domain/index.ts';
import type { Metrics } from './metrics.ts';

/** Resolves with a short state, rejects with the reason it is not ready. */
export interface HealthCheck {
  readonly name: string;
  check(): Promise<string>;
}

/** A check that takes longer has failed. */
const CHECK_MS_MAX = 3_000;

const ReadyBody = Type.Object({
  ready: Type.Boolean(),
  checks: Type.Array(
    Type.Object({ name: Type.String(), ok: Type.Boolean(), state: Type.String() }),
  ),
});

export function registerHealth(
  app: FastifyInstance,
  deps: { readonly checks: readonly HealthCheck[]; readonly metrics: Metrics },
): void {
  const schema = { tags: ['operation'], security: [] };
  app.get('/healthz', { schema, config: { rateLimit: false } }, async () => ({ alive: true }));
  app.get(
    '/readyz',
    { schema: { ...schema, response: { 200: ReadyBody, 503: ReadyBody } } },
    async (_request, reply) => {
      const checks = await Promise.all(deps.checks.map(runCheck));
      const ready = checks.every((c) => c.ok);
      return reply.code(ready ? 200 : 503).send({ ready, checks });
    },
  );
  app.get('/metrics', { schema, config: { rateLimit: false } }, async (_request, reply) =>
    reply.type(deps.metrics.registry.contentType).send(await deps.metrics.registry.metrics()),
  );
}

async function runCheck(check: HealthCheck) {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('no answer in time')), CHECK_MS_MAX);
  });
  try {
    return { name: check.name, ok: true, state: await Promise.race([check.check(), late]) };
  } catch (error) {
    return { name: check.name, ok: false, state: describeError(error) };
  } finally {
    clearTimeout(timer);
  }
}
