import type { Command } from 'commander';
import { runShard, startRun } from '../../billing/invoices/run.ts';
import { openShards, type RunItem, runItems, runSummary } from '../../db/bill-runs.ts';
import type { Database } from '../../db/pool.ts';
import { LIMITS, uuidV7 } from '../../domain/index.ts';
import { type Context, withStore } from '../context.ts';
import { table } from '../output/table.ts';

interface Flags {
  readonly from: string;
  readonly to: string;
  readonly account?: string;
  readonly branch?: string;
  readonly key?: string;
  readonly json?: boolean;
}

export function registerBillCommands(program: Command, context: () => Context): void {
  const bill = program.command('bill').description('bill runs');
  for (const mode of ['preview', 'issue'] as const) {
    bill
      .command(mode)
      .description(
        mode === 'preview'
          ? 'what would be billed; nothing is written to the books'
          : 'issues invoices; the same key continues the same run',
      )
      .requiredOption('--from <date>', 'first local date of the period')
      .requiredOption('--to <date>', 'first local date after it')
      .option('--account <number>', 'one account only')
      .option('--branch <name>', 'one branch only')
      .option('--key <key>', 'idempotency key of the run')
      .option('--json', 'one JSON object for programs')
      .action((flags: Flags) => withStore(context, (ctx, db) => run(ctx, db, mode, flags)));
  }
}

async function run(
  ctx: Context,
  db: Database,
  mode: 'preview' | 'issue',
  flags: Flags,
): Promise<void> {
  const deps = { db, clock: ctx.clock, random: ctx.random };
  const { run: started } = await startRun(deps, {
    mode,
    from: flags.from,
    to: flags.to,
    filter: {
      ...(flags.account !== undefined && { accountNumber: flags.account }),
      ...(flags.branch !== undefined && { branch: flags.branch }),
    },
    actor: 'cli',
    idempotencyKey: `cli/${flags.key ?? uuidV7(ctx.clock.nowMs(), ctx.random)}`,
  });
  const shards = await openShards(db, started.id);
  for (const [done, { shard }] of shards.entries()) {
    ctx.progress.step(`bill ${mode}`, done, shards.length, `shard ${shard}`);
    await runShard(deps, started.id, shard);
  }
  ctx.progress.clear();
  const summary = await runSummary(db, started.id);
  const items = await runItems(db, started.id, 0, LIMITS.httpPageRowsMax);
  if (flags.json === true) {
    const sums = summary.map((row) => ({ ...row, items: Number(row.items) }));
    ctx.out(JSON.stringify({ run: started, summary: sums, items }));
    return;
  }
  ctx.out(itemTable(items));
  const said = summary.map((s) => `${s.items} ${s.state}${s.total ? `, ${s.total} in all` : ''}`);
  ctx.out(`\nrun ${started.id}: ${said.join('; ') || 'nothing to bill'}`);
}

export function itemTable(items: readonly RunItem[]): string {
  return table(
    [
      { head: 'account', value: (r) => r.account_number },
      { head: 'state', value: (r) => r.state },
      { head: 'invoice', value: (r) => r.invoice_number ?? '-' },
      { head: 'total', right: true, value: (r) => r.total ?? '-' },
      { head: 'input hash', value: (r) => r.input_hash?.slice(0, 12) ?? '-' },
      { head: 'why', value: (r) => r.reason ?? '' },
    ],
    items,
  );
}
