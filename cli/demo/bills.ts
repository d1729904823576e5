/** The month becomes money: preview, issue, and everybody pays but one. */
import { postPayment } from '../../billing/payments/post.ts';
import { type RunItem, runItems } from '../../db/bill-runs.ts';
import { LIMITS } from '../../domain/index.ts';
import type { DemoWorld } from './month.ts';
import type { People } from './people.ts';
import { DEMO_FROM, DEMO_TO } from './plan.ts';

export interface BillsResult {
  readonly previewed: readonly RunItem[];
  readonly issued: readonly RunItem[];
  readonly issueMs: number;
  /** Every issued bill has the total and the input hash of its preview. */
  readonly sameAsPreview: boolean;
}

interface RunAnswer {
  readonly id: string;
  readonly state: string;
}

export async function billMonth(world: DemoWorld, people: People): Promise<BillsResult> {
  const { progress } = world;
  const preview = await run(world, people, 'preview');
  const startedMs = performance.now();
  const issued = await run(world, people, 'issue');
  const issueMs = performance.now() - startedMs;
  const key = (r: RunItem) => `${r.agreement_id}/${r.total}/${r.input_hash}`;
  const known = new Set(preview.map(key));
  const good = issued.filter((r) => r.state === 'issued');
  const held = issued.find((r) => r.state === 'held');
  if (good.length === 0) throw new Error(`every bill is held: ${held?.reason}`);
  progress.finish(
    'bills',
    `${good.length} issued, ${issued.length - good.length} held with the reason`,
  );
  return {
    previewed: preview,
    issued,
    issueMs,
    sameAsPreview: good.every((r) => known.has(key(r))),
  };
}

async function run(
  { line, progress, clock }: DemoWorld,
  { billing }: People,
  mode: 'preview' | 'issue',
): Promise<RunItem[]> {
  const period = { from: DEMO_FROM, to: DEMO_TO };
  const { id } = await billing.call<RunAnswer>('POST', '/v1/bill-runs', { mode, ...period });
  for (;;) {
    const answer = await billing.call<RunAnswer & { summary: { state: string; items: number }[] }>(
      'GET',
      `/v1/bill-runs/${id}?limit=1`,
    );
    const all = answer.summary.reduce((sum, s) => sum + s.items, 0);
    const open = answer.summary.find((s) => s.state === 'open')?.items ?? 0;
    progress.step(`bills: ${mode}`, all - open, all);
    if (answer.state === 'done') break;
    await clock.sleep(50);
  }
  return runItems(line.db, id, 0, LIMITS.httpPageRowsMax);
}

/** Everybody pays in full on the given day, but for the accounts named. */
export async function payAll(
  { line, clock, progress }: DemoWorld,
  issued: readonly RunItem[],
  except: ReadonlySet<string>,
): Promise<number> {
  const payers = issued.filter((r) => r.invoice_number !== null && !except.has(r.account_number));
  const { random } = line.deps;
  for (const [done, item] of payers.entries()) {
    await postPayment(
      line.db,
      {
        provider: 'bank',
        reference: `transfer-${item.invoice_number}`,
        account: item.account_number,
        amount: item.total ?? '0',
        currency: 'EUR',
        receivedMs: clock.nowMs(),
        actor: 'bank file',
      },
      { nowMs: clock.nowMs(), random },
    );
    progress.step('payments', done + 1, payers.length);
  }
  progress.finish('payments', `${payers.length} accounts paid in time, ${except.size} did not`);
  return payers.length;
}
