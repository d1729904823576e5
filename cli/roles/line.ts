/** The whole line, or the roles asked for, in one process: engines opened, roles started, HTTP up. */
import type { AddressInfo } from 'node:net';
import type { FastifyInstance } from 'fastify';
import type { Redis } from 'ioredis';
import type { LegalWindow } from '../../db/legal-window.ts';
import { weekdayMornings } from '../../db/legal-window.ts';
import type { Database } from '../../db/pool.ts';
import type { Clock } from '../../domain/index.ts';
import type { ApproverKeys } from '../../gateway/commands/approvals.ts';
import { buildApp } from '../api/app.ts';
import { durabilityCheck } from '../api/durability.ts';
import type { HealthCheck } from '../api/health.ts';
import { createMetrics } from '../api/metrics.ts';
import { readApproverKeys } from '../approver-keys.ts';
import type { RoleName } from '../config.ts';
import { type Context, type Engines, openRedis, openStore } from '../context.ts';
import { VERSION } from '../version.ts';
import { apiPlugins } from './api.ts';
import { type BillingRole, startBilling } from './billing.ts';
import { type GatewayRole, startGateway } from './gateway.ts';
import { type IngestRole, startIngest } from './ingest.ts';
import { QUEUE_PREFIX, type Role, type RoleDeps } from './role.ts';

export interface LineOptions {
  readonly engines: Engines;
  readonly roles: readonly RoleName[];
  /** A simulated clock, for the demo and for tests. */
  readonly clock?: Clock;
  readonly prefix?: string;
  readonly instance?: string;
  readonly approverKeys?: ApproverKeys;
  readonly legalWindow?: LegalWindow;
  readonly onFatal?: (error: Error) => void;
}

export interface Line {
  readonly deps: RoleDeps;
  readonly db: Database;
  readonly app: FastifyInstance;
  readonly httpUrl: string;
  readonly mqttUrl: string | undefined;
  readonly gateway: GatewayRole | undefined;
  readonly ingest: IngestRole | undefined;
  readonly billing: BillingRole | undefined;
  stop(): Promise<void>;
}

export async function startLine(context: Context, options: LineOptions): Promise<Line> {
  const { db, redis, deps } = await openEngines(context, options);
  const has = (role: RoleName) => options.roles.includes(role);
  const started: Role[] = [];
  const track = <R extends Role>(role: R): R => {
    started.unshift(role);
    return role;
  };
  const stopAll = async () => {
    for (const role of started) await role.stop();
    redis.disconnect();
    await db.close();
  };
  try {
    const gateway = has('gateway') ? track(await startGateway(deps)) : undefined;
    const ingest = has('ingest')
      ? track(await startIngest(deps, (uid) => gateway?.journal.notifyCommitted(uid)))
      : undefined;
    const billing = has('billing') ? track(await startBilling(deps)) : undefined;
    const plugins = [
      ...started.flatMap((role) => role.plugins),
      ...(has('api') ? apiPlugins(deps, billing) : []),
    ];
    const checks = [
      ...engineChecks(db, redis),
      durabilityCheck(db, redis, context.config.unsafeDurability),
      ...started.flatMap((role) => role.checks),
    ];
    const app = await buildApp({
      db,
      clock: deps.clock,
      log: deps.log,
      metrics: deps.metrics,
      version: VERSION,
      checks,
      plugins,
    });
    await app.listen({ host: context.config.httpHost, port: context.config.httpPort });
    const { port } = app.server.address() as AddressInfo;
    return {
      deps,
      db,
      app,
      gateway,
      ingest,
      billing,
      httpUrl: `http://${context.config.httpHost}:${port}`,
      mqttUrl: mqttUrl(context, gateway),
      async stop() {
        await app.close();
        await stopAll();
      },
    };
  } catch (error) {
    await stopAll();
    throw error;
  }
}

/** A process that cannot start must end: whatever stays open would keep it alive. */
async function openEngines(context: Context, options: LineOptions) {
  const db = await openStore(context, options.engines, { name: options.roles.join('+') });
  let redis: Redis | undefined;
  try {
    redis = await openRedis(context, options.engines);
    return { db, redis, deps: await roleDeps(context, options, db, redis) };
  } catch (error) {
    redis?.disconnect();
    await db.close();
    throw error;
  }
}

function mqttUrl(context: Context, gateway: GatewayRole | undefined): string | undefined {
  if (gateway === undefined) return undefined;
  return gateway.mqttPort === undefined
    ? context.config.mqttUrl
    : `mqtt://${context.config.mqttHost}:${gateway.mqttPort}`;
}

async function roleDeps(
  context: Context,
  options: LineOptions,
  db: Database,
  redis: Redis,
): Promise<RoleDeps> {
  const { config, log } = context;
  const metrics = createMetrics();
  metrics.gauge('meterline_unsafe_durability', '1 = told to start without it', () =>
    config.unsafeDurability ? 1 : 0,
  );
  return {
    config,
    clock: options.clock ?? context.clock,
    clockIsSimulated: options.clock !== undefined,
    random: context.random,
    log,
    metrics,
    db,
    redis,
    redisUrl: options.engines.redisUrl,
    prefix: options.prefix ?? QUEUE_PREFIX,
    instance: options.instance ?? 'one',
    approverKeys: options.approverKeys ?? (await readApproverKeys(config.approvalKeysFile)),
    legalWindow: options.legalWindow ?? weekdayMornings([]),
    onFatal: options.onFatal ?? exitNow(context),
  };
}

/** A journal that failed once can promise nothing any more; a fresh process reads it from disk. */
function exitNow(context: Context) {
  return (error: Error) => {
    context.log.fatal({ err: error }, 'the journal failed; ending so that it is read again');
    process.exit(1);
  };
}

function engineChecks(db: Database, redis: Redis): HealthCheck[] {
  return [
    {
      name: 'database',
      async check() {
        await db.ping();
        return 'answers';
      },
    },
    {
      name: 'redis',
      check: async () =>
        redis.status === 'ready' ? redis.ping() : Promise.reject(new Error(redis.status)),
    },
  ];
}
