/** Goal: what people see and do over HTTP, with the scopes, and the worker that runs by itself. */
import Fastify, { type FastifyInstance } from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { consumeCollections } from '../../billing/collections/consume.ts';
import { collectionRoutes } from '../../billing/collections/http.ts';
import { startCollectionsWorker } from '../../billing/collections/worker.ts';
import { registerProblems } from '../../cli/api/problem.ts';
import { writeOutbox } from '../../db/outbox.ts';
import { Fault, type Scope } from '../../domain/index.ts';
import { nine, type Office, openOffice, PLAN } from './collections-support.ts';

const CUT_DAY = '2026-10-06';

describe('collections over HTTP', () => {
  let office: Office;
  let app: FastifyInstance;
  let scopes: Scope[] = ['collections:read', 'collections:manage'];

  beforeAll(async () => {
    office = await openOffice('collections_http', 6);
    app = Fastify();
    registerProblems(app);
    await app.register(
      collectionRoutes({
        ...office.deps,
        requireScope(_request, scope) {
          if (!scopes.includes(scope)) throw new Fault('FORBIDDEN', { scope });
          return { name: 'eva', scopes: new Set(scopes) };
        },
      }),
    );
    for (const account of [1, 2, 3]) await office.owe(account);
    await office.runOn('2026-09-06', '2026-09-21');
  });
  afterAll(async () => {
    await app.close();
    await office.close();
  });

  const get = async (url: string) => (await app.inject({ url })).json();
  const send = (method: 'POST' | 'PUT', url: string, body: object, key?: string) =>
    app.inject({
      method,
      url,
      payload: body,
      ...(key !== undefined && { headers: { 'idempotency-key': key } }),
    });

  it('asks for the scope on every route', async () => {
    scopes = [];
    const answers = await Promise.all([
      app.inject({ url: '/v1/collections/plans' }),
      send('PUT', '/v1/collections/plans', PLAN),
      app.inject({ url: '/v1/collections/cases' }),
      app.inject({ url: '/v1/accounts/A1/collections' }),
      send('POST', '/v1/collections/run', {}),
      send('POST', '/v1/accounts/A1/holds', { kind: 'dispute', reason: 'x' }, 'k'),
      send('POST', '/v1/holds/1/release', {}),
    ]);
    scopes = ['collections:read', 'collections:manage'];
    expect(answers.map((a) => a.statusCode)).toEqual(Array(7).fill(403));
  });

  it('stores a plan once, and names every problem of one that is wrong', async () => {
    expect((await send('PUT', '/v1/collections/plans', PLAN)).json()).toEqual({
      revision: 1,
      created: false,
    });
    const wrong = { ...PLAN, minAmount: '-1', resumeFrom: 'No' };
    const answer = await send('PUT', '/v1/collections/plans', wrong);
    expect(answer.statusCode).toBe(422);
    expect(answer.json()).toMatchObject({ code: 'PLAN_INVALID' });
    expect(answer.json().detail).toMatch(/minAmount.*resumeFrom|resumeFrom.*minAmount/);
  });

  it('lists cases page by page', async () => {
    const first = await get('/v1/collections/cases?limit=2&state=open');
    expect(first.items.map((c: { account: string }) => c.account)).toEqual(['A3', 'A2']);
    const second = await get(`/v1/collections/cases?limit=2&cursor=${first.nextCursor}`);
    expect(second.items.map((c: { account: string }) => c.account)).toEqual(['A1']);
    expect(second.nextCursor).toBeNull();
    expect(await get('/v1/collections/cases?state=closed')).toMatchObject({ items: [] });
    expect((await app.inject({ url: '/v1/collections/cases?state=odd' })).statusCode).toBe(400);
  });

  it('runs on demand and tells an account with the gates of its cut', async () => {
    office.clock.set(nine(CUT_DAY));
    await office.protect();
    const counts = (await send('POST', '/v1/collections/run', { branch: 'north' })).json();
    expect(counts).toMatchObject({ accounts: 3, disconnects: 3, failed: 0 });
    expect((await send('POST', '/v1/collections/run', { branch: 'south' })).json()).toMatchObject({
      accounts: 0,
    });
    const story = await get('/v1/accounts/A1/collections');
    expect(story.case).toMatchObject({ state: 'open', round: 1 });
    const order = story.timeline.at(-1);
    expect(order).toMatchObject({ what: 'disconnect.requested', at: `${CUT_DAY}T13:00:00Z` });
    expect(order.detail.gates).toHaveLength(9);
    expect((await app.inject({ url: '/v1/accounts/none/collections' })).statusCode).toBe(404);
  });

  it('sets a hold once for each key, and releases it', async () => {
    const hold = { kind: 'medical', reason: 'certificate 12', to: '2026-12-01T00:00:00Z' };
    const url = '/v1/accounts/A2/holds';
    expect((await send('POST', url, hold)).json()).toMatchObject({ code: 'IDEMPOTENCY_REQUIRED' });
    const first = await send('POST', url, hold, 'h');
    expect(first.statusCode).toBe(201);
    expect(first.json()).toMatchObject({ kind: 'medical', createdBy: 'eva', releasedAt: null });
    expect(first.json().cancelled).toHaveLength(1);
    const again = await send('POST', url, hold, 'h');
    expect([again.statusCode, again.json().id]).toEqual([200, first.json().id]);
    expect((await send('POST', url, { ...hold, to: 'soon' }, 'i')).statusCode).toBe(400);
    expect((await send('POST', url, { ...hold, kind: 'whim' }, 'i')).statusCode).toBe(400);
    expect((await get('/v1/accounts/A2/collections')).case).toMatchObject({ state: 'stopped' });
    const release = `/v1/holds/${first.json().id}/release`;
    expect((await send('POST', release, {})).json()).toMatchObject({ releasedBy: 'eva' });
    expect((await send('POST', release, {})).statusCode).toBe(200);
    expect((await send('POST', '/v1/holds/99/release', {})).statusCode).toBe(404);
    const [guard] = await office.db.query('SELECT blocks FROM account_guard WHERE account_id = 2');
    expect(guard?.['blocks']).toEqual({});
  });

  it('a message that fails stays, and does not stop the ones behind it', async () => {
    const poison = { key: 'x', payload: { accountId: 999_999, amount: '1', currency: 'USD' } };
    await office.db.transaction((tx) => writeOutbox(tx, 'payment.posted', [poison]));
    await office.pay(1, '187.43');
    const heard = await consumeCollections(office.deps);
    expect(heard.counts).toMatchObject({ failed: 1, closed: 1, cancelled: 1 });
    const open = await office.db.query(
      `SELECT key FROM outbox WHERE topic = 'payment.posted' AND done_at IS NULL`,
    );
    expect(open).toEqual([{ key: 'x' }]);
    await office.db.query(`UPDATE outbox SET done_at = now() WHERE key = 'x'`);
  });

  it('a payment nobody can be found for is heard and changes nothing', async () => {
    const message = { key: 's', payload: { accountId: null, amount: '1', currency: 'USD' } };
    await office.db.transaction((tx) => writeOutbox(tx, 'payment.posted', [message]));
    expect(await consumeCollections(office.deps)).toMatchObject({ counts: { failed: 0 } });
  });

  it('the worker hears a payment and takes the step of the day by itself', async () => {
    await office.owe(4);
    const warnings: object[] = [];
    const log = { warn: (detail: object) => void warnings.push(detail) };
    office.clock.set(nine('2026-09-06'));
    const worker = startCollectionsWorker({ ...office.deps, log });
    const until = (sql: string) =>
      expect.poll(async () => (await office.db.query(sql)).length, { timeout: 10_000 }).toBe(1);
    await until(`SELECT FROM collection_notice WHERE account_id = 4 AND step = 'reminder'`);
    office.clock.set(nine('2026-09-21'));
    await until(`SELECT FROM collection_notice WHERE account_id = 4 AND step = 'final'`);
    await office.pay(4, '187.43');
    await until(`SELECT FROM collection_case WHERE account_id = 4 AND state = 'closed'`);
    await worker.stop();
    expect(warnings).toEqual([]);
  });
});
