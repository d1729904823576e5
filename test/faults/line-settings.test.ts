/** Goal: no process acknowledges on engines that forget, unless it was told to, and then it says so. */
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RoleProcess } from './support/role-process.ts';
import { TestLine } from './support/test-line.ts';

const START_MS = 60_000;
const ALLOW = { METERLINE_UNSAFE_DURABILITY: '1' };

let line: TestLine;
let redis: Redis;
let safe: RoleProcess;

beforeAll(async () => {
  line = await TestLine.open('settings');
  redis = new Redis(line.stack.urls.redisUrl);
  safe = line.role('safe', ['api']);
  safe.start();
  await safe.ready();
});

afterAll(async () => {
  redis.disconnect();
  await line.remove();
});

async function setPostgres(setting: string, value: string): Promise<void> {
  await line.db.query(`ALTER SYSTEM SET ${setting} = '${value}'`);
  await line.db.query('SELECT pg_reload_conf()');
}

/** Ended by itself with an error, and said why. */
async function expectRefusal(name: string, why: RegExp): Promise<void> {
  const role = line.role(name, ['api']);
  role.start();
  const end = await role.ended(START_MS);
  expect(end).toMatchObject({ code: 1, signal: null });
  expect(role.log()).toMatch(why);
}

async function readiness(role: RoleProcess) {
  const response = await fetch(`${await role.ready()}/readyz`);
  const body = (await response.json()) as {
    ready: boolean;
    checks: { name: string; ok: boolean; state: string }[];
  };
  const durability = body.checks.find(({ name }) => name === 'durability');
  return { status: response.status, ready: body.ready, durability };
}

async function metric(role: RoleProcess): Promise<string | undefined> {
  const text = await (await fetch(`${await role.ready()}/metrics`)).text();
  return /^meterline_unsafe_durability (\d)$/m.exec(text)?.[1];
}

describe('an engine that forgets', () => {
  it.each([
    ['fsync', 'off', 'on'],
    ['full_page_writes', 'off', 'on'],
    ['synchronous_commit', 'off', 'on'],
  ])('PostgreSQL with %s = %s: refused', async (setting, bad, good) => {
    await setPostgres(setting, bad);
    try {
      await expectRefusal(setting, new RegExp(`UNSAFE_DURABILITY.*${setting} = ${bad}`));
    } finally {
      await setPostgres(setting, good);
    }
  });

  it.each([
    ['appendonly', 'no', 'yes'],
    ['maxmemory-policy', 'allkeys-lru', 'noeviction'],
  ])('Redis with %s = %s: refused', async (setting, bad, good) => {
    await redis.config('SET', setting, bad);
    try {
      await expectRefusal(setting, new RegExp(`UNSAFE_DURABILITY.*${setting} = ${bad}`));
    } finally {
      await redis.config('SET', setting, good);
    }
  });

  it('starts when told to, and says so in /readyz and /metrics', async () => {
    await setPostgres('fsync', 'off');
    try {
      const unsafe = line.role('unsafe', ['api'], { env: ALLOW });
      unsafe.start();
      const told = await readiness(unsafe);
      expect(told).toMatchObject({ status: 200, ready: true, durability: { ok: true } });
      expect(told.durability?.state).toMatch(/^UNSAFE.*fsync = off/);
      expect(await metric(unsafe)).toBe('1');
    } finally {
      await setPostgres('fsync', 'on');
    }
  });

  it('makes a process that runs unready, until it is put right', async () => {
    const good = { status: 200, ready: true, durability: { ok: true, state: 'as needed' } };
    expect(await readiness(safe)).toMatchObject(good);
    expect(await metric(safe)).toBe('0');
    await setPostgres('fsync', 'off');
    await expect.poll(() => readiness(safe), { timeout: 10_000 }).toMatchObject({ status: 503 });
    expect((await readiness(safe)).durability?.state).toMatch(/fsync = off/);
    await setPostgres('fsync', 'on');
    await expect.poll(() => readiness(safe), { timeout: 10_000 }).toMatchObject(good);
  });
});
