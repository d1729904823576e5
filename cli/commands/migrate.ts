import type { Command } from 'commander';
import { type Context, engines, migrateStore, openStore } from '../context.ts';

export function registerMigrateCommand(program: Command, context: () => Context): void {
  program
    .command('migrate')
    .description('bring the database schema up to date')
    .option('--json', 'one JSON object for programs')
    .action(async (flags: { json?: boolean }) => {
      const ctx = context();
      const db = await openStore(ctx, await engines(ctx), { migrate: false });
      try {
        const report = await migrateStore(ctx, db);
        if (flags.json === true) return ctx.out(JSON.stringify(report));
        ctx.out(report.applied.length === 0 ? 'schema is up to date' : report.applied.join('\n'));
        if (report.waitingForEdition.length > 0) {
          ctx.out(`waiting for the community edition: ${report.waitingForEdition.join(', ')}`);
        }
      } finally {
        await db.close();
      }
    });
}
