import type { Command } from 'commander';
import {
  type ExplainedDeterminant,
  type Explanation,
  explainInvoice,
} from '../../billing/invoices/explain.ts';
import { channelName } from '../../db/meter-reads.ts';
import type { Queryable } from '../../db/pool.ts';
import { type ReadingStory, readingVersions } from '../../db/readings.ts';
import { estimationsOf } from '../../db/vee-results.ts';
import { Fault, formatInstant, parseInstant, qualityOf } from '../../domain/index.ts';
import { type Context, withStore } from '../context.ts';
import { findRaw } from '../import/raw.ts';
import { table } from '../output/table.ts';

interface Flags {
  readonly interval?: string;
  readonly channel?: string;
  readonly json?: boolean;
}

export function registerExplainCommand(program: Command, context: () => Context): void {
  program
    .command('explain <invoice>')
    .description('where every amount comes from, down to the raw record of one interval')
    .option('--interval <start>', 'one interval (ISO 8601): versions, rule and raw bytes')
    .option('--channel <code>', 'of this channel, where several were billed')
    .option('--json', 'one JSON object for programs')
    .action((invoice: string, flags: Flags) =>
      withStore(context, async (ctx, db) => {
        const explanation = await explainInvoice(db, invoice);
        const wanted = intervalAsked(explanation, flags);
        const detail = wanted && (await explainInterval(db, wanted.channelId, wanted.startMs));
        if (flags.json === true) return ctx.out(toJson({ ...explanation, interval: detail }));
        ctx.out(invoiceText(explanation));
        if (detail !== undefined) ctx.out(`\n${intervalText(detail)}`);
      }),
    );
}

function toJson(value: unknown): string {
  return JSON.stringify(value, (_key, v: unknown) => (typeof v === 'bigint' ? v.toString() : v));
}

/** The interval asked for; without the option, the first one of the first line, as an example. */
function intervalAsked(explanation: Explanation, { interval, channel }: Flags) {
  const { number, snapshot } = explanation.invoice;
  const channels = snapshot['channels'] as readonly { id: number; code: string }[];
  const wanted = channels.filter((c) => channel === undefined || c.code === channel);
  const rows = explanation.determinants
    .flatMap((d) => d.rows)
    .filter((row) => wanted.some((c) => c.id === row.channelId));
  if (interval === undefined && channel === undefined) return rows[0];
  const ms = interval === undefined ? rows[0]?.startMs : parseInstant(interval);
  const found = rows.find((row) => row.startMs === ms);
  if (found !== undefined) return found;
  const what = `an interval of ${number}${channel ? ` and channel ${channel}` : ''} that starts at`;
  throw new Fault('NOT_FOUND', { what: `${what} ${interval ?? 'any time'}` });
}

export interface IntervalDetail {
  readonly start: string;
  readonly meter: string;
  readonly code: string;
  readonly versions: readonly ReadingStory[];
  readonly estimation: string | undefined;
  readonly raw: Awaited<ReturnType<typeof findRaw>>;
}

async function explainInterval(
  db: Queryable,
  channelId: number,
  startMs: number,
): Promise<IntervalDetail> {
  const channel = await channelName(db, channelId);
  if (channel === undefined) throw new Fault('NOT_FOUND', { what: `channel ${channelId}` });
  const versions = await readingVersions(db, channelId, startMs);
  const current = versions.at(-1);
  const estimations = await estimationsOf(db, channelId, startMs, startMs + 1);
  const made = estimations.find((e) => Number(e.batch_id) === current?.batchId);
  const { serial, code } = channel;
  return {
    start: formatInstant(startMs),
    meter: serial,
    code,
    versions,
    estimation: made && `${made.method} v${made.method_version} ${JSON.stringify(made.basis)}`,
    raw: current && (await findRaw(db, current.batchId, { serial, channelCode: code, startMs })),
  };
}

function invoiceText({ invoice, lines, taxes, determinants }: Explanation): string {
  const head =
    `${invoice.number}  account ${invoice.account_number}  ${invoice.period_from} to ` +
    `${invoice.period_to}  due ${invoice.due_date}`;
  const lineTable = table(
    [
      { head: 'line', value: (r) => r.code },
      { head: 'quantity', right: true, value: (r) => r.quantity },
      { head: 'unit', value: (r) => r.unit },
      { head: 'price', right: true, value: (r) => r.price },
      { head: 'exact', right: true, value: (r) => r.exact },
      { head: 'amount', right: true, value: (r) => r.amount },
      { head: 'from', value: (r) => r.determinants.join(' ') },
    ],
    lines,
  );
  const taxLines = taxes.map((t) => `  ${t.code}: ${t.rate} of ${t.base} = ${t.amount}`);
  return [
    head,
    '',
    lineTable,
    '',
    `net ${invoice.net} ${invoice.currency}`,
    ...taxLines,
    `total ${invoice.total} ${invoice.currency}`,
    '',
    determinantTable(determinants),
    '',
    `input hash ${invoice.input_hash}`,
  ].join('\n');
}

function determinantTable(rows: readonly ExplainedDeterminant[]): string {
  return table(
    [
      { head: 'determinant', value: (r) => r.code },
      { head: 'quantity', right: true, value: (r) => r.quantity },
      { head: 'unit', value: (r) => r.unit },
      { head: 'intervals', right: true, value: (r) => `${r.intervals} of ${r.expected}` },
      { head: 'estimated', right: true, value: (r) => r.estimated },
      {
        head: 'versions known then',
        value: (r) => (r.verified ? 'add up to the same' : 'DIFFER from what was billed'),
      },
    ],
    rows,
  );
}

function intervalText(detail: IntervalDetail): string {
  const versions = table(
    [
      { head: 'version', value: (v) => v.batchId },
      { head: 'value', right: true, value: (v) => v.value },
      { head: 'quality', value: (v) => qualityOf(v.quality).name },
      { head: 'origin', value: (v) => v.origin },
      { head: 'recorded', value: (v) => formatInstant(v.recordedMs) },
      {
        head: 'replaced',
        value: (v) =>
          v.superseded === undefined
            ? 'current'
            : `by ${v.superseded.byBatchId}: ${v.superseded.reason}`,
      },
    ],
    detail.versions,
  );
  const { raw } = detail;
  return [
    `interval ${detail.start} of ${detail.meter} ${detail.code}`,
    versions,
    ...(detail.estimation === undefined ? [] : [`estimated by ${detail.estimation}`]),
    ...(raw === undefined
      ? []
      : ['', `raw record, ${raw.source} ${raw.locator}, ${raw.at}`, raw.excerpt]),
  ].join('\n');
}
