import { gzipSync } from 'node:zlib';
import swagger from '@fastify/swagger';
import Fastify, { type FastifyInstance } from 'fastify';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { registerProblems } from '../../cli/api/problem.ts';
import { systemClock } from '../../cli/clock.ts';
import { type Envelope, Fault, LIMITS, type Principal, sha256Hex } from '../../domain/index.ts';
import { pushPlugin } from '../../gateway/http/push.ts';
import { parsePushLocator } from '../../gateway/http/push-ports.ts';
import { decode } from '../../gateway/payload/decode.ts';
import { MemoryIdempotency } from '../support/idempotency.ts';

const KEY: Principal = { name: 'head-end-1', scopes: new Set(['readings:push']) };
const record = (meter: string, values: unknown[]) => ({
  meter,
  channel: '1-0:1.8.0',
  start: '2026-10-01T00:00:00Z',
  interval_s: 900,
  values,
});
const GOOD = JSON.stringify({ readings: [record('M1', [1, '2', null]), record('M2', [3])] });

let app: FastifyInstance;
let journal: Envelope[];
let principal: Principal | undefined;
let append: (envelope: Envelope) => Promise<void>;

beforeEach(async () => {
  journal = [];
  principal = KEY;
  append = async (envelope) => {
    journal.push(envelope);
  };
  app = Fastify();
  registerProblems(app);
  await app.register(swagger, { openapi: { openapi: '3.1.0' } });
  await app.register(
    pushPlugin({
      journal: { append: (envelope) => append(envelope) },
      idempotency: new MemoryIdempotency(),
      clock: systemClock,
      principalOf: () => {
        if (principal === undefined) throw new Fault('UNAUTHENTICATED');
        const scope = 'readings:push';
        if (!principal.scopes.has(scope)) throw new Fault('FORBIDDEN', { scope });
        return principal;
      },
      mayPushFor: (_, serial) => serial !== 'FOREIGN',
    }),
  );
});

afterEach(async () => {
  await app.close();
});

function post(payload: string | Buffer, headers: Record<string, string> = {}) {
  const given = { 'content-type': 'application/json', 'idempotency-key': 'k1', ...headers };
  return app.inject({ method: 'POST', url: '/v1/readings', headers: given, payload });
}

describe('a push that is accepted', () => {
  it('is in the journal with its key and hash before the 202', async () => {
    const response = await post(GOOD);
    expect(response.statusCode).toBe(202);
    expect(response.json()).toEqual({
      batch: 'k1',
      offered: 3,
      accepted: 3,
      refused: 0,
      problems: [],
    });
    const [envelope] = journal as [Envelope];
    expect(envelope).toMatchObject({ source: 'http', peer: 'head-end-1' });
    expect(Buffer.from(envelope.raw).toString()).toBe(GOOD);
    expect(parsePushLocator(envelope.locator)).toEqual({ key: 'k1', bodyHash: sha256Hex(GOOD) });
    expect(decode(envelope).blocks).toHaveLength(2);
  });

  it('is answered only when the journal has it', async () => {
    let synced = () => {};
    append = (envelope) => {
      journal.push(envelope);
      return new Promise((resolve) => {
        synced = resolve;
      });
    };
    let answered = false;
    const pending = post(GOOD).then((response) => {
      answered = true;
      return response;
    });
    await expect.poll(() => journal.length).toBe(1);
    await systemClock.sleep(50);
    expect(answered).toBe(false);
    synced();
    expect((await pending).statusCode).toBe(202);
  });

  it('names the records that are refused, and is kept whole', async () => {
    const lines = [record('M1', [1]), record('M2', [1.5, 2]), { channel: 'x' }];
    const body = `${lines.map((line) => JSON.stringify(line)).join('\n')}\n{broken`;
    const response = await post(body, { 'content-type': 'application/x-ndjson' });
    expect(response.statusCode).toBe(202);
    expect(response.json()).toMatchObject({ offered: 5, accepted: 1, refused: 4 });
    const { problems } = response.json() as { problems: { at: string; code: string }[] };
    expect(problems.map(({ at, code }) => [at, code])).toEqual([
      ['line 2', 'NOT_INTEGER'],
      ['line 3', 'PAYLOAD_SCHEMA'],
      ['line 4', 'PAYLOAD_SYNTAX'],
    ]);
    expect(Buffer.from(journal[0]?.raw ?? []).toString()).toBe(body);
  });

  it('may be compressed', async () => {
    const response = await post(gzipSync(GOOD), { 'content-encoding': 'gzip' });
    expect(response.statusCode).toBe(202);
    expect(Buffer.from(journal[0]?.raw ?? []).toString()).toBe(GOOD);
  });
});

describe('the same key', () => {
  it('with the same body gives the same answer and nothing new', async () => {
    const body = JSON.stringify({ readings: [record('M1', [1]), record('M1', [0.5])] });
    const first = await post(body);
    const second = await post(body);
    expect(second.statusCode).toBe(202);
    expect(second.json()).toEqual(first.json());
    expect(journal).toHaveLength(1);
  });

  it('twice at once has one effect', async () => {
    append = async (envelope) => {
      await systemClock.sleep(30);
      journal.push(envelope);
    };
    const answers = await Promise.all([post(GOOD), post(GOOD), post(GOOD)]);
    expect(answers.map((answer) => answer.statusCode)).toEqual([202, 202, 202]);
    expect(journal).toHaveLength(1);
  });

  it('with another body is 422', async () => {
    await post(GOOD);
    const response = await post(JSON.stringify({ readings: [record('M9', [1])] }));
    expect(response.statusCode).toBe(422);
    expect(response.json()).toMatchObject({ code: 'IDEMPOTENCY_REUSED' });
    expect(journal).toHaveLength(1);
  });

  it('of another caller is another key', async () => {
    await post(GOOD);
    principal = { ...KEY, name: 'head-end-2' };
    expect((await post(GOOD)).statusCode).toBe(202);
    expect(journal.map((envelope) => envelope.peer)).toEqual(['head-end-1', 'head-end-2']);
  });

  it('may be tried again after the journal was full', async () => {
    append = async () => {
      throw new Fault('JOURNAL_FULL', { bytes: 2, max: 1 });
    };
    const refused = await post(GOOD);
    expect(refused.statusCode).toBe(503);
    expect(refused.headers['retry-after']).toBeDefined();
    append = async (envelope) => {
      journal.push(envelope);
    };
    expect((await post(GOOD)).statusCode).toBe(202);
    expect(journal).toHaveLength(1);
  });
});

describe('a push that is refused leaves nothing', () => {
  afterEach(() => {
    expect(journal).toEqual([]);
  });

  it.each([
    ['not JSON', '{"readings":[', 400, 'PAYLOAD_SYNTAX'],
    ['empty', '', 400, 'PAYLOAD_SYNTAX'],
    ['another shape', '{"values":[1]}', 400, 'PAYLOAD_SCHEMA'],
    [
      'no good record',
      JSON.stringify({ readings: [record('M1', [1.5]), 7] }),
      422,
      'NO_GOOD_RECORD',
    ],
    [
      'a foreign meter',
      JSON.stringify({ readings: [record('FOREIGN', [1])] }),
      403,
      'IDENTITY_MISMATCH',
    ],
    ['__proto__', '{"__proto__":{"readings":[]}}', 400, 'PAYLOAD_SCHEMA'],
    ['too many bytes', ' '.repeat(LIMITS.pushBodyBytesMax + 1), 413, 'PAYLOAD_TOO_LARGE'],
  ])('%s', async (_, body, status, code) => {
    const response = await post(body);
    expect(response.statusCode).toBe(status);
    expect(response.headers['content-type']).toContain('application/problem+json');
    expect(response.json()).toMatchObject({ status, code });
    expect((await post(GOOD.replace('M1', 'FOREIGN'))).statusCode).toBe(403);
  });

  it('lists every problem', async () => {
    const response = await post(JSON.stringify({ readings: [record('M1', [1.5]), 7] }));
    const { problems } = response.json() as { problems: { at: string }[] };
    expect(problems.map((problem) => problem.at)).toEqual(['readings/0', 'readings/1']);
  });

  it('a bomb of zeros', async () => {
    const bomb = gzipSync(Buffer.alloc(64 * 1024 ** 2));
    expect(bomb.length).toBeLessThan(100_000);
    expect((await post(bomb, { 'content-encoding': 'gzip' })).statusCode).toBe(413);
    expect((await post('no gzip', { 'content-encoding': 'gzip' })).statusCode).toBe(400);
  });

  it.each([
    'application/json ',
    'application/json\t',
    'application/json;',
    'application/json; charset=utf-7',
    'application/json;charset=utf-8;x=y',
    'application/json, text/plain',
    'Application/JSON',
    'application/jsonx',
    'application/vnd.api+json',
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'application/x-ndjson\u0000',
    '',
  ])('content type %j', async (type) => {
    expect((await post(GOOD, { 'content-type': type })).statusCode).toBe(415);
  });

  it('without key, with a strange key, with an unknown encoding', async () => {
    const bare = { 'content-type': 'application/json' };
    const request = { method: 'POST', url: '/v1/readings', headers: bare, payload: GOOD } as const;
    expect((await app.inject(request)).json()).toMatchObject({ code: 'IDEMPOTENCY_REQUIRED' });
    expect((await post(GOOD, { 'idempotency-key': 'a b' })).statusCode).toBe(400);
    expect((await post(GOOD, { 'idempotency-key': 'x'.repeat(201) })).statusCode).toBe(400);
    expect((await post(GOOD, { 'content-encoding': 'br' })).statusCode).toBe(415);
  });

  it('without a credential or its scope', async () => {
    principal = undefined;
    expect((await post(GOOD)).statusCode).toBe(401);
    principal = { name: 'k', scopes: new Set(['bills:read']) };
    expect((await post(GOOD)).statusCode).toBe(403);
  });
});

describe('the documentation', () => {
  it('shows both bodies and the answer', async () => {
    await app.ready();
    const route = app.swagger().paths?.['/v1/readings'] as {
      post: { requestBody: { content: Record<string, unknown> }; responses: object };
    };
    const types = Object.keys(route.post.requestBody.content);
    expect(types).toEqual(['application/json', 'application/x-ndjson']);
    expect(JSON.stringify(route.post.requestBody)).toContain('interval_s');
    expect(route.post.responses).toHaveProperty('202');
  });
});
