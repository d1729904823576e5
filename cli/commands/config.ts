import type { Command } from 'commander';
import { ENVIRONMENT } from '../config.ts';
import type { Context } from '../context.ts';
import { table } from '../output/table.ts';

export function registerConfigCommand(program: Command, context: () => Context): void {
  program
    .command('config')
    .description('every environment variable and what it means')
    .action(() => {
      context().out(
        table(
          [
            { head: 'variable', value: ([name]) => name },
            { head: 'meaning (default)', value: ([, meaning]) => meaning },
          ],
          Object.entries(ENVIRONMENT),
        ),
      );
    });
}
