import { join } from 'node:path';
import { type Command, Option } from 'commander';
import { Fault } from '../../domain/faults.ts';
import { withoutPassword } from './environment.ts';
import { troubleOf } from './errors.ts';
import type { StackOptions, StackProgress } from './stack.ts';
import { stackDown, stackReset, stackStatus, stackUp } from './stack.ts';
import type { StackStatus } from './status.ts';
import { statusTable } from './table.ts';

/** What the command needs from its process, so that it can be driven without one. */
export interface StackCommandContext {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly projectDirectory: string;
  readonly write: (text: string) => void;
  readonly writeError: (text: string) => void;
  /** True when `writeError` reaches a terminal, where a line can be drawn over. */
  readonly errorIsTerminal: boolean;
  /** 0 done, 1 it failed (or is not up), 2 wrong use. */
  readonly setExitCode: (code: 0 | 1 | 2) => void;
}

interface Flags {
  readonly name: string;
  readonly json?: boolean;
  readonly mirror?: string;
  readonly use?: 'docker' | 'packages';
  readonly export?: boolean;
}

/** Adds `stack up | status | down | reset` to the program. */
export function registerStackCommands(program: Command, context: StackCommandContext): void {
  const stack = program
    .command('stack')
    .description('TimescaleDB and Redis on this machine, with or without Docker');
  const verb = (name: string, description: string) =>
    stack
      .command(name)
      .description(description)
      .option('--name <name>', 'which instance', 'default')
      .option('--json', 'one JSON object for programs');
  verb('up', 'start the servers, making them first when need be')
    .addOption(
      new Option('--use <way>', 'Docker or unpacked Debian packages').choices([
        'docker',
        'packages',
      ]),
    )
    .option('--mirror <url>', "a Debian archive to use instead of the machine's own")
    .option('--export', 'print only shell lines that set DATABASE_URL and REDIS_URL')
    .action((flags: Flags) => guarded(flags, context, () => up(flags, context)));
  verb('status', 'show what runs; exit code 1 when it is not up').action((flags: Flags) =>
    guarded(flags, context, () => status(flags, context)),
  );
  verb('down', 'stop the servers, keep their data').action((flags: Flags) =>
    guarded(flags, context, async () => {
      const stopped = await stackDown(optionsOf(flags, context));
      const text = stopped ? 'is down, its data kept' : 'was not up';
      answer(flags, context, { name: flags.name, stopped }, `stack ${flags.name} ${text}\n`);
    }),
  );
  verb('reset', 'stop the servers and remove all their data').action((flags: Flags) =>
    guarded(flags, context, async () => {
      const removed = await stackReset(optionsOf(flags, context));
      const text = removed ? 'is gone with all its data' : 'did not exist';
      answer(flags, context, { name: flags.name, removed }, `stack ${flags.name} ${text}\n`);
    }),
  );
}

async function up(flags: Flags, context: StackCommandContext): Promise<void> {
  const urls = await stackUp(optionsOf(flags, context));
  const { databaseUrl, redisUrl, startedMs } = urls;
  const lines = `export DATABASE_URL='${databaseUrl}'\nexport REDIS_URL='${redisUrl}'\n`;
  if (flags.export) return context.write(lines);
  const table = statusTable(await stackStatus(optionsOf(flags, context)));
  const text = `${table}\nup after ${(startedMs / 1000).toFixed(1)} s\n\n${lines}`;
  answer(flags, context, { name: flags.name, ...urls }, text);
}

async function status(flags: Flags, context: StackCommandContext): Promise<void> {
  const found = await stackStatus(optionsOf(flags, context));
  answer(flags, context, shown(found), statusTable(found));
  if (!found.up) context.setExitCode(1);
}

/** A status that may be kept in a log: the URLs without their passwords. */
function shown(found: StackStatus): StackStatus {
  return {
    ...found,
    ...(found.databaseUrl === undefined ? {} : { databaseUrl: withoutPassword(found.databaseUrl) }),
    ...(found.redisUrl === undefined ? {} : { redisUrl: withoutPassword(found.redisUrl) }),
  };
}

function optionsOf(flags: Flags, context: StackCommandContext): StackOptions {
  const { env } = context;
  const cacheHome = env['XDG_CACHE_HOME'];
  return {
    name: flags.name,
    projectDirectory: context.projectDirectory,
    cacheDirectory: cacheHome ? join(cacheHome, 'meterline') : undefined,
    databaseUrl: env['DATABASE_URL'],
    redisUrl: env['REDIS_URL'],
    mirror: flags.mirror,
    use: flags.use,
    onProgress: flags.json ? undefined : progressWriter(context),
  };
}

function progressWriter(context: StackCommandContext) {
  return ({ step, of, text }: StackProgress) => {
    const bar = `[${'#'.repeat(step)}${'.'.repeat(of - step)}] ${step}/${of} ${text}`;
    context.writeError(context.errorIsTerminal ? `\r\x1b[K${bar.slice(0, 100)}` : `${bar}\n`);
  };
}

function answer(flags: Flags, context: StackCommandContext, value: object, text: string): void {
  clearLine(flags, context);
  context.write(flags.json ? `${JSON.stringify(value)}\n` : text);
}

function clearLine(flags: Flags, context: StackCommandContext): void {
  if (context.errorIsTerminal && !flags.json) context.writeError('\r\x1b[K');
}

/** Turns a fault into its sentence and an exit code; anything else is a bug and goes on up. */
async function guarded(
  flags: Flags,
  context: StackCommandContext,
  work: () => Promise<void>,
): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    const trouble = troubleOf(error);
    clearLine(flags, context);
    const report = { error: { code: error.code, trouble, message: error.message } };
    if (flags.json) context.write(`${JSON.stringify(report)}\n`);
    else context.writeError(`meterline stack: ${error.message}\n`);
    context.setExitCode(trouble === 'bad-name' || trouble === 'bad-urls' ? 2 : 1);
  }
}
