import type { Command } from 'commander';
import { Fault } from '../../domain/index.ts';
import { ROLE_NAMES, type RoleName } from '../config.ts';
import { type Context, engines } from '../context.ts';
import { startLine } from '../roles/line.ts';

export function registerStartCommand(program: Command, context: () => Context): void {
  program
    .command('start')
    .description('run the roles of the line until stopped (Ctrl-C)')
    .option('--only <role...>', `one or more of ${ROLE_NAMES.join(', ')}`)
    .option('--instance <name>', 'name of this process, the same after a restart', 'one')
    .action(async (flags: { only?: string[]; instance: string }) => {
      const ctx = context();
      const roles = rolesOf(flags.only);
      const line = await startLine(ctx, {
        engines: await engines(ctx),
        roles,
        instance: flags.instance,
      });
      ctx.out(`roles ${roles.join(', ')}`);
      ctx.out(`http  ${line.httpUrl}  (docs at /docs)`);
      if (line.mqttUrl !== undefined) ctx.out(`mqtt  ${line.mqttUrl.replace(/\/\/.*@/, '//')}`);
      await stopSignal();
      await line.stop();
    });
}

function rolesOf(only: readonly string[] | undefined): RoleName[] {
  if (only === undefined) return [...ROLE_NAMES];
  for (const name of only) {
    if ((ROLE_NAMES as readonly string[]).includes(name)) continue;
    throw new Fault('BAD_REQUEST', {
      detail: `no role '${name}'; there are ${ROLE_NAMES.join(', ')}`,
    });
  }
  return only as RoleName[];
}

/** Resolves on the first SIGINT or SIGTERM; a second one ends the process at once. */
export function stopSignal(): Promise<void> {
  return new Promise((resolve) => {
    const stop = () => {
      process.once('SIGINT', () => process.exit(130));
      resolve();
    };
    process.once('SIGINT', stop);
    process.once('SIGTERM', stop);
  });
}
