/**
 * HTTP for breaker commands: order, look, approve, cancel, settle by hand, stop everything. An
 * approval is a signature over `approvalPayload` by a key that the service does not hold.
 */
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Static } from 'typebox';
import { approveCommand, cancelCommand } from '../../db/command-approval.ts';
import { type Command, commandEvents, getCommand, listCommands } from '../../db/command-rows.ts';
import { settleCommand } from '../../db/command-state.ts';
import { commandCounts } from '../../db/command-sweeps.ts';
import { createCommand } from '../../db/commands.ts';
import { readKillSwitch, setKillSwitch } from '../../db/control.ts';
import type { Database } from '../../db/pool.ts';
import {
  type Approval,
  type Clock,
  Fault,
  LIMITS,
  type Principal,
  parseInstant,
  type RandomBytes,
  type Scope,
  uuidV7,
} from '../../domain/index.ts';
import { type ApproverKeys, approvalProblem } from '../commands/approvals.ts';
import {
  ApprovalBody,
  CancelBody,
  CommandBody,
  CommandParams,
  CommandQuery,
  commandView,
  eventView,
  KillBody,
  killView,
  SettlementBody,
} from './command-schemas.ts';
import { idempotencyKey } from './push-request.ts';

export interface CommandRoutesDeps {
  readonly db: Database;
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly approverKeys: ApproverKeys;
  /** The caller; throws UNAUTHENTICATED or FORBIDDEN. */
  readonly requireScope: (request: FastifyRequest, scope: Scope) => Principal;
  /** Tells the gateways that a command may be sent; a lost hint costs one sweep. */
  readonly hint: (commandId: string) => Promise<void>;
}

const TAGS = { tags: ['commands'] };

/** For `app.register`. */
export function commandRoutes(deps: CommandRoutesDeps) {
  return async (plain: FastifyInstance): Promise<void> => {
    const app = plain.withTypeProvider<TypeBoxTypeProvider>();
    orderRoutes(app, deps);
    decisionRoutes(app, deps);
    breakerRoutes(app, deps);
  };
}

type App = ReturnType<typeof typed>;
const typed = (app: FastifyInstance) => app.withTypeProvider<TypeBoxTypeProvider>();

function orderRoutes(app: App, deps: CommandRoutesDeps): void {
  const { db } = deps;

  app.post('/v1/commands', { schema: { ...TAGS, body: CommandBody } }, async (request, reply) => {
    const principal = deps.requireScope(request, 'commands:request');
    const key = `${principal.name}:${idempotencyKey(request.headers)}`;
    const { command, created } = await order(deps, principal, key, request.body);
    if (created && command.state === 'queued') await deps.hint(command.id);
    return reply.code(created ? 201 : 200).send(commandView(command));
  });

  app.get('/v1/commands', { schema: { ...TAGS, querystring: CommandQuery } }, async (request) => {
    deps.requireScope(request, 'commands:read');
    const { state, meter, cursor, limit = 100 } = request.query;
    const page = await listCommands(db, {
      limit,
      ...(state !== undefined && { state }),
      ...(meter !== undefined && { meterSerial: meter }),
      ...(cursor !== undefined && { before: cursor }),
    });
    const nextCursor = page.length === limit ? (page.at(-1)?.id ?? null) : null;
    return { items: page.map(commandView), nextCursor };
  });

  app.get('/v1/commands/:id', { schema: { ...TAGS, params: CommandParams } }, async (request) => {
    deps.requireScope(request, 'commands:read');
    const command = await known(db, request.params.id);
    const events = await commandEvents(db, command.id);
    return { ...commandView(command), events: events.map(eventView) };
  });
}

function order(
  deps: CommandRoutesDeps,
  principal: Principal,
  key: string,
  body: Static<typeof CommandBody>,
) {
  const nowMs = deps.clock.nowMs();
  const notBeforeMs = instant(body.notBefore, 'notBefore') ?? nowMs;
  const notAfterMs = instant(body.notAfter, 'notAfter') ?? notBeforeMs + LIMITS.commandAgeMsMax;
  return deps.db.transaction((tx) =>
    createCommand(tx, {
      id: uuidV7(nowMs, deps.random),
      meterSerial: body.meter,
      action: body.action,
      requestedBy: principal.name,
      nowMs,
      notBeforeMs,
      notAfterMs,
      decision: { ...body, by: principal.name },
      idempotencyKey: key,
    }),
  );
}

function instant(text: string | undefined, name: string): number | undefined {
  if (text === undefined) return undefined;
  const ms = parseInstant(text);
  if (ms === undefined) {
    throw new Fault('BAD_REQUEST', { detail: `${name} is no ISO 8601 time with zone` });
  }
  return ms;
}

async function known(db: Database, id: string): Promise<Command> {
  const command = await getCommand(db, id);
  if (command === undefined) throw new Fault('COMMAND_UNKNOWN', { id });
  return command;
}

function decisionRoutes(app: App, deps: CommandRoutesDeps): void {
  const { clock, db } = deps;

  app.post(
    '/v1/commands/:id/approval',
    { schema: { ...TAGS, params: CommandParams, body: ApprovalBody } },
    async (request) => {
      const principal = deps.requireScope(request, 'commands:approve');
      const command = await known(db, request.params.id);
      return commandView(await approve(deps, principal, command, request.body));
    },
  );

  app.post(
    '/v1/commands/:id/cancel',
    { schema: { ...TAGS, params: CommandParams, body: CancelBody } },
    async (request) => {
      const principal = deps.requireScope(request, 'commands:cancel');
      const step = { actor: principal.name, atMs: clock.nowMs(), reason: request.body.reason };
      const cancelled = await db.transaction((tx) => cancelCommand(tx, request.params.id, step));
      return commandView(cancelled);
    },
  );

  app.post(
    '/v1/commands/:id/settlement',
    { schema: { ...TAGS, params: CommandParams, body: SettlementBody } },
    async (request) => {
      const principal = deps.requireScope(request, 'commands:approve');
      const command = await known(db, request.params.id);
      await settle(deps, principal, command, request.body);
      return commandView(await known(db, command.id));
    },
  );
}

/** Repeating the same approval is no error: the answer is the command as it is. */
async function approve(
  deps: CommandRoutesDeps,
  principal: Principal,
  command: Command,
  approval: Approval,
): Promise<Command> {
  const same =
    command.approval?.keyId === approval.keyId &&
    command.approval.signature === approval.signature &&
    command.approvedBy === principal.name;
  if (same) return command;
  const problem =
    deps.approverKeys.get(approval.keyId)?.owner === principal.name
      ? approvalProblem(command, approval, deps.approverKeys)
      : `key ${approval.keyId} is not ${principal.name}’s`;
  if (problem !== undefined) {
    throw new Fault('COMMAND_SIGNATURE', { id: command.id, detail: problem });
  }
  const grant = {
    id: command.id,
    approval: { keyId: approval.keyId, signature: approval.signature },
    approvedBy: principal.name,
    atMs: deps.clock.nowMs(),
  };
  const approved = await deps.db.transaction((tx) => approveCommand(tx, grant));
  if (approved.state === 'queued') await deps.hint(approved.id);
  return approved;
}

/** What somebody saw on the spot ends an outcome that no meter could tell. */
async function settle(
  deps: CommandRoutesDeps,
  principal: Principal,
  command: Command,
  body: Static<typeof SettlementBody>,
): Promise<void> {
  if (command.requestedBy === principal.name) {
    throw new Fault('SECOND_PERSON', { what: 'settling a command', actor: principal.name });
  }
  const settled = await settleCommand(deps.db, {
    id: command.id,
    from: 'indeterminate',
    to: body.outcome,
    actor: principal.name,
    atMs: deps.clock.nowMs(),
    reason: `settled by hand: ${body.reason}`,
    output: body.breaker === 'ready' ? 'open' : body.breaker,
    control: body.breaker,
  });
  if (settled) return;
  const { state } = await known(deps.db, command.id);
  throw new Fault('COMMAND_STATE', { id: command.id, state, wanted: body.outcome });
}

function breakerRoutes(app: App, deps: CommandRoutesDeps): void {
  app.get('/v1/breaker', { schema: TAGS }, async (request) => {
    deps.requireScope(request, 'commands:read');
    const [flag, counts] = await Promise.all([
      readKillSwitch(deps.db),
      commandCounts(deps.db, deps.clock.nowMs()),
    ]);
    return { killSwitch: killView(flag), commands: counts };
  });

  app.post('/v1/breaker/kill', { schema: { ...TAGS, body: KillBody } }, async (request) => {
    const principal = deps.requireScope(request, 'breaker:kill');
    const { on, reason } = request.body;
    return killView(await setKillSwitch(deps.db, on, principal.name, reason));
  });
}
