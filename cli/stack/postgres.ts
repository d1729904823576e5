import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { LIMITS } from '../../domain/limits.ts';
import { stackFault } from './errors.ts';
import {
  DATABASE,
  DATABASE_USER,
  engineTag,
  type Instance,
  type InstanceState,
} from './instance.ts';
import { runInside, type SandboxSpec, spawnDaemon } from './sandbox.ts';
import { tailOf } from './shell.ts';

const INSIDE = '/var/lib/postgresql';

export function postgresDirectory(instance: Instance): string {
  return join(instance.directory, 'postgres');
}

export function postgresSpec(root: string, instance: Instance, state: InstanceState): SandboxSpec {
  return {
    root,
    binds: { [postgresDirectory(instance)]: INSIDE },
    tag: engineTag(state, 'postgres'),
  };
}

export function postgresLog(instance: Instance): string {
  return join(instance.directory, 'postgres.log');
}

/** Makes the cluster when there is none; a run killed half-way leaves nothing that counts. */
export async function initPostgres(
  spec: SandboxSpec,
  instance: Instance,
  state: InstanceState,
): Promise<void> {
  const home = postgresDirectory(instance);
  if (existsSync(join(home, 'data', 'PG_VERSION'))) return;
  mkdirSync(home, { recursive: true, mode: 0o700 });
  rmSync(join(home, 'data.new'), { recursive: true, force: true });
  const passwordFile = join(home, 'password');
  writeFileSync(passwordFile, state.postgresPassword, { mode: 0o600 });
  const result = await runInside(spec, [
    ...['initdb', `--pgdata=${INSIDE}/data.new`, `--username=${DATABASE_USER}`],
    ...['--data-checksums', '--encoding=UTF8', '--locale=C.UTF-8'],
    ...['--locale-provider=builtin', '--builtin-locale=C.UTF-8'],
    ...['--auth=scram-sha-256', `--pwfile=${INSIDE}/password`, '--no-instructions'],
  ]);
  rmSync(passwordFile, { force: true });
  if (result.code !== 0) {
    throw stackFault('database-setup', `initdb failed: ${tailOf(result.stderr + result.stdout)}`);
  }
  appendFileSync(join(home, 'data.new', 'postgresql.conf'), "\ninclude 'meterline.conf'\n");
  writeFileSync(join(home, 'data.new', 'meterline.conf'), settings(state));
  renameSync(join(home, 'data.new'), join(home, 'data'));
}

function settings(state: InstanceState): string {
  return Object.entries({
    listen_addresses: '127.0.0.1',
    port: state.postgresPort,
    unix_socket_directories: '',
    cluster_name: engineTag(state, 'postgres'),
    max_connections: 100,
    password_encryption: 'scram-sha-256',
    timezone: 'UTC',
    log_timezone: 'UTC',
    log_min_messages: 'warning',
    shared_preload_libraries: 'timescaledb',
    'timescaledb.telemetry_level': 'off',
    'timescaledb.max_background_workers': 8,
    max_worker_processes: 20,
    fsync: 'on',
    full_page_writes: 'on',
    synchronous_commit: 'on',
    wal_compression: 'lz4',
    max_wal_size: '4GB',
    checkpoint_timeout: '15min',
    shared_buffers: '512MB',
    max_locks_per_transaction: 256,
    huge_pages: 'off',
    jit: 'off',
  })
    .map(([name, value]) => `${name} = '${value}'\n`)
    .join('');
}

/** Starts the server in the background; `spec.tag` must not be alive. */
export function spawnPostgres(spec: SandboxSpec, instance: Instance, state: InstanceState): void {
  const data = join(postgresDirectory(instance), 'data');
  writeFileSync(join(data, 'meterline.conf'), settings(state));
  // Left by a kill -9. The caller has seen that no server of this instance lives, but the pid in
  // the file may belong to somebody else by now, and PostgreSQL would then refuse to start.
  rmSync(join(data, 'postmaster.pid'), { force: true });
  const tagged = ['-c', `cluster_name=${spec.tag}`];
  spawnDaemon(spec, ['postgres', '-D', `${INSIDE}/data`, ...tagged], postgresLog(instance));
}

export function postmasterPid(instance: Instance): number | undefined {
  const path = join(postgresDirectory(instance), 'data', 'postmaster.pid');
  if (!existsSync(path)) return undefined;
  const pid = Number(readFileSync(path, 'utf8').split('\n', 1)[0]);
  return Number.isInteger(pid) && pid > 0 ? pid : undefined;
}

/** Creates database and extension; both may exist. */
export async function createDatabase(spec: SandboxSpec, state: InstanceState): Promise<void> {
  const exists = await psql(spec, state, 'postgres', databaseExistsSql);
  if (exists.trim() !== '1') await psql(spec, state, 'postgres', `CREATE DATABASE ${DATABASE}`);
  const extension = 'SET client_min_messages = error; CREATE EXTENSION IF NOT EXISTS timescaledb';
  await psql(spec, state, DATABASE, extension);
}

const databaseExistsSql = `SELECT 1 FROM pg_database WHERE datname = '${DATABASE}'`;

/** Runs SQL with the psql of the unpacked tree; rows come back as unaligned text. */
export async function psql(
  spec: SandboxSpec,
  state: InstanceState,
  database: string,
  sql: string,
): Promise<string> {
  const command = [
    ...['psql', '--no-psqlrc', '--quiet', '--tuples-only', '--no-align'],
    ...['--set=ON_ERROR_STOP=1', '--host=127.0.0.1', `--port=${state.postgresPort}`],
    ...[`--username=${DATABASE_USER}`, '--no-password', `--dbname=${database}`, '--file=-'],
  ];
  const result = await runInside(spec, command, {
    env: { PGPASSWORD: state.postgresPassword },
    input: `${sql};\n`,
    timeoutMs: LIMITS.stackStartMs,
  });
  if (result.code !== 0) {
    throw stackFault('database-setup', `"${sql}" failed: ${tailOf(result.stderr)}`);
  }
  return result.stdout;
}
