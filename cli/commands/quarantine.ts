import type { Command } from 'commander';
import { quarantineByCode } from '../../db/conservation.ts';
import { openPipeline } from '../../ingest/pipeline/process-batch.ts';
import { replayQuarantine } from '../../ingest/pipeline/replay.ts';
import { type Context, withStore } from '../context.ts';
import { table, thousands } from '../output/table.ts';

interface ReplayFlags {
  readonly code?: string;
  readonly meter?: string;
  readonly json?: boolean;
}

export function registerQuarantineCommands(program: Command, context: () => Context): void {
  const quarantine = program
    .command('quarantine')
    .description('records that could not be stored: why, and once more after a repair');
  quarantine
    .command('list')
    .description('open records by reason')
    .option('--json', 'one JSON object for programs')
    .action((flags: { json?: boolean }) => withStore(context, (ctx, db) => list(ctx, db, flags)));
  quarantine
    .command('replay')
    .description('offer open records again; what still does not fit comes back with its reason')
    .option('--code <code>', 'of this reason only, e.g. METER_UNKNOWN')
    .option('--meter <serial>', 'of this meter only')
    .option('--json', 'one JSON object for programs')
    .action((flags: ReplayFlags) => withStore(context, (ctx, db) => replay(ctx, db, flags)));
}

type Store = Parameters<Parameters<typeof withStore>[1]>[1];

async function list(ctx: Context, db: Store, flags: { json?: boolean }): Promise<void> {
  const rows = (await quarantineByCode(db)).map((row) => ({
    ...row,
    records: Number(row.records),
    rows: Number(row.rows),
  }));
  if (flags.json === true) return ctx.out(JSON.stringify(rows));
  if (rows.length === 0) return ctx.out('the quarantine is empty');
  ctx.out(
    table(
      [
        { head: 'reason', value: (r) => r.code },
        { head: 'records', right: true, value: (r) => thousands(r.records) },
        { head: 'entries', right: true, value: (r) => thousands(r.rows) },
        { head: 'example', value: (r) => r.example },
      ],
      rows,
    ),
  );
}

async function replay(ctx: Context, db: Store, flags: ReplayFlags): Promise<void> {
  const filter = {
    ...(flags.code !== undefined && { code: flags.code }),
    ...(flags.meter !== undefined && { meter: flags.meter }),
  };
  const deps = { ...openPipeline(db, ctx.clock), random: ctx.random };
  const outcome = await replayQuarantine(filter, 'cli', deps);
  if (flags.json === true) return ctx.out(JSON.stringify(outcome));
  const { offered, stored, duplicate, rejected, quarantined } = outcome.counts;
  const fates = `${stored} stored, ${duplicate} duplicate, ${rejected} rejected`;
  ctx.out(
    `${outcome.rows} entries, ${offered} records: ${fates}, ${quarantined} back in quarantine`,
  );
}
