import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Redis } from 'ioredis';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { postgresAnswers, redisAnswers } from '../../cli/stack/probe.ts';
import {
  type StackOptions,
  type StackUrls,
  stackDown,
  stackReset,
  stackStatus,
  stackUp,
} from '../../cli/stack/stack.ts';
import { isFault } from '../../domain/faults.ts';
import { type OwnStack, ownStack } from '../support/stack.ts';

let stack: OwnStack;

beforeAll(async () => {
  stack = await ownStack('suite');
});

afterAll(async () => {
  await stack.remove();
});

async function query<Row extends pg.QueryResultRow>(sql: string): Promise<Row[]> {
  const client = new pg.Client({ connectionString: stack.urls.databaseUrl });
  await client.connect();
  try {
    return (await client.query<Row>(sql)).rows;
  } finally {
    await client.end();
  }
}

async function redis<T>(work: (client: Redis) => Promise<T>): Promise<T> {
  const client = new Redis(stack.urls.redisUrl);
  try {
    return await work(client);
  } finally {
    client.disconnect();
  }
}

describe('a stack that is up', () => {
  it('has TimescaleDB in the database, and hypertables work', async () => {
    expect(stack.urls.source).toBe('packages');
    const [extension] = await query<{ extversion: string }>(
      "SELECT extversion FROM pg_extension WHERE extname = 'timescaledb'",
    );
    expect(extension?.extversion).toMatch(/^2\.\d+\.\d+$/);
    await query('CREATE TABLE probe (at timestamptz NOT NULL, value bigint)');
    await query("SELECT create_hypertable('probe', by_range('at'))");
    await query(
      'INSERT INTO probe SELECT at, 1 FROM ' +
        "generate_series('2026-01-01', '2026-01-31', interval '1 hour') AS at",
    );
    const [chunks] = await query<{ count: string }>(
      "SELECT count(*) FROM timescaledb_information.chunks WHERE hypertable_name = 'probe'",
    );
    expect(Number(chunks?.count)).toBeGreaterThan(1);
  });

  it('runs with settings that lose nothing', async () => {
    const rows = await query<{ name: string; setting: string }>(
      'SELECT name, setting FROM pg_settings WHERE name IN ' +
        "('fsync', 'full_page_writes', 'synchronous_commit', 'data_checksums', 'TimeZone', " +
        "'server_encoding', 'listen_addresses', 'password_encryption', 'jit')",
    );
    expect(Object.fromEntries(rows.map((row) => [row.name, row.setting]))).toEqual({
      fsync: 'on',
      full_page_writes: 'on',
      synchronous_commit: 'on',
      data_checksums: 'on',
      TimeZone: 'UTC',
      server_encoding: 'UTF8',
      listen_addresses: '127.0.0.1',
      password_encryption: 'scram-sha-256',
      jit: 'off',
    });
    const settings = await redis((client) =>
      Promise.all(
        ['appendonly', 'appendfsync', 'maxmemory-policy', 'bind'].map((name) =>
          client.config('GET', name),
        ),
      ),
    );
    expect(settings).toEqual([
      ['appendonly', 'yes'],
      ['appendfsync', 'everysec'],
      ['maxmemory-policy', 'noeviction'],
      ['bind', '127.0.0.1'],
    ]);
  });

  it('asks both engines for the password, which only the owner can read', async () => {
    const wrong = new URL(stack.urls.databaseUrl);
    wrong.password = 'wrong';
    const client = new pg.Client({ connectionString: wrong.href });
    await expect(client.connect()).rejects.toThrow(/password authentication failed/);
    const open = new URL(stack.urls.redisUrl);
    open.password = '';
    expect(await redisAnswers(open.href)).toMatchObject({ ready: false });
    expect(statSync(join(stack.urls.directory, 'state.json')).mode & 0o777).toBe(0o600);
    expect(statSync(stack.urls.directory).mode & 0o777).toBe(0o700);
  });

  it('answers a second up in less than a second with the same URLs', async () => {
    const again = await stackUp(stack.options);
    expect(again.startedMs).toBeLessThan(1_000);
    expect({ ...again, startedMs: 0 }).toEqual({ ...stack.urls, startedMs: 0 });
  });

  it('shows versions, ports, pids and sizes', async () => {
    const status = await stackStatus(stack.options);
    expect(status).toMatchObject({ up: true, source: 'packages', name: 'suite' });
    const [postgres, redisServer] = status.engines;
    expect(postgres).toMatchObject({
      engine: 'postgres',
      answers: true,
      port: Number(new URL(stack.urls.databaseUrl).port),
      pid: stack.pids().postgres,
      version: expect.stringMatching(/^17\.\d+ \+ TimescaleDB 2\./),
    });
    expect(postgres?.dataBytes).toBeGreaterThan(10_000_000);
    expect(redisServer).toMatchObject({ engine: 'redis', answers: true, pid: stack.pids().redis });
    const startedAt = Date.parse(postgres?.since ?? '');
    expect(Math.abs(Date.now() - startedAt)).toBeLessThan(600_000);
  });
});

describe('down, up and reset', () => {
  it('down ends every process; up brings the data back on the same URLs', async () => {
    await query('CREATE TABLE kept AS SELECT 42 AS answer');
    await redis((client) => client.set('kept', '42'));
    const before = stack.processes();
    expect(before.length).toBeGreaterThan(4);
    await stack.down();
    expect(stack.processes()).toEqual([]);
    for (const pid of before) expect(existsSync(`/proc/${pid}`)).toBe(false);
    expect((await stackStatus(stack.options)).up).toBe(false);
    expect(await stackDown(stack.options)).toBe(false);
    const again = await stackUp(stack.options);
    expect(again.startedMs).toBeLessThan(10_000);
    expect(again.databaseUrl).toBe(stack.urls.databaseUrl);
    expect(again.redisUrl).toBe(stack.urls.redisUrl);
    expect(await query('SELECT answer FROM kept')).toEqual([{ answer: 42 }]);
    expect(await redis((client) => client.get('kept'))).toBe('42');
  });

  it('down leaves no orphan when the sandboxes were killed under the servers', async () => {
    const { postgres, redis: redisPid } = stack.pids();
    for (const pid of [postgres, redisPid]) {
      const parent = /^PPid:\s+(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
      expect(readFileSync(`/proc/${parent}/comm`, 'utf8').trim()).toBe('bwrap');
      process.kill(Number(parent), 'SIGKILL');
    }
    expect(await query('SELECT answer FROM kept')).toEqual([{ answer: 42 }]);
    await stack.down();
    expect(stack.processes()).toEqual([]);
    await stackUp(stack.options);
  });

  it('takes another port when a stranger sits on the old one', async () => {
    await stack.down();
    const port = Number(new URL(stack.urls.redisUrl).port);
    const stranger = createServer().listen(port, '127.0.0.1');
    try {
      const moved = await stackUp(stack.options);
      expect(new URL(moved.redisUrl).port).not.toBe(String(port));
      expect(moved.databaseUrl).toBe(stack.urls.databaseUrl);
      expect(await redisAnswers(moved.redisUrl)).toEqual({ ready: true });
    } finally {
      await new Promise((resolve) => stranger.close(resolve));
    }
  });
});

describe('a stack of its own folder', () => {
  let projectDirectory: string;

  beforeAll(() => {
    projectDirectory = mkdtempSync(join(tmpdir(), 'meterline-second-'));
  });

  afterAll(() => rmSync(projectDirectory, { recursive: true, force: true }));

  it('is made once by callers at the same moment, and reset leaves nothing of it', async () => {
    const options: StackOptions = { name: 'second', projectDirectory, use: 'packages' };
    const urls = await Promise.all([
      stackUp(options),
      upInAnotherProcess(options),
      upInAnotherProcess(options),
      stackUp(options),
    ]);
    expect(new Set(urls.map((one) => `${one.databaseUrl} ${one.redisUrl}`)).size).toBe(1);
    const [one] = urls;
    expect(one?.databaseUrl).not.toBe(stack.urls.databaseUrl);
    expect(await postgresAnswers(one?.databaseUrl ?? '')).toEqual({ ready: true });
    expect(await stackReset(options)).toBe(true);
    expect(existsSync(one?.directory ?? '/')).toBe(false);
    expect(await postgresAnswers(one?.databaseUrl ?? '')).toMatchObject({ ready: false });
    expect(await stackReset(options)).toBe(false);
  });
});

async function upInAnotherProcess(options: StackOptions): Promise<StackUrls> {
  const module = join(import.meta.dirname, '../../cli/stack/stack.ts');
  const script =
    `import { stackUp } from ${JSON.stringify(module)};` +
    `console.log(JSON.stringify(await stackUp(${JSON.stringify(options)})));`;
  const args = ['--import', 'tsx', '--input-type=module', '--eval', script];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  return JSON.parse(stdout) as StackUrls;
}

describe('given URLs', () => {
  it('win, and are checked', async () => {
    const { databaseUrl, redisUrl } = await stackUp(stack.options);
    const given = { ...stack.options, name: 'unused', databaseUrl, redisUrl };
    expect(await stackUp(given)).toMatchObject({ source: 'environment', databaseUrl, redisUrl });
    expect(await stackStatus(given)).toMatchObject({ source: 'environment', up: true });
    expect(existsSync((await stackUp(given)).directory)).toBe(false);
    expect(await stackDown(given)).toBe(false);
    expect(await postgresAnswers(databaseUrl)).toEqual({ ready: true });
  });

  it.each([
    ['one without the other', { databaseUrl: 'postgresql://a@127.0.0.1/a' }, /REDIS_URL is not/],
    ['no URL', { databaseUrl: 'x', redisUrl: 'redis://127.0.0.1:1' }, /DATABASE_URL is no URL/],
    [
      'nobody there',
      { databaseUrl: 'postgresql://a@127.0.0.1:1/a', redisUrl: 'redis://127.0.0.1:1' },
      /DATABASE_URL 127\.0\.0\.1:1: .*ECONNREFUSED.*REDIS_URL/,
    ],
  ])('are refused: %s', async (_, urls, message) => {
    const fault = await stackUp({ ...stack.options, ...urls }).catch((error: unknown) => error);
    expect(isFault(fault, 'STACK')).toBe(true);
    expect((fault as Error).message).toMatch(message);
  });
});
