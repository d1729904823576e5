import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { parsePlan } from '../../billing/collections/parse.ts';
import { storePlan } from '../../billing/collections/plans.ts';
import { timelineOf } from '../../billing/collections/timeline.ts';
import { postPayment } from '../../billing/payments/post.ts';
import { type Context, withStore } from '../context.ts';
import { table } from '../output/table.ts';

export function registerMoneyCommands(program: Command, context: () => Context): void {
  program
    .command('payment')
    .description('money in')
    .command('post <account> <amount> <currency>')
    .description('posts a payment once for each reference; it wins over a disconnect under way')
    .requiredOption('--reference <text>', 'the provider’s own id of the payment')
    .option('--provider <name>', 'who took the money', 'cash-desk')
    .action((account: string, amount: string, currency: string, flags: Record<string, string>) =>
      withStore(context, async (ctx, db) => {
        const nowMs = ctx.clock.nowMs();
        const { provider = '', reference = '' } = flags;
        const input = { provider, reference, account, amount, currency, receivedMs: nowMs };
        const deps = { nowMs, random: ctx.random };
        const result = await postPayment(db, { ...input, actor: 'cli' }, deps);
        const what = result.posted ? 'posted' : 'had been posted before';
        const place = result.accountId === null ? 'in suspense' : `balance ${result.balance}`;
        ctx.out(`${result.id} ${what}; ${place}`);
      }),
    );
  const collections = program
    .command('collections')
    .description('plans and accounts in collection');
  collections
    .command('plan <file>')
    .description('checks a plan and stores it as a new revision; open cases keep theirs')
    .action((file: string) =>
      withStore(context, async (ctx, db) => {
        const plan = parsePlan(await readFile(file, 'utf8'));
        const saved = await storePlan(db, plan, 'cli');
        ctx.out(`${plan.code} is revision ${saved.revision}`);
      }),
    );
  collections
    .command('timeline <account>')
    .description('bills, notices, gates, breaker and payments of an account, in order')
    .option('--json', 'one JSON object for programs')
    .action((account: string, flags: { json?: boolean }) =>
      withStore(context, async (ctx, db) => {
        const entries = await timelineOf(db, account);
        if (flags.json === true) return ctx.out(JSON.stringify(entries));
        ctx.out(
          table(
            [
              { head: 'when (UTC)', value: (e) => e.at },
              { head: 'what', value: (e) => e.what },
              { head: 'detail', value: (e) => JSON.stringify(e.detail) },
            ],
            entries,
          ),
        );
      }),
    );
}
