import { spawn } from 'node:child_process';
import { LIMITS } from '../../domain/limits.ts';

export interface ShellOptions {
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly input?: string;
  readonly cwd?: string;
  readonly timeoutMs?: number;
  readonly onLine?: (line: string) => void;
}

export interface ShellResult {
  /** Exit code; 127 when the program does not exist, 124 when it ran out of time. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end and never throws: the caller reads the exit code. */
export function shell(
  program: string,
  args: readonly string[],
  options: ShellOptions = {},
): Promise<ShellResult> {
  return new Promise((resolve) => {
    const child = spawn(program, args, {
      stdio: ['pipe', 'pipe', 'pipe'],
      ...(options.env === undefined ? {} : { env: options.env }),
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    });
    let stdout = '';
    let stderr = '';
    let pending = '';
    let timedOut = false;
    const timer = setTimeout(() => {
      timedOut = true;
      child.kill('SIGKILL');
    }, options.timeoutMs ?? LIMITS.stackToolMs);
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout = keepTail(stdout + text);
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr = keepTail(stderr + text);
      const lines = (pending + text).split('\n');
      pending = keepTail(lines.pop() ?? '');
      for (const line of lines) options.onLine?.(line);
    });
    child.on('error', (error: NodeJS.ErrnoException) => {
      clearTimeout(timer);
      resolve({ code: error.code === 'ENOENT' ? 127 : 126, stdout, stderr: error.message });
    });
    child.on('close', (code) => {
      clearTimeout(timer);
      resolve({ code: timedOut ? 124 : (code ?? 128), stdout, stderr });
    });
    // A program that exits before it reads its input answers with EPIPE; its exit code says more.
    child.stdin.on('error', () => undefined);
    child.stdin.end(options.input ?? '');
  });
}

function keepTail(text: string): string {
  return text.length > LIMITS.stackOutputCharsMax ? text.slice(-LIMITS.stackOutputCharsMax) : text;
}

/** The last lines of a program's output, for an error message. */
export function tailOf(text: string, lines = 6): string {
  return text.trimEnd().split('\n').slice(-lines).join('\n');
}
