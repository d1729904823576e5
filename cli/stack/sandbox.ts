import { spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, renameSync } from 'node:fs';
import { stackFault } from './errors.ts';
import { type ShellResult, shell, tailOf } from './shell.ts';

/** The user that the servers see. PostgreSQL refuses uid 0, so bubblewrap maps the caller to it. */
export const SANDBOX_UID = 999;

export interface SandboxSpec {
  /** Folder with the unpacked Debian packages; mounted read-only as the root. */
  readonly root: string;
  /** Host folder -> folder inside. */
  readonly binds: Readonly<Record<string, string>>;
  /** Repeated on the command line, so that the process can be found again. */
  readonly tag: string;
}

const BUBBLEWRAP = 'bwrap';
const PATH_INSIDE = '/usr/lib/postgresql/17/bin:/usr/bin:/usr/sbin:/bin';

/** bwrap's arguments up to the program. No pid namespace: the pids inside are the machine's. */
export function sandboxArgs(spec: SandboxSpec, dieWithParent: boolean): string[] {
  const uid = String(SANDBOX_UID);
  return [
    ...['--ro-bind', spec.root, '/', '--dev', '/dev', '--tmpfs', '/tmp'],
    ...Object.entries(spec.binds).flatMap(([host, inside]) => ['--bind', host, inside]),
    ...['--unshare-user', '--uid', uid, '--gid', uid, '--chdir', '/'],
    ...['--setenv', 'METERLINE_STACK', spec.tag],
    ...(dieWithParent ? ['--die-with-parent'] : []),
    '--',
  ];
}

function environment(extra: Readonly<Record<string, string>> = {}): Record<string, string> {
  return { PATH: `${PATH_INSIDE}:/usr/local/bin`, LANG: 'C.UTF-8', ...extra };
}

/** Runs a short program of the unpacked tree; it dies with this process. */
export function runInside(
  spec: SandboxSpec,
  command: readonly string[],
  options: { env?: Record<string, string>; input?: string; timeoutMs?: number } = {},
): Promise<ShellResult> {
  return shell(BUBBLEWRAP, [...sandboxArgs(spec, true), ...command], {
    ...options,
    env: environment(options.env),
  });
}

/** Starts a server that outlives this process; its output goes to `logFile` (one older is kept). */
export function spawnDaemon(spec: SandboxSpec, command: readonly string[], logFile: string): void {
  if (existsSync(logFile)) renameSync(logFile, `${logFile}.1`);
  const log = openSync(logFile, 'a', 0o600);
  const child = spawn(BUBBLEWRAP, [...sandboxArgs(spec, false), ...command], {
    detached: true,
    stdio: ['ignore', log, log],
    env: environment(),
    cwd: '/',
  });
  closeSync(log);
  child.on('error', () => undefined); // the readiness check reports it together with the log
  child.unref();
}

/** Fails with what to do when this machine does not let us make a user namespace. */
export async function checkSandbox(): Promise<void> {
  const uid = String(SANDBOX_UID);
  const probe = ['--ro-bind', '/', '/', '--unshare-user', '--uid', uid, '--gid', uid, '--', 'true'];
  const result = await shell(BUBBLEWRAP, probe);
  if (result.code === 0) return;
  throw stackFault(
    'no-user-namespaces',
    `bubblewrap cannot make a user namespace here (${tailOf(result.stderr, 1)}). ` +
      'Allow it (sysctl kernel.unprivileged_userns_clone=1, user.max_user_namespaces > 0, ' +
      'kernel.apparmor_restrict_unprivileged_userns=0; in a container: --security-opt ' +
      'seccomp=unconfined), or give DATABASE_URL and REDIS_URL of running servers.',
  );
}
