/** HTTP for billing: tariffs, runs, invoices with their explanation, payments, the books. */
import { Type, type TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { billRun, runItems, runSummary } from '../../db/bill-runs.ts';
import { trialBalance } from '../../db/books.ts';
import { type InvoiceHead, listInvoices } from '../../db/invoices.ts';
import type { Database } from '../../db/pool.ts';
import { listTariffs, saveTariff } from '../../db/tariffs.ts';
import {
  type Clock,
  Fault,
  formatInstant,
  LIMITS,
  type Principal,
  parseInstant,
  type RandomBytes,
  type Scope,
} from '../../domain/index.ts';
import { explainInvoice } from '../invoices/explain.ts';
import { startRun } from '../invoices/run.ts';
import { postPayment } from '../payments/post.ts';
import { acceptTariff } from '../tariffs/parse.ts';
import { tariffJsonSchema } from '../tariffs/schema.ts';
import { PaymentBody, RunBody, requiredKey } from './schemas.ts';

export interface BillingRoutesDeps {
  readonly db: Database;
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly requireScope: (request: FastifyRequest, scope: Scope) => Principal;
  /** Hands the shards of a run to the workers; a lost hint costs one sweep. */
  readonly offerRun: (runId: string) => Promise<void>;
}

const TAGS = { tags: ['billing'] };

type App = ReturnType<typeof typed>;
const typed = (app: FastifyInstance) => app.withTypeProvider<TypeBoxTypeProvider>();

export function billingRoutes(deps: BillingRoutesDeps) {
  return async (plain: FastifyInstance): Promise<void> => {
    const app = typed(plain);
    tariffRoutes(app, deps);
    runRoutes(app, deps);
    invoiceRoutes(app, deps);
    moneyRoutes(app, deps);
  };
}

/** Checked by its own schema and linter, which tell all problems at once. */
const TariffDocument = Type.Object(
  {},
  { additionalProperties: true, description: 'a tariff; see GET /v1/tariffs/schema' },
);

function tariffRoutes(app: App, { db, requireScope }: BillingRoutesDeps): void {
  app.get('/v1/tariffs', { schema: TAGS }, async (request) => {
    requireScope(request, 'billing:read');
    const rows = await listTariffs(db);
    return {
      tariffs: rows.map(({ code, revision, definition }) => ({ code, revision, definition })),
    };
  });
  app.get(
    '/v1/tariffs/schema',
    { schema: { ...TAGS, security: [] } },
    async () => tariffJsonSchema,
  );
  app.put('/v1/tariffs', { schema: { ...TAGS, body: TariffDocument } }, async (request) => {
    const principal = requireScope(request, 'tariffs:write');
    const tariff = acceptTariff(request.body);
    return db.transaction((tx) => saveTariff(tx, tariff.code, tariff, principal.name));
  });
}

function runRoutes(app: App, deps: BillingRoutesDeps): void {
  const { db, requireScope } = deps;
  app.post('/v1/bill-runs', { schema: { ...TAGS, body: RunBody } }, async (request, reply) => {
    const { mode, from, to, account, branch } = request.body;
    const scope = mode === 'issue' ? 'billing:issue' : 'billing:read';
    const principal = requireScope(request, scope);
    const { run } = await startRun(deps, {
      mode,
      from,
      to,
      filter: {
        ...(account !== undefined && { accountNumber: account }),
        ...(branch !== undefined && { branch }),
      },
      actor: principal.name,
      idempotencyKey: `${principal.name}/${requiredKey(request.headers)}`,
    });
    await deps.offerRun(run.id);
    return reply.code(202).send(run);
  });
  const params = Type.Object({ id: Type.String({ format: 'uuid' }) });
  const query = Type.Object({
    after: Type.Optional(Type.Integer({ minimum: 0 })),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: LIMITS.httpPageRowsMax })),
  });
  app.get(
    '/v1/bill-runs/:id',
    { schema: { ...TAGS, params, querystring: query } },
    async (request) => {
      requireScope(request, 'billing:read');
      const { id } = request.params;
      const run = await billRun(db, id);
      if (run === undefined) throw new Fault('NOT_FOUND', { what: `bill run ${id}` });
      const { after = 0, limit = 100 } = request.query;
      const items = await runItems(db, id, after, limit);
      const summary = await runSummary(db, id);
      return {
        ...run,
        summary: summary.map((row) => ({ ...row, items: Number(row.items) })),
        items,
        next: items.length === limit ? items.at(-1)?.agreement_id : null,
      };
    },
  );
}

function invoiceRoutes(app: App, { db, requireScope }: BillingRoutesDeps): void {
  const query = Type.Object({
    account: Type.Optional(Type.String()),
    after: Type.Optional(Type.String()),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: LIMITS.httpPageRowsMax })),
  });
  app.get('/v1/invoices', { schema: { ...TAGS, querystring: query } }, async (request) => {
    requireScope(request, 'billing:read');
    const { limit = 100, ...filter } = request.query;
    const rows = await listInvoices(db, { ...filter, limit });
    return {
      invoices: rows.map(invoiceView),
      next: rows.length === limit ? rows.at(-1)?.number : null,
    };
  });
  const params = Type.Object({ number: Type.String({ maxLength: 64 }) });
  app.get('/v1/invoices/:number', { schema: { ...TAGS, params } }, async (request) => {
    requireScope(request, 'billing:read');
    const { invoice, ...rest } = await explainInvoice(db, request.params.number);
    return { ...invoiceView(invoice), ...rest };
  });
}

function invoiceView(row: InvoiceHead) {
  const { as_of, issued_at, account_id: _a, agreement_id: _g, ...rest } = row;
  return { ...rest, as_of: formatInstant(as_of), issued_at: formatInstant(issued_at) };
}

function moneyRoutes(app: App, deps: BillingRoutesDeps): void {
  const { db, clock, random, requireScope } = deps;
  app.post('/v1/payments', { schema: { ...TAGS, body: PaymentBody } }, async (request, reply) => {
    const principal = requireScope(request, 'payments:post');
    const { received_at: receivedAt, ...payment } = request.body;
    const receivedMs = receivedAt === undefined ? clock.nowMs() : parseInstant(receivedAt);
    if (receivedMs === undefined) {
      throw new Fault('BAD_REQUEST', { detail: `received_at '${receivedAt}' is no instant` });
    }
    const result = await postPayment(
      db,
      { ...payment, receivedMs, actor: principal.name },
      { nowMs: clock.nowMs(), random },
    );
    const { id, posted, balance, accountId } = result;
    const place = accountId === null ? 'suspense' : 'account';
    return reply.code(posted ? 201 : 200).send({ id, posted, balance, place });
  });
  app.get('/v1/ledger/trial-balance', { schema: TAGS }, async (request) => {
    requireScope(request, 'billing:read');
    return { rows: await trialBalance(db) };
  });
}
