import { Redis } from 'ioredis';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stackUp } from '../../cli/stack/stack.ts';
import { type OwnStack, ownStack } from '../support/stack.ts';

let stack: OwnStack;

beforeAll(async () => {
  stack = await ownStack('crash');
});

afterAll(async () => {
  await stack.remove();
});

async function connected(): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: stack.urls.databaseUrl });
  client.on('error', () => undefined); // the server is about to be killed under it
  await client.connect();
  return client;
}

describe('kill -9 and start', () => {
  it('PostgreSQL: what was committed is there, what was not is not', async () => {
    const client = await connected();
    await client.query('CREATE TABLE entry (id int PRIMARY KEY)');
    await client.query('INSERT INTO entry VALUES (1)');
    await client.query('BEGIN');
    await client.query('INSERT INTO entry VALUES (2)');
    const before = stack.pids();
    await stack.kill9('postgres');
    expect(stack.pids()).toEqual({ postgres: undefined, redis: before.redis });
    await expect(connected()).rejects.toThrow(/ECONNREFUSED/);
    await stack.start('postgres');
    expect(stack.pids().postgres).not.toBe(before.postgres);
    const after = await connected();
    expect((await after.query('SELECT id FROM entry')).rows).toEqual([{ id: 1 }]);
    await after.end();
  });

  it('Redis: what the append-only file has synced is there', async () => {
    const client = new Redis(stack.urls.redisUrl);
    await client.set('kept', '1');
    expect(await client.call('WAITAOF', '1', '0', '5000')).toEqual([1, 0]);
    client.disconnect();
    await stack.kill9('redis');
    expect(stack.pids().redis).toBeUndefined();
    await stack.start('redis');
    const after = new Redis(stack.urls.redisUrl);
    expect(await after.get('kept')).toBe('1');
    after.disconnect();
  });

  it('Redis can come back empty on the same port', async () => {
    await stack.redisRestartEmpty();
    const client = new Redis(stack.urls.redisUrl);
    expect(await client.dbsize()).toBe(0);
    client.disconnect();
  });

  it('up mends a stack with one engine killed, and keeps the URLs', async () => {
    const redisPid = stack.pids().redis;
    await stack.kill9('postgres');
    const again = await stackUp(stack.options);
    expect(again.databaseUrl).toBe(stack.urls.databaseUrl);
    expect(stack.pids().redis).toBe(redisPid);
    expect(stack.pids().postgres).toBeDefined();
  });

  it('recovers from five kills in a row under load', async () => {
    const setup = await connected();
    await setup.query('CREATE TABLE load (round int, n int)');
    await setup.end();
    for (let round = 0; round < 5; round += 1) {
      const client = await connected();
      await client.query('INSERT INTO load SELECT $1, generate_series(1, 10000)', [round]);
      const unfinished = client
        .query('INSERT INTO load SELECT -1, generate_series(1, 5000000)')
        .then(
          () => 'committed',
          () => 'lost',
        );
      await stack.kill9('postgres');
      expect(await unfinished).toBe('lost');
      await stack.start('postgres');
    }
    const client = await connected();
    const { rows } = await client.query(
      'SELECT round, count(*)::int AS count FROM load GROUP BY round ORDER BY round',
    );
    expect(rows).toEqual([0, 1, 2, 3, 4].map((round) => ({ round, count: 10_000 })));
    await client.end();
  });
});
