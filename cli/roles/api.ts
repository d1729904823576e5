/** Routes of all rooms that only need the database. */
import type { FastifyInstance } from 'fastify';
import { collectionRoutes } from '../../billing/collections/http.ts';
import { billingRoutes } from '../../billing/http/routes.ts';
import { commandHinter } from '../../gateway/commands/hints.ts';
import { commandRoutes } from '../../gateway/http/commands.ts';
import { ingestRoutes } from '../../ingest/http/routes.ts';
import { requireScope } from '../api/auth.ts';
import { consolePlugin } from '../api/console.ts';
import type { BillingRole } from './billing.ts';
import type { RoleDeps } from './role.ts';

export function apiPlugins(
  deps: RoleDeps,
  billing: BillingRole | undefined,
): ((app: FastifyInstance) => Promise<void>)[] {
  const { db, clock, random } = deps;
  const hinter = commandHinter({
    connection: deps.redis,
    prefix: deps.prefix,
    onError: (error) => deps.log.warn({ err: error }, 'hints of commands'),
  });
  const common = { db, clock, random, requireScope };
  return [
    commandRoutes({
      ...common,
      approverKeys: deps.approverKeys,
      hint: (id) => hinter.hint(id),
    }),
    ingestRoutes(common),
    collectionRoutes(common),
    billingRoutes({
      ...common,
      offerRun: async (runId) => void (await billing?.bills.offer(runId)),
    }),
    consolePlugin(),
    async (app) => {
      app.addHook('onClose', () => hinter.close());
    },
  ];
}
