/** The HTTP interface of one process: hardening, auth, docs, health, and the plugins of its roles. */
import helmet from '@fastify/helmet';
import rateLimit from '@fastify/rate-limit';
import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import Fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify';
import type { Queryable } from '../../db/pool.ts';
import { type Clock, LIMITS } from '../../domain/index.ts';
import { registerAuth } from './auth.ts';
import { type HealthCheck, registerHealth } from './health.ts';
import type { Metrics } from './metrics.ts';
import { registerProblems } from './problem.ts';

export interface AppDeps {
  readonly db: Queryable;
  readonly clock: Clock;
  readonly log: FastifyBaseLogger;
  readonly metrics: Metrics;
  readonly version: string;
  readonly checks: readonly HealthCheck[];
  /** Routes of the rooms this process runs. */
  readonly plugins: readonly ((app: FastifyInstance) => Promise<void>)[];
}

/** Built but not listening: tests use inject(). */
export async function buildApp(deps: AppDeps): Promise<FastifyInstance> {
  const app = Fastify({
    loggerInstance: deps.log,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: LIMITS.pushBodyBytesMax,
    requestTimeout: LIMITS.httpRequestTimeoutMs,
    http: { headersTimeout: LIMITS.httpHeadersTimeoutMs, connectionsCheckingInterval: 2_000 },
    maxRequestsPerSocket: 100_000,
    forceCloseConnections: true,
    ajv: { customOptions: { allErrors: false, coerceTypes: 'array', removeAdditional: false } },
  }).withTypeProvider<TypeBoxTypeProvider>();
  registerProblems(app);
  await app.register(helmet, {
    contentSecurityPolicy: {
      directives: {
        defaultSrc: ["'self'"],
        imgSrc: ["'self'", 'data:'],
        styleSrc: ["'self'", "'unsafe-inline'"],
        upgradeInsecureRequests: null,
      },
    },
  });
  await app.register(rateLimit, { max: LIMITS.httpRequestsPerMinute, timeWindow: 60_000 });
  await app.register(swagger, openApi(deps.version));
  await app.register(swaggerUi, { routePrefix: '/docs' });
  registerAuth(app, deps);
  registerHealth(app, deps);
  app.addHook('onResponse', async (request, reply) => {
    deps.metrics.httpSeconds
      .labels(request.method, request.routeOptions.url ?? 'unknown', String(reply.statusCode))
      .observe(reply.elapsedTime / 1_000);
  });
  for (const plugin of deps.plugins) await app.register(plugin);
  return app as unknown as FastifyInstance;
}

function openApi(version: string) {
  return {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Meterline',
        version,
        description:
          'Meter to cash: push readings, look at the ledger of intervals, preview and explain bills, ' +
          'request and approve breaker commands. Times are ISO 8601 in UTC, money and energy are ' +
          'decimal strings, errors are RFC 9457 problem+json with a stable code.',
        license: { name: 'Apache-2.0' },
      },
      components: {
        securitySchemes: { apiKey: { type: 'http' as const, scheme: 'bearer' } },
      },
      security: [{ apiKey: [] }],
    },
  };
}
