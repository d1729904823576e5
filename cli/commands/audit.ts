import type { Command } from 'commander';
import { verifyAudit } from '../../db/audit.ts';
import { type Context, withStore } from '../context.ts';
import { table, thousands } from '../output/table.ts';

export function registerAuditCommands(program: Command, context: () => Context): void {
  program
    .command('audit')
    .description('the append-only, hash-chained record of every change')
    .command('verify')
    .description('recomputes every hash; exit code 1 when a chain was edited or cut off')
    .option('--json', 'one JSON object for programs')
    .action((flags: { json?: boolean }) =>
      withStore(context, async (ctx, db) => {
        const chains = await verifyAudit(db);
        const good = chains.every((c) => c.broken_at === null && c.head_matches);
        if (!good) process.exitCode = 1;
        if (flags.json === true) {
          const plain = chains.map((c) => ({
            chain: c.chain,
            rows: Number(c.rows),
            brokenAt: c.broken_at === null ? null : Number(c.broken_at),
            headMatches: c.head_matches,
          }));
          return ctx.out(JSON.stringify({ good, chains: plain }));
        }
        ctx.out(
          table(
            [
              { head: 'chain', value: (c) => c.chain },
              { head: 'rows', right: true, value: (c) => thousands(c.rows) },
              { head: 'verdict', value: (c) => verdict(c) },
            ],
            chains,
          ),
        );
      }),
    );
}

function verdict(chain: { broken_at: bigint | null; head_matches: boolean }): string {
  if (chain.broken_at !== null) return `row ${chain.broken_at} does not follow from the one before`;
  return chain.head_matches ? 'whole' : 'rows are missing at the end';
}
