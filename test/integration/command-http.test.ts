/** Goal: two people, two keys and one signature stand between a request and a queue. */
import Fastify, { type FastifyInstance, type FastifyRequest } from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { registerProblems } from '../../cli/api/problem.ts';
import {
  type ApprovalPayload,
  cryptoRandom,
  Fault,
  type Principal,
  ROLES,
  type Scope,
  signApproval,
} from '../../domain/index.ts';
import { commandRoutes } from '../../gateway/http/commands.ts';
import { APPROVER_KEYS, APPROVER_PRIVATE, openUtility, type Utility } from './command-support.ts';

const PEOPLE: Readonly<Record<string, readonly Scope[]>> = {
  carl: ROLES.collections,
  anna: [...ROLES.approver, 'commands:request'],
  bert: ROLES.approver,
  head: ROLES['head-end'],
};

function requireScope(request: FastifyRequest, scope: Scope): Principal {
  const name = String(request.headers['x-person'] ?? '');
  const scopes = PEOPLE[name];
  if (scopes === undefined) throw new Fault('UNAUTHENTICATED');
  if (!scopes.includes(scope)) throw new Fault('FORBIDDEN', { scope });
  return { name, scopes: new Set(scopes) };
}

describe('command routes', () => {
  let u: Utility;
  let app: FastifyInstance;
  const hints: string[] = [];
  beforeAll(async () => {
    u = await openUtility('command-http', 6);
    app = Fastify({ ajv: { customOptions: { removeAdditional: false } } });
    registerProblems(app);
    await app.register(
      commandRoutes({
        db: u.db,
        clock: u.clock,
        random: cryptoRandom,
        approverKeys: APPROVER_KEYS,
        requireScope,
        hint: async (id) => {
          hints.push(id);
        },
      }),
    );
  });
  afterAll(async () => {
    await app.close();
    await u.close();
  });

  async function call(
    person: string,
    method: 'GET' | 'POST',
    url: string,
    body?: object,
    key?: string,
  ) {
    const response = await app.inject({
      method,
      url,
      headers: { 'x-person': person, ...(key !== undefined && { 'idempotency-key': key }) },
      ...(body !== undefined && { payload: body }),
    });
    return { status: response.statusCode, body: response.json() };
  }

  const cut = (meter: string) => ({ meter, action: 'disconnect', reason: 'unpaid since May' });
  const sign = (payload: ApprovalPayload) => signApproval(payload, 'key-anna', APPROVER_PRIVATE);

  it('takes an order once per key, and refuses the key with another body', async () => {
    expect((await call('carl', 'POST', '/v1/commands', cut('M0'))).body.code).toBe(
      'IDEMPOTENCY_REQUIRED',
    );
    const first = await call('carl', 'POST', '/v1/commands', cut('M0'), 'k1');
    expect(first).toMatchObject({ status: 201, body: { state: 'requested', requestedBy: 'carl' } });
    const again = await call('carl', 'POST', '/v1/commands', cut('M0'), 'k1');
    expect(again).toMatchObject({ status: 200, body: { id: first.body.id } });
    const other = await call('carl', 'POST', '/v1/commands', cut('M1'), 'k1');
    expect(other.body.code).toBe('IDEMPOTENCY_REUSED');
  });

  it('queues only with a signature over exactly what it shows', async () => {
    const { body } = await call('carl', 'POST', '/v1/commands', cut('M2'), 'k2');
    const path = `/v1/commands/${body.id}/approval`;
    const good = sign(body.approvalPayload);
    for (const payload of tampered(body.approvalPayload)) {
      const wrong = await call('anna', 'POST', path, sign(payload));
      expect(wrong).toMatchObject({ status: 403, body: { code: 'COMMAND_SIGNATURE' } });
    }
    const stranger = await call('bert', 'POST', path, good);
    expect(stranger.body.code).toBe('COMMAND_SIGNATURE');
    expect((await call('carl', 'POST', path, good)).body.code).toBe('FORBIDDEN');
    const approved = await call('anna', 'POST', path, good);
    expect(approved).toMatchObject({ status: 200, body: { state: 'queued', approvedBy: 'anna' } });
    expect(hints).toEqual([body.id]);
    expect((await call('anna', 'POST', path, good)).status).toBe(200);
    const shown = await call('carl', 'GET', `/v1/commands/${body.id}`);
    expect(shown.body.events.map((e: { to: string }) => e.to)).toEqual([
      'requested',
      'approved',
      'queued',
    ]);
  });

  it('does not let the one who asked approve', async () => {
    const { body } = await call('anna', 'POST', '/v1/commands', cut('M3'), 'k3');
    const approved = await call(
      'anna',
      'POST',
      `/v1/commands/${body.id}/approval`,
      sign(body.approvalPayload),
    );
    expect(approved.status).toBe(403);
    expect((await u.state(body.id)).state).toBe('requested');
  });

  it('cancels what was not sent, and says so when it is too late', async () => {
    const { body } = await call('carl', 'POST', '/v1/commands', cut('M4'), 'k4');
    const path = `/v1/commands/${body.id}/cancel`;
    expect((await call('carl', 'POST', path, { reason: 'paid' })).body.state).toBe('cancelled');
    expect((await call('carl', 'POST', path, { reason: 'paid' })).body.code).toBe('COMMAND_STATE');
  });

  it('lists by state, newest first, with a cursor', async () => {
    const all = await call('carl', 'GET', '/v1/commands?limit=2');
    expect(all.body.items).toHaveLength(2);
    const next = await call('carl', 'GET', `/v1/commands?limit=2&cursor=${all.body.nextCursor}`);
    expect(next.body.items[0].id < all.body.items[1].id).toBe(true);
    const waiting = await call('carl', 'GET', '/v1/commands?state=cancelled');
    expect(waiting.body.items.map((c: { meter: string }) => c.meter)).toEqual(['M4']);
  });

  it('asks for scopes, and says what is wrong with a body', async () => {
    expect((await call('head', 'GET', '/v1/commands')).body.code).toBe('FORBIDDEN');
    expect((await call('nobody', 'GET', '/v1/breaker')).body.code).toBe('UNAUTHENTICATED');
    const bad = await call('carl', 'POST', '/v1/commands', { ...cut('M0'), force: true }, 'k9');
    expect(bad.status).toBe(400);
    const unknown = await call('carl', 'POST', '/v1/commands', cut('M77'), 'k10');
    expect(unknown.body.code).toBe('METER_UNKNOWN');
    const late = { ...cut('M5'), notAfter: '2020-01-01T00:00:00Z' };
    expect((await call('carl', 'POST', '/v1/commands', late, 'k11')).body.code).toBe(
      'COMMAND_REQUEST',
    );
  });

  it('stops by one person and restarts only by a second', async () => {
    const kill = (who: string, on: boolean) =>
      call(who, 'POST', '/v1/breaker/kill', { on, reason: 'drill' });
    expect((await kill('carl', true)).body.on).toBe(true);
    expect((await kill('bert', true)).body).toMatchObject({ on: true, setBy: 'carl' });
    expect((await kill('carl', false)).body.code).toBe('SECOND_PERSON');
    expect((await call('carl', 'GET', '/v1/breaker')).body.killSwitch.on).toBe(true);
    expect((await kill('bert', false)).body.on).toBe(false);
    const trail = await u.db.query<{ action: string; actor: string }>(
      `SELECT action, actor FROM audit WHERE subject_id = 'breaker.kill' ORDER BY seq`,
    );
    expect(trail.map((a) => `${a.actor} ${a.action}`)).toEqual([
      'carl breaker.killed',
      'bert breaker.killed',
      'bert breaker.released',
    ]);
  });

  it('lets a second person settle what no meter could tell', async () => {
    const meter = await u.connectMeter(5, 'stuck');
    const { body } = await call('carl', 'POST', '/v1/commands', cut('M5'), 'k12');
    await call('anna', 'POST', `/v1/commands/${body.id}/approval`, sign(body.approvalPayload));
    await u.settle(u.makeSender());
    expect(meter.operations).toHaveLength(1);
    const seen = { outcome: 'refused', breaker: 'closed', reason: 'relay is welded' };
    const path = `/v1/commands/${body.id}/settlement`;
    expect((await call('carl', 'POST', path, seen)).body.code).toBe('FORBIDDEN');
    expect((await call('bert', 'POST', path, seen)).body.state).toBe('refused');
    expect((await call('bert', 'POST', path, seen)).body.code).toBe('COMMAND_STATE');
  });
});

/** Every member of what is signed, changed once. */
function tampered(payload: ApprovalPayload): ApprovalPayload[] {
  return [
    { ...payload, commandId: '00000000-0000-7000-8000-000000000000' },
    { ...payload, meterSerial: 'M3' },
    { ...payload, action: 'connect' },
    { ...payload, notBefore: '2026-10-05T00:00:00Z' },
    { ...payload, notAfter: '2027-10-05T00:00:00Z' },
    { ...payload, decisionHash: '0'.repeat(64) },
  ];
}
