/**
 * POST /v1/readings: head-ends push readings as JSON or NDJSON. 202 means "in the journal";
 * 400 and 422 mean that nothing was kept and say why.
 */
import { setImmediate } from 'node:timers/promises';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import {
  type Envelope,
  FAULTS,
  Fault,
  type FaultCode,
  LIMITS,
  offeredValues,
  type Principal,
  problemOf,
  sayFault,
  sha256Hex,
} from '../../domain/index.ts';
import {
  type Decoded,
  decodePush,
  type PushContentType,
  rememberDecoded,
  WHOLE_MESSAGE,
} from '../payload/decode.ts';
import { PushBodySchema, PushRecordSchema } from '../payload/schema.ts';
import { type PushDeps, pushLocator } from './push-ports.ts';
import { idempotencyKey, inflateBody, isGzip, pushContentType } from './push-request.ts';

const ProblemList = Type.Array(
  Type.Object({
    at: Type.String({ description: 'where: readings/3, line 7' }),
    code: Type.String(),
    reason: Type.String(),
    records: Type.Integer({ description: 'readings it stands for' }),
  }),
  { maxItems: LIMITS.pushProblemsMax + 1 },
);

const Accepted = Type.Object(
  {
    batch: Type.String({ description: 'the Idempotency-Key' }),
    offered: Type.Integer(),
    accepted: Type.Integer(),
    refused: Type.Integer(),
    problems: ProblemList,
  },
  { description: 'On disk. Refused records are kept in the quarantine with their raw bytes.' },
);

const Problem = Type.Object({
  type: Type.String(),
  title: Type.String(),
  status: Type.Integer(),
  code: Type.String(),
  detail: Type.String(),
  problems: Type.Optional(ProblemList),
});

const ROUTE_SCHEMA = {
  summary: 'Push readings',
  tags: ['readings'],
  headers: Type.Object({
    'idempotency-key': Type.Optional(Type.String({ description: 'required, 1..200 characters' })),
  }),
  body: {
    content: {
      'application/json': { schema: PushBodySchema },
      'application/x-ndjson': { schema: PushRecordSchema },
    },
  },
  response: { 202: Accepted, 400: Problem, 403: Problem, 415: Problem, 422: Problem, 503: Problem },
};

/** One push on its way through. */
interface Push {
  readonly principal: Principal;
  readonly key: string;
  readonly contentType: PushContentType;
  readonly raw: Buffer;
  readonly hash: string;
}

/** Register without fastify-plugin: its body parsers are for this route only. */
export function pushPlugin(deps: PushDeps): (app: FastifyInstance) => Promise<void> {
  const underWay = new Map<string, Promise<unknown>>();
  return async (app) => {
    app.removeAllContentTypeParsers();
    app.addContentTypeParser(
      '*',
      { parseAs: 'buffer' },
      async (request: FastifyRequest, body: Buffer) =>
        isGzip(request.headers) ? inflateBody(body) : body,
    );
    app.post(
      '/v1/readings',
      {
        schema: ROUTE_SCHEMA,
        bodyLimit: LIMITS.pushBodyBytesMax,
        // The schemas document; decodePush enforces them, on bytes and without allErrors.
        validatorCompiler: () => () => true,
        // Refused before the body is read.
        onRequest: async (request) => {
          deps.principalOf(request);
          pushContentType(request.headers);
          idempotencyKey(request.headers);
          isGzip(request.headers);
        },
      },
      async (request, reply) => {
        const push = readPush(deps, request);
        const decoded = await decodeInSteps(push);
        const refused = refusalOf(push, decoded, deps.mayPushFor);
        if (refused !== undefined) return sendProblem(reply, refused, decoded);
        await keepOnce(deps, push, decoded, underWay);
        return reply.code(202).send(answer(push.key, decoded));
      },
    );
  };
}

function readPush(deps: PushDeps, request: FastifyRequest): Push {
  const raw = request.body instanceof Buffer ? request.body : Buffer.alloc(0);
  return {
    principal: deps.principalOf(request),
    key: idempotencyKey(request.headers),
    contentType: pushContentType(request.headers),
    raw,
    hash: sha256Hex(raw),
  };
}

/** Other requests get their turn between the steps. */
async function decodeInSteps(push: Push): Promise<Decoded> {
  const steps = decodePush(push.raw, push.contentType);
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
    await setImmediate();
  }
}

interface Refused {
  readonly code: FaultCode;
  readonly detail: string;
}

/** Why nothing of this push is kept; undefined when something of it can be. */
function refusalOf(
  push: Push,
  decoded: Decoded,
  mayPushFor: PushDeps['mayPushFor'],
): Refused | undefined {
  const { principal } = push;
  const foreign = decoded.blocks.find((block) => mayPushFor?.(principal, block.meter) === false);
  if (foreign !== undefined) {
    const detail = { peer: principal.name, meter: foreign.meter };
    return { code: 'IDENTITY_MISMATCH', detail: sayFault('IDENTITY_MISMATCH', detail) };
  }
  if (decoded.blocks.length > 0) return undefined;
  const [first] = decoded.refusals;
  if (first?.at === WHOLE_MESSAGE && decoded.refusals.length === 1) {
    const code = first.code in FAULTS ? (first.code as FaultCode) : 'PAYLOAD_SCHEMA';
    return { code, detail: first.reason };
  }
  const count = decoded.refusals.length;
  return { code: 'NO_GOOD_RECORD', detail: sayFault('NO_GOOD_RECORD', { count }) };
}

/** In the journal once for each key: 202 only after that, whoever of several callers waits. */
async function keepOnce(
  deps: PushDeps,
  push: Push,
  decoded: Decoded,
  underWay: Map<string, Promise<unknown>>,
): Promise<void> {
  const id = `${push.principal.name}\n${push.key}`;
  // Callers of one key go one after the other; each ends, so the loop does.
  for (let other = underWay.get(id); other !== undefined; other = underWay.get(id)) {
    await other.catch(() => undefined);
  }
  const mine = keep(deps, push, decoded);
  underWay.set(id, mine);
  try {
    await mine;
  } finally {
    underWay.delete(id);
  }
}

async function keep(deps: PushDeps, push: Push, decoded: Decoded): Promise<void> {
  const { principal, key, hash, contentType, raw } = push;
  const verdict = await deps.idempotency.begin(principal.name, key, hash);
  if (verdict === 'conflict') throw new Fault('IDEMPOTENCY_REUSED', { key });
  if (verdict === 'same') return;
  const envelope: Envelope = {
    source: 'http',
    peer: principal.name,
    receivedMs: deps.clock.nowMs(),
    contentType,
    locator: pushLocator(key, hash),
    raw,
  };
  rememberDecoded(envelope, decoded);
  await deps.journal.append(envelope);
  // The readings are safe; without this note a repetition is journalled again and found a
  // duplicate value by value.
  await deps.idempotency.finish(principal.name, key).catch(() => undefined);
}

function answer(key: string, decoded: Decoded) {
  let accepted = 0;
  for (const block of decoded.blocks) accepted += offeredValues(block);
  let refused = 0;
  for (const refusal of decoded.refusals) refused += refusal.records;
  return {
    batch: key,
    offered: accepted + refused,
    accepted,
    refused,
    problems: problems(decoded),
  };
}

function problems(decoded: Decoded) {
  return decoded.refusals.map(({ at, code, reason, records }) => ({ at, code, reason, records }));
}

function sendProblem(reply: FastifyReply, refused: Refused, decoded: Decoded): FastifyReply {
  const { code, detail } = refused;
  const problem = problemOf(code, detail);
  return reply
    .code(problem.status)
    .type('application/problem+json')
    .send({ ...problem, problems: problems(decoded) });
}
