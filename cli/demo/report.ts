/** The page of tables at the end: every hop's books, estimates, bills, the breaker's story, speed. */

import { verifyAudit } from '../../db/audit.ts';
import { trialBalance } from '../../db/books.ts';
import { quarantineByCode, storedRows, totalsByOrigin } from '../../db/conservation.ts';
import { estimationTotals, registerFigures } from '../../db/vee-results.ts';
import { FLAG } from '../../domain/index.ts';
import { table, thousands } from '../output/table.ts';
import type { BillsResult } from './bills.ts';
import type { BreakerResult } from './breaker.ts';
import type { DemoWorld, MonthResult } from './month.ts';
import { whyThisAmount } from './why.ts';

export interface DemoResults {
  readonly month: MonthResult;
  readonly bills: BillsResult;
  readonly breaker: BreakerResult;
  readonly totalMs: number;
}

interface Hop {
  readonly hop: string;
  readonly offered: number;
  readonly stored: number;
  readonly duplicate: number;
  readonly rejected: number;
  readonly quarantined: number;
}

/** Prints everything; returns the sentences that are not true, which should be none. */
export async function report(
  world: DemoWorld,
  results: DemoResults,
  out: (text: string) => void,
  bold: (text: string) => string,
): Promise<string[]> {
  const wrong: string[] = [];
  const section = (title: string, text: string) => out(`\n${bold(title)}\n${text}`);
  section('Where every record went', await conservation(world, wrong));
  section('What could not be taken', await quarantine(world));
  section('Estimates and registers', await estimates(world, wrong));
  section('Bills of October 2026', bills(results.bills, wrong));
  section('Why this amount', await whyThisAmount(world.line.db, results.bills.issued, wrong));
  section('The books', await books(world, wrong));
  section('One account, from the bill to the breaker and back', timeline(results.breaker, wrong));
  section('Speed', speed(results));
  return wrong;
}

async function conservation({ line, fleet }: DemoWorld, wrong: string[]): Promise<string> {
  const origins = await totalsByOrigin(line.db);
  const journal = line.gateway?.journal.stats();
  const sum = (key: 'offered' | 'stored' | 'duplicate' | 'rejected' | 'quarantined') =>
    origins.filter((o) => o.origin === 'mqtt').reduce((n, o) => n + Number(o[key]), 0);
  const { offered } = fleet.counts;
  const meters = {
    hop: 'meters sent',
    offered,
    stored: offered,
    duplicate: 0,
    rejected: 0,
    quarantined: 0,
  };
  const hops: Hop[] = [
    meters,
    ...origins.map((o) => ({
      hop: o.origin === 'vee' ? 'estimates (vee)' : `database, ${o.origin}`,
      offered: Number(o.offered),
      stored: Number(o.stored),
      duplicate: Number(o.duplicate),
      rejected: Number(o.rejected),
      quarantined: Number(o.quarantined),
    })),
  ];
  for (const h of hops) if (!adds(h)) wrong.push(`${h.hop} does not add up`);
  if (sum('offered') !== offered)
    wrong.push('the database was offered other records than meters sent');
  const rows = await storedRows(line.db);
  if (rows.rows !== rows.claimed) wrong.push('rows in the tables are not what batches stored');
  const number = (value: number) => thousands(value);
  const text = table<Hop>(
    [
      { head: 'hop', value: (h) => h.hop },
      { head: 'offered', right: true, value: (h) => number(h.offered) },
      { head: '= stored', right: true, value: (h) => number(h.stored) },
      { head: '+ duplicate', right: true, value: (h) => number(h.duplicate) },
      { head: '+ rejected', right: true, value: (h) => number(h.rejected) },
      { head: '+ quarantined', right: true, value: (h) => number(h.quarantined) },
      { head: '', value: (h) => (adds(h) ? '✔' : '✘ DOES NOT ADD UP') },
    ],
    hops,
  );
  const messages = thousands(journal?.messages ?? 0);
  return [
    text,
    `journal: ${messages} messages acknowledged after ${thousands(journal?.syncs ?? 0)} syncs, ` +
      `${thousands(journal?.uncommittedMessages ?? 0)} not yet committed`,
    `tables: ${thousands(rows.rows)} reading versions stand, batches say ${thousands(rows.claimed)}`,
  ].join('\n');
}

function adds(h: Hop): boolean {
  return h.offered === h.stored + h.duplicate + h.rejected + h.quarantined;
}

async function quarantine({ line }: DemoWorld): Promise<string> {
  const rows = await quarantineByCode(line.db);
  return table(
    [
      { head: 'reason', value: (r) => r.code },
      { head: 'records', right: true, value: (r) => thousands(r.records) },
      { head: 'for example', value: (r) => shorten(r.example) },
    ],
    rows,
  );
}

function shorten(text: string): string {
  return text.length > 80 ? `${text.slice(0, 79)}…` : text;
}

async function estimates({ line }: DemoWorld, wrong: string[]): Promise<string> {
  const rows = await estimationTotals(line.db);
  const registers = await registerFigures(line.db, FLAG.ROLLOVER);
  if (registers?.rollovers === 0n) wrong.push('no register was seen to roll over');
  if (registers?.sum_check_failures !== 0n) wrong.push('intervals and registers disagree');
  const number = (value: bigint | undefined) => thousands(value ?? 0n);
  return [
    table(
      [
        { head: 'method', value: (r) => `${r.method} v${r.method_version}` },
        { head: 'gaps', right: true, value: (r) => thousands(r.gaps) },
        { head: 'intervals that stand', right: true, value: (r) => thousands(r.intervals) },
      ],
      rows,
    ),
    `${number(registers?.reads)} register reads, ${number(registers?.rollovers)} after a rollover; ` +
      `sum check of ${number(registers?.checked_days)} days: ` +
      `${number(registers?.sum_check_failures)} differ`,
  ].join('\n');
}

function bills({ issued, sameAsPreview }: BillsResult, wrong: string[]): string {
  if (!sameAsPreview) wrong.push('an issued bill differs from its preview');
  const good = issued.filter((r) => r.state === 'issued');
  const held = issued.filter((r) => r.state === 'held');
  const byAccount = good.toSorted((a, b) => (a.account_number < b.account_number ? -1 : 1));
  const sample = [...byAccount.slice(0, 5), ...held];
  const cents = good.reduce((sum, r) => sum + BigInt((r.total ?? '0').replace('.', '')), 0n);
  const total = `${thousands(cents / 100n)}.${String(cents % 100n).padStart(2, '0')} EUR`;
  return [
    table(
      [
        { head: 'account', value: (r) => r.account_number },
        { head: 'invoice', value: (r) => r.invoice_number ?? 'held' },
        { head: 'total EUR', right: true, value: (r) => r.total ?? '-' },
        { head: '', value: (r) => shorten(r.reason ?? '') },
      ],
      sample,
    ),
    `${good.length} issued, ${total} in all; ${held.length} held; ` +
      `${sameAsPreview ? 'every bill equals its preview, hash for hash' : 'PREVIEW AND ISSUE DIFFER'}`,
  ].join('\n');
}

async function books({ line }: DemoWorld, wrong: string[]): Promise<string> {
  const rows = await trialBalance(line.db);
  const chains = await verifyAudit(line.db);
  const cents = (text: string) => BigInt(text.replace('.', ''));
  const debit = rows.reduce((sum, r) => sum + cents(r.debit), 0n);
  const credit = rows.reduce((sum, r) => sum + cents(r.credit), 0n);
  if (debit !== credit) wrong.push('the ledger does not balance');
  const broken = chains.filter((c) => c.broken_at !== null || !c.head_matches);
  if (broken.length > 0)
    wrong.push(`audit chain ${broken.map((c) => c.chain).join(', ')} is broken`);
  const list = chains.map((c) => `${c.chain} ${c.rows}`).join(', ');
  return [
    table(
      [
        { head: 'ledger account', value: (r) => r.ledger_account },
        { head: 'debit', right: true, value: (r) => r.debit },
        { head: 'credit', right: true, value: (r) => r.credit },
      ],
      rows,
    ),
    `debits ${debit === credit ? 'equal' : 'DO NOT EQUAL'} credits; audit chains verified: ${list}`,
  ].join('\n');
}

function timeline({ timeline: entries, moves }: BreakerResult, wrong: string[]): string {
  if (moves.join() !== 'open,closed') wrong.push(`the contact moved ${moves.join() || 'never'}`);
  return [
    table(
      [
        { head: 'when (UTC)', value: (e) => e.at },
        { head: 'what', value: (e) => e.what },
        { head: 'detail', value: (e) => shorten(detailText(e.detail)) },
      ],
      entries,
    ),
    `the meter's own record of its contact: ${moves.join(', ')}`,
  ].join('\n');
}

/** Machine ids are for programs; a hash is enough with its beginning. */
const HIDDEN = ['command', 'keyId', 'needsPerson', 'revision', 'round', 'action'];

function detailText(detail: Readonly<Record<string, unknown>>): string {
  return Object.entries(detail)
    .filter(([k, v]) => v !== null && typeof v !== 'object' && !HIDDEN.includes(k))
    .map(([k, v]) => `${k} ${String(v).replace(/^([0-9a-f]{12})[0-9a-f]{52}$/, '$1…')}`)
    .join(', ');
}

function speed({ month, bills: b, breaker, totalMs }: DemoResults): string {
  const rate = (n: number, ms: number) => thousands(Math.round((n / ms) * 1_000));
  const issued = b.issued.filter((r) => r.state === 'issued').length;
  const seconds = (ms: number) => `${(ms / 1_000).toFixed(1)} s`;
  const { offered } = month;
  return table(
    [
      { head: 'work', value: (r: readonly string[]) => r[0] ?? '' },
      { head: 'took', right: true, value: (r) => r[1] ?? '' },
      { head: 'rate', right: true, value: (r) => r[2] ?? '' },
    ],
    [
      [
        'readings, meter to acknowledged',
        seconds(month.streamMs),
        `${rate(offered, month.streamMs)}/s`,
      ],
      [
        'readings, meter to validated and closed',
        seconds(month.streamMs + month.settleMs),
        `${rate(offered, month.streamMs + month.settleMs)}/s`,
      ],
      ['bills issued', seconds(b.issueMs), `${rate(issued, b.issueMs)}/s`],
      ['approval to confirmed cut', seconds(breaker.cutMs), ''],
      ['approval to confirmed reconnection', seconds(breaker.reconnectMs), ''],
      ['everything', seconds(totalMs), ''],
    ],
  );
}
