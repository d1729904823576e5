/**
 * Configuration: the environment, read here and nowhere else, checked once, then frozen.
 * Every variable is listed in ENVIRONMENT with its meaning; `meterline config` prints the table.
 */
import { resolve } from 'node:path';
import { Fault } from '../domain/index.ts';

export const ROLE_NAMES = ['gateway', 'ingest', 'billing', 'api'] as const;
export type RoleName = (typeof ROLE_NAMES)[number];

export const ENVIRONMENT = {
  DATABASE_URL: 'PostgreSQL with TimescaleDB; absent = local stack',
  REDIS_URL: 'Redis 7 with AOF and noeviction; absent = local stack',
  MQTT_URL: 'external broker; absent = the embedded one',
  METERLINE_HTTP_HOST: 'address of the HTTP interface (127.0.0.1)',
  METERLINE_HTTP_PORT: 'port of the HTTP interface (8080; 0 = any free)',
  METERLINE_MQTT_HOST: 'address of the embedded broker (127.0.0.1)',
  METERLINE_MQTT_PORT: 'port of the embedded broker (1883; 0 = any free)',
  METERLINE_JOURNAL_DIR: 'journal of the gateway (.meterline/journal)',
  METERLINE_APPROVAL_KEYS: 'file with the public keys of approvers the gateway trusts',
  METERLINE_API_TOKEN: 'your API key, for commands that talk to a running line',
  METERLINE_CHUNK_DAYS: 'days in one chunk of readings (7; 1 for half a million meters)',
  METERLINE_LOG: 'log level (info)',
  METERLINE_UNSAFE_DURABILITY: '1 = start although fsync, AOF or noeviction are off',
} as const;

export interface Config {
  readonly databaseUrl: string | undefined;
  readonly redisUrl: string | undefined;
  readonly mqttUrl: string | undefined;
  readonly httpHost: string;
  readonly httpPort: number;
  readonly mqttHost: string;
  readonly mqttPort: number;
  readonly journalDirectory: string;
  readonly approvalKeysFile: string | undefined;
  readonly apiToken: string | undefined;
  readonly chunkDays: number;
  readonly logLevel: string;
  readonly unsafeDurability: boolean;
  readonly projectDirectory: string;
}

type Environment = Readonly<Record<string, string | undefined>>;

export function readConfig(env: Environment, projectDirectory: string): Config {
  return Object.freeze({
    databaseUrl: text(env, 'DATABASE_URL'),
    redisUrl: text(env, 'REDIS_URL'),
    mqttUrl: text(env, 'MQTT_URL'),
    httpHost: text(env, 'METERLINE_HTTP_HOST') ?? '127.0.0.1',
    httpPort: integer(env, 'METERLINE_HTTP_PORT', 8_080, 0, 65_535),
    mqttHost: text(env, 'METERLINE_MQTT_HOST') ?? '127.0.0.1',
    mqttPort: integer(env, 'METERLINE_MQTT_PORT', 1_883, 0, 65_535),
    journalDirectory: resolve(
      projectDirectory,
      text(env, 'METERLINE_JOURNAL_DIR') ?? '.meterline/journal',
    ),
    approvalKeysFile: text(env, 'METERLINE_APPROVAL_KEYS'),
    apiToken: text(env, 'METERLINE_API_TOKEN'),
    chunkDays: integer(env, 'METERLINE_CHUNK_DAYS', 7, 1, 366),
    logLevel: oneOf(
      env,
      'METERLINE_LOG',
      ['trace', 'debug', 'info', 'warn', 'error', 'silent'],
      'info',
    ),
    unsafeDurability: text(env, 'METERLINE_UNSAFE_DURABILITY') === '1',
    projectDirectory,
  });
}

function text(env: Environment, name: keyof typeof ENVIRONMENT): string | undefined {
  const value = env[name]?.trim();
  return value === '' ? undefined : value;
}

function integer(
  env: Environment,
  name: keyof typeof ENVIRONMENT,
  fallback: number,
  min: number,
  max: number,
): number {
  const given = text(env, name);
  if (given === undefined) return fallback;
  const value = Number(given);
  if (!Number.isInteger(value) || value < min || value > max) {
    throw new Fault('BAD_REQUEST', {
      detail: `${name} must be a whole number from ${min} to ${max}, not '${given}'`,
    });
  }
  return value;
}

function oneOf(
  env: Environment,
  name: keyof typeof ENVIRONMENT,
  allowed: readonly string[],
  fallback: string,
): string {
  const given = text(env, name) ?? fallback;
  if (allowed.includes(given)) return given;
  throw new Fault('BAD_REQUEST', { detail: `${name} must be one of ${allowed.join(', ')}` });
}
