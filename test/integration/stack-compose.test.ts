import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ENVIRONMENT, ROLE_NAMES } from '../../cli/config.ts';
import { composeArguments } from '../../cli/stack/docker.ts';
import { instanceOf, newState } from '../../cli/stack/instance.ts';
import { shell } from '../../cli/stack/shell.ts';
import { composeCommand } from '../support/compose.ts';

const PROJECT = join(import.meta.dirname, '../..');
const PASSWORDS = { POSTGRES_PASSWORD: 'aaa', REDIS_PASSWORD: 'bbb' };
const OURS: readonly string[] = ROLE_NAMES;

interface Service {
  readonly image: string;
  readonly user: string;
  readonly read_only?: boolean;
  readonly cap_drop?: readonly string[];
  readonly security_opt?: readonly string[];
  readonly tmpfs?: readonly string[];
  readonly healthcheck?: object;
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string | null>>;
  readonly networks: object;
  readonly ports?: readonly { target: number; published: string; host_ip?: string }[];
  readonly volumes?: readonly { type: string; source: string; target: string }[];
}

interface Composition {
  readonly services: Readonly<Record<string, Service>>;
  readonly networks: Readonly<Record<string, { internal?: boolean }>>;
}

let command: readonly [string, ...string[]];
let composition: Composition;

async function compose(args: readonly string[], variables: Record<string, string> = {}) {
  const [program, ...first] = command;
  const env = { PATH: process.env['PATH'], HOME: process.env['HOME'], ...variables };
  return shell(program, [...first, ...args], { env, cwd: PROJECT });
}

beforeAll(async () => {
  command = await composeCommand();
  const result = await compose(['config', '--format', 'json'], PASSWORDS);
  expect(result.stderr).toBe('');
  composition = JSON.parse(result.stdout) as Composition;
});

describe('docker-compose.yml, as Docker Compose reads it', () => {
  it.each(Object.keys(PASSWORDS))('refuses to start without %s', async (name) => {
    const others = Object.fromEntries(Object.entries(PASSWORDS).filter(([key]) => key !== name));
    const result = await compose(['config', '--quiet'], others);
    expect(result.code).not.toBe(0);
    expect(result.stderr).toContain(`set ${name}`);
  });

  it('runs every role from one image, each as its own service', () => {
    expect(Object.keys(composition.services).sort()).toEqual(
      [...OURS, 'timescaledb', 'redis'].sort(),
    );
    for (const role of OURS) {
      expect(composition.services[role]?.command).toEqual(['start', '--only', role]);
      expect(composition.services[role]?.image).toBe('meterline:local');
    }
  });

  it('gives the roles only variables that the configuration knows', () => {
    const known = new Set([...Object.keys(ENVIRONMENT), 'NODE_ENV']);
    for (const role of OURS) {
      const names = Object.keys(composition.services[role]?.environment ?? {});
      expect(names.filter((name) => !known.has(name))).toEqual([]);
      expect(names).toContain('DATABASE_URL');
    }
  });

  it('hardens every container and checks its health', () => {
    for (const [name, service] of Object.entries(composition.services)) {
      expect({ name, user: service.user }).toEqual({
        name,
        user: expect.stringMatching(/^[1-9]\d*:[1-9]\d*$/),
      });
      expect(service).toMatchObject({
        read_only: true,
        cap_drop: ['ALL'],
        security_opt: ['no-new-privileges:true'],
      });
      expect(service.tmpfs?.some((mount) => mount.startsWith('/tmp:'))).toBe(true);
      expect(service.healthcheck).toBeDefined();
    }
  });

  it('pins the engines and keeps their data and the journal on volumes', () => {
    const { timescaledb, redis, gateway } = composition.services;
    expect(timescaledb?.image).toMatch(/^timescale\/timescaledb:2\.\d+\.\d+-pg17$/);
    expect(redis?.image).toMatch(/^redis:7\.\d+/);
    expect(redis?.command.join(' ')).toMatch(/--appendonly yes.*--maxmemory-policy noeviction/);
    const targets = [timescaledb, redis, gateway].map((service) =>
      service?.volumes?.filter((mount) => mount.type === 'volume').map((mount) => mount.target),
    );
    const journal = gateway?.environment['METERLINE_JOURNAL_DIR'];
    expect(targets).toEqual([['/var/lib/postgresql/data'], ['/data'], [journal]]);
    expect(readFileSync(join(PROJECT, 'Dockerfile'), 'utf8')).toContain(journal);
  });

  it('opens only the broker, the push and the API to the outside', () => {
    const open = Object.entries(composition.services).flatMap(([name, service]) =>
      (service.ports ?? []).map((port) => `${name}:${port.target}`),
    );
    expect(open.sort()).toEqual(['api:8080', 'gateway:1883', 'gateway:8080']);
    expect(composition.networks['engines']?.internal).toBe(true);
    for (const engine of ['timescaledb', 'redis']) {
      expect(Object.keys(composition.services[engine]?.networks ?? {})).toEqual(['engines']);
    }
  });
});

describe('the local stack on Docker', () => {
  const directory = mkdtempSync(join(tmpdir(), 'meterline-compose-'));

  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  it('adds loopback ports, passwords and a reachable network, and nothing else', async () => {
    const state = newState('docker', 20_001, 20_002);
    const [verb, ...args] = composeArguments(instanceOf(directory, 'docker'), state);
    expect(verb).toBe('compose');
    const result = await compose([...args, 'config', '--format', 'json', 'timescaledb', 'redis']);
    expect(result.stderr).toBe('');
    const { services } = JSON.parse(result.stdout) as Composition;
    const { timescaledb, redis } = services;
    expect(Object.keys(services).sort()).toEqual(['redis', 'timescaledb']);
    expect(timescaledb?.ports).toMatchObject([
      { host_ip: '127.0.0.1', published: '20001', target: 5432 },
    ]);
    expect(redis?.ports).toMatchObject([
      { host_ip: '127.0.0.1', published: '20002', target: 6379 },
    ]);
    expect(timescaledb?.environment['POSTGRES_PASSWORD']).toBe(state.postgresPassword);
    expect(redis?.environment['REDIS_PASSWORD']).toBe(state.redisPassword);
    expect(Object.keys(redis?.networks ?? {}).sort()).toEqual(['engines', 'local']);
    expect(timescaledb?.image).toBe(composition.services['timescaledb']?.image);
  });
});
