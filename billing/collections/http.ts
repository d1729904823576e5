/** HTTP for collections: plans, cases, one account's story, holds, and a run on demand. */
import { Type, type TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { appendAudit } from '../../db/audit.ts';
import { type HoldRow, holdsOf } from '../../db/collection-holds.ts';
import { openCaseOf } from '../../db/collection-reads.ts';
import { type CaseListRow, listCases } from '../../db/collection-views.ts';
import { listPlans } from '../../db/collections.ts';
import { accountByNumber } from '../../db/payments.ts';
import {
  Fault,
  formatInstant,
  LIMITS,
  type Principal,
  parseInstant,
  type Scope,
} from '../../domain/index.ts';
import { requiredKey } from '../http/schemas.ts';
import { releaseHold, setHold } from './holds.ts';
import { storePlan } from './plans.ts';
import { runCollections } from './run.ts';
import { HoldKindSchema } from './schema.ts';
import { timelineOf } from './timeline.ts';
import type { CollectDeps } from './work.ts';

export interface CollectionRoutesDeps extends CollectDeps {
  /** The caller; throws UNAUTHENTICATED or FORBIDDEN. */
  readonly requireScope: (request: FastifyRequest, scope: Scope) => Principal;
}

const TAGS = { tags: ['collections'] };
const Name = Type.String({ minLength: 1, maxLength: 64 });
const Instant = Type.String({ maxLength: 40, description: 'ISO 8601 with zone' });
const Id = Type.String({ pattern: '^[1-9]\\d{0,17}$' });

const CaseQuery = Type.Object(
  {
    state: Type.Optional(
      Type.Union(['open', 'stopped', 'restoring', 'closed'].map((state) => Type.Literal(state))),
    ),
    branch: Type.Optional(Name),
    needsPerson: Type.Optional(Type.Boolean({ description: 'something a person has to look at' })),
    cursor: Type.Optional(Id),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: LIMITS.httpPageRowsMax })),
  },
  { additionalProperties: false },
);

const HoldBody = Type.Object(
  {
    kind: HoldKindSchema,
    from: Type.Optional(Instant),
    to: Type.Optional(Instant),
    reason: Type.String({ minLength: 1, maxLength: 500 }),
  },
  { additionalProperties: false },
);

const RunBody = Type.Object({ branch: Type.Optional(Name) }, { additionalProperties: false });

type App = ReturnType<typeof typed>;
const typed = (app: FastifyInstance) => app.withTypeProvider<TypeBoxTypeProvider>();

/** For `app.register`. */
export function collectionRoutes(deps: CollectionRoutesDeps) {
  return async (plain: FastifyInstance): Promise<void> => {
    const app = typed(plain);
    planRoutes(app, deps);
    caseRoutes(app, deps);
    holdRoutes(app, deps);
  };
}

/** Checked by its own schema and linter, which tell all problems at once. */
const PlanDocument = Type.Object({}, { additionalProperties: true, description: 'a plan' });

function planRoutes(app: App, { db, requireScope }: CollectionRoutesDeps): void {
  app.get('/v1/collections/plans', { schema: TAGS }, async (request) => {
    requireScope(request, 'collections:read');
    const rows = await listPlans(db);
    return {
      items: rows.map(({ code, revision, definition }) => ({ code, revision, definition })),
      nextCursor: null,
    };
  });
  const schema = { ...TAGS, body: PlanDocument };
  app.put('/v1/collections/plans', { schema }, async (request) => {
    const principal = requireScope(request, 'collections:manage');
    return storePlan(db, request.body, principal.name);
  });
}

function caseRoutes(app: App, deps: CollectionRoutesDeps): void {
  const { db, requireScope } = deps;
  const listing = { schema: { ...TAGS, querystring: CaseQuery } };
  app.get('/v1/collections/cases', listing, async (request) => {
    requireScope(request, 'collections:read');
    const { state, branch, needsPerson, cursor, limit = 100 } = request.query;
    const before = cursor === undefined ? undefined : BigInt(cursor);
    const rows = await listCases(db, { state, branch, needsPerson, before, limit });
    const last = rows.length === limit ? rows.at(-1) : undefined;
    return { items: rows.map(caseView), nextCursor: last === undefined ? null : String(last.id) };
  });

  const params = Type.Object({ number: Name });
  app.get('/v1/accounts/:number/collections', { schema: { ...TAGS, params } }, async (request) => {
    requireScope(request, 'collections:read');
    const { number } = request.params;
    const account = await accountByNumber(db, number);
    if (account === undefined) throw new Fault('ACCOUNT_UNKNOWN', { account: number });
    const open = await openCaseOf(db, account.id);
    const holds = await holdsOf(db, account.id);
    return {
      account: number,
      case: open === undefined ? null : { id: String(open.id), ...stateOf(open) },
      holds: holds.map(holdView),
      timeline: await timelineOf(db, number),
    };
  });

  app.post('/v1/collections/run', { schema: { ...TAGS, body: RunBody } }, async (request) => {
    const principal = requireScope(request, 'collections:manage');
    const { branch } = request.body;
    const counts = await runCollections(deps, { ...(branch !== undefined && { branch }) });
    await appendAudit(db, {
      chain: 'collections',
      actor: principal.name,
      action: 'run.finished',
      subjectKind: 'collections',
      subjectId: branch ?? 'all',
      detail: counts,
    });
    return counts;
  });
}

function holdRoutes(app: App, deps: CollectionRoutesDeps): void {
  const params = Type.Object({ number: Name });
  const setting = { schema: { ...TAGS, params, body: HoldBody } };
  app.post('/v1/accounts/:number/holds', setting, async (request, reply) => {
    const principal = deps.requireScope(request, 'collections:manage');
    const { kind, reason } = request.body;
    const fromMs = instant(request.body.from, 'from');
    const toMs = instant(request.body.to, 'to');
    const { hold, created, cancelled } = await setHold(deps, {
      account: request.params.number,
      kind,
      reason,
      ...(fromMs !== undefined && { fromMs }),
      ...(toMs !== undefined && { toMs }),
      actor: principal.name,
      idempotencyKey: `${principal.name}/${requiredKey(request.headers)}`,
    });
    return reply.code(created ? 201 : 200).send({ ...holdView(hold), cancelled });
  });

  const releasing = { schema: { ...TAGS, params: Type.Object({ id: Id }) } };
  app.post('/v1/holds/:id/release', releasing, async (request) => {
    const principal = deps.requireScope(request, 'collections:manage');
    return holdView(await releaseHold(deps, BigInt(request.params.id), principal.name));
  });
}

function instant(text: string | undefined, name: string): number | undefined {
  if (text === undefined) return undefined;
  const ms = parseInstant(text);
  if (ms === undefined) {
    throw new Fault('BAD_REQUEST', { detail: `${name} '${text}' is no instant with a zone` });
  }
  return ms;
}

function stateOf(
  row: Pick<CaseListRow, 'state' | 'round' | 'reason' | 'opened_at' | 'changed_at'>,
) {
  return {
    state: row.state,
    round: row.round,
    reason: row.reason,
    openedAt: formatInstant(row.opened_at),
    changedAt: formatInstant(row.changed_at),
  };
}

function caseView(row: CaseListRow) {
  return {
    id: String(row.id),
    account: row.account,
    branch: row.branch,
    currency: row.currency,
    plan: { code: row.plan_code, revision: row.plan_revision },
    ...stateOf(row),
    needsPerson: row.needs_person,
  };
}

function holdView(row: HoldRow) {
  const at = (ms: number | null) => (ms === null ? null : formatInstant(ms));
  return {
    id: String(row.id),
    kind: row.kind,
    from: at(row.from_at),
    to: at(row.to_at),
    reason: row.reason,
    createdBy: row.created_by,
    createdAt: at(row.created_at),
    releasedBy: row.released_by,
    releasedAt: at(row.released_at),
  };
}
