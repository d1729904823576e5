/**
 * `meterline start --only ...` as a process of its own, started again whenever it ends, as a service
 * manager would: fault tests kill it, stop it, starve it, and read what it said.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { systemClock } from '../../../cli/clock.ts';

const ROOT = resolve(import.meta.dirname, '../../..');
const RESTART_MS = 100;
const START_MS_MAX = 60_000;

export interface RoleOptions {
  /** Also the name of its log in `directory`. */
  readonly name: string;
  readonly roles: readonly string[];
  /** An existing folder; it is the working folder of the process. */
  readonly directory: string;
  readonly env: Readonly<Record<string, string>>;
  /** What runs node, e.g. strace with its arguments; the process must keep the pid. */
  readonly under?: readonly string[];
  /** Start again after an end that was not asked for. */
  readonly restart?: boolean;
}

export interface End {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly afterMs: number;
}

const living = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of living) child.kill('SIGKILL');
});

export class RoleProcess {
  readonly name: string;
  readonly ends: End[] = [];
  /** What the next start runs under; see RoleOptions.under. */
  under: readonly string[];
  readonly #options: RoleOptions;
  #child: ChildProcess | undefined;
  #gone: Promise<void> = Promise.resolve();
  #wanted = false;
  #said = '';

  constructor(options: RoleOptions) {
    this.#options = options;
    this.name = options.name;
    this.under = options.under ?? [];
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  get logFile(): string {
    return join(this.#options.directory, `${this.name}.log`);
  }

  /** Everything all its lives have written. */
  log(): string {
    return readFileSync(this.logFile, 'utf8');
  }

  start(): void {
    this.#wanted = true;
    this.#spawn();
  }

  /** The HTTP address of the present life, when it has said it. */
  get httpUrl(): string | undefined {
    return /^http {2}(\S+)/m.exec(this.#said)?.[1];
  }

  async ready(): Promise<string> {
    const deadlineMs = performance.now() + START_MS_MAX;
    while (performance.now() < deadlineMs) {
      if (this.httpUrl !== undefined && this.#child !== undefined) return this.httpUrl;
      const isOver = !this.#wanted || this.#options.restart !== true;
      if (isOver && this.#child === undefined) break;
      await systemClock.sleep(20);
    }
    throw new Error(
      `${this.name} did not start; ${this.logFile} ends:\n${this.log().slice(-2_000)}`,
    );
  }

  /** SIGKILL; returns when the process is gone (and, with `restart`, a new one is being started). */
  async kill9(): Promise<void> {
    const gone = this.#gone;
    this.#child?.kill('SIGKILL');
    await gone;
  }

  pause(): void {
    this.#child?.kill('SIGSTOP');
  }

  resume(): void {
    this.#child?.kill('SIGCONT');
  }

  /** Resolves when the present life has ended by itself. */
  async ended(withinMs: number): Promise<End> {
    const before = this.ends.length;
    const deadlineMs = performance.now() + withinMs;
    while (this.ends.length === before && performance.now() < deadlineMs) {
      await systemClock.sleep(20);
    }
    const end = this.ends[before];
    if (end === undefined) throw new Error(`${this.name} still runs after ${withinMs} ms`);
    return end;
  }

  /** As asked for by SIGTERM; killed when it does not end in time. Resolves to how it ended. */
  async stop(withinMs = 20_000): Promise<End | undefined> {
    this.#wanted = false;
    if (this.#child === undefined) return undefined;
    this.resume();
    this.#child.kill('SIGTERM');
    const timer = setTimeout(() => this.#child?.kill('SIGKILL'), withinMs);
    await this.#gone;
    clearTimeout(timer);
    return this.ends.at(-1);
  }

  #spawn(): void {
    const { directory, env, roles } = this.#options;
    const meterline = join(ROOT, 'cli/meterline.mjs');
    const line = [
      process.execPath,
      meterline,
      'start',
      '--instance',
      this.name,
      '--only',
      ...roles,
    ];
    const [program = '', ...args] = [...this.under, ...line];
    const log = openSync(this.logFile, 'a');
    const child = spawn(program, args, {
      cwd: directory,
      stdio: ['ignore', 'pipe', log],
      env: { PATH: process.env['PATH'], HOME: process.env['HOME'], METERLINE_LOG: 'warn', ...env },
    });
    closeSync(log);
    this.#said = '';
    this.#child = child;
    living.add(child);
    const startedMs = performance.now();
    child.stdout?.on('data', (text: Buffer) => {
      this.#said += text.toString();
    });
    this.#gone = new Promise((gone) => {
      const end = (code: number | null, signal: NodeJS.Signals | null) => {
        living.delete(child);
        this.#child = undefined;
        this.ends.push({ code, signal, afterMs: performance.now() - startedMs });
        gone();
        if (this.#options.restart === true) setTimeout(() => this.#again(), RESTART_MS);
      };
      child.once('error', () => end(127, null));
      child.once('exit', end);
    });
  }

  #again(): void {
    if (this.#wanted && this.#child === undefined) this.#spawn();
  }
}
