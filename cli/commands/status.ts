import type { Command } from 'commander';
import {
  type OriginTotals,
  quarantineByCode,
  storedRows,
  totalsByOrigin,
} from '../../db/conservation.ts';
import { completeness } from '../../db/meter-reads.ts';
import { type Context, withStore } from '../context.ts';
import { table, thousands } from '../output/table.ts';

const DAYS_SHOWN = 7;

export function registerStatusCommand(program: Command, context: () => Context): void {
  program
    .command('status')
    .description('where every record went, how complete the last days are, what is quarantined')
    .option('--json', 'one JSON object for programs')
    .action((flags: { json?: boolean }) =>
      withStore(context, async (ctx, db) => {
        const origins = await totalsByOrigin(db);
        const rows = await storedRows(db);
        const days = await completeness(db, DAYS_SHOWN);
        const quarantine = await quarantineByCode(db);
        if (flags.json === true) {
          const plain = (_key: string, v: unknown) => (typeof v === 'bigint' ? Number(v) : v);
          return ctx.out(JSON.stringify({ origins, rows, days, quarantine }, plain));
        }
        ctx.out(originTable(origins));
        ctx.out(`tables hold ${thousands(rows.rows)}, batches stored ${thousands(rows.claimed)}`);
        ctx.out(`\n${dayTable(days)}`);
        if (quarantine.length > 0) ctx.out(`\n${quarantineTable(quarantine)}`);
      }),
    );
}

function originTable(origins: readonly OriginTotals[]): string {
  const adds = (o: OriginTotals) =>
    o.offered === o.stored + o.duplicate + o.rejected + o.quarantined ? '✔' : '✘';
  return table(
    [
      { head: 'origin', value: (o) => o.origin },
      { head: 'offered', right: true, value: (o) => thousands(o.offered) },
      { head: '= stored', right: true, value: (o) => thousands(o.stored) },
      { head: '+ duplicate', right: true, value: (o) => thousands(o.duplicate) },
      { head: '+ rejected', right: true, value: (o) => thousands(o.rejected) },
      { head: '+ quarantined', right: true, value: (o) => thousands(o.quarantined) },
      { head: '', value: adds },
    ],
    origins,
  );
}

function dayTable(days: Awaited<ReturnType<typeof completeness>>): string {
  return table(
    [
      { head: 'closed day', value: (d) => d.local_date },
      { head: 'expected', right: true, value: (d) => thousands(d.expected) },
      { head: 'received', right: true, value: (d) => thousands(d.received) },
      { head: 'estimated', right: true, value: (d) => thousands(d.estimated) },
      { head: 'missing', right: true, value: (d) => thousands(d.missing) },
    ],
    days,
  );
}

function quarantineTable(rows: Awaited<ReturnType<typeof quarantineByCode>>): string {
  return table(
    [
      { head: 'quarantined', value: (r) => r.code },
      { head: 'records', right: true, value: (r) => thousands(r.records) },
      { head: 'for example', value: (r) => r.example },
    ],
    rows,
  );
}
