/** Bills a set of agreements in the caller's transaction: previewed or issued, or held with why. */
import { appendAudit } from '../../db/audit.ts';
import type { ItemResult } from '../../db/bill-runs.ts';
import { postLedger } from '../../db/books.ts';
import {
  type InvoiceRecord,
  insertInvoices,
  reserveNumbers,
  type StandingInvoice,
  standingInvoices,
} from '../../db/invoices.ts';
import { writeOutbox } from '../../db/outbox.ts';
import type { Queryable } from '../../db/pool.ts';
import { type Supply, supplies } from '../../db/supplies.ts';
import { currentTariffs } from '../../db/tariffs.ts';
import { Fault } from '../../domain/index.ts';
import type { Determinant } from '../rating/determinant.ts';
import { type RatedBill, rateByPlan } from '../rating/rate.ts';
import { acceptTariff } from '../tariffs/parse.ts';
import { invoicePosting, invoiceRecord } from './document.ts';
import { sumSupplies } from './sums.ts';
import { type KnownTariff, PlanCache, type PlannedSupply, planSupply } from './supply-plan.ts';

export const INVOICE_SERIES = 'INV';

export interface BillingOrder {
  readonly mode: 'preview' | 'issue';
  readonly from: string;
  readonly to: string;
  readonly agreementIds: readonly number[];
  readonly nowMs: number;
  readonly actor: string;
  readonly runId: string | null;
}

export interface BilledAgreement extends ItemResult {
  readonly account: string;
  readonly bill?: RatedBill;
  readonly determinants?: readonly Determinant[];
}

interface Rated {
  readonly planned: PlannedSupply;
  readonly bill: RatedBill;
  readonly determinants: readonly Determinant[];
}

export async function billAgreements(
  tx: Queryable,
  order: BillingOrder,
): Promise<BilledAgreement[]> {
  const found = await supplies(tx, order.from, order.to, order.agreementIds);
  const standing = await standingOf(tx, order, found);
  const results: BilledAgreement[] = [];
  const todo: Supply[] = [];
  for (const supply of found) {
    const invoice = standing.get(supply.agreement_id);
    if (invoice === undefined) todo.push(supply);
    else results.push(issuedBefore(supply, invoice));
  }
  const [asOf] = await tx.query<{ ms: number }>('SELECT clock_timestamp() AS ms');
  const { rated, held } = await rateSupplies(tx, todo);
  results.push(...held);
  if (order.mode === 'preview') results.push(...rated.map(previewed));
  else results.push(...(await issue(tx, order, rated, asOf?.ms ?? order.nowMs)));
  return results.sort((a, b) => a.agreementId - b.agreementId);
}

/** Issuing again is no second invoice: the standing one is the answer. */
async function standingOf(
  tx: Queryable,
  order: BillingOrder,
  found: readonly Supply[],
): Promise<ReadonlyMap<number, StandingInvoice>> {
  if (order.mode === 'preview') return new Map();
  const invoices = await standingInvoices(tx, found);
  return new Map(invoices.map((invoice) => [invoice.agreement_id, invoice]));
}

function issuedBefore(supply: Supply, invoice: StandingInvoice): BilledAgreement {
  return {
    agreementId: supply.agreement_id,
    account: supply.account_number,
    state: 'issued',
    invoiceNumber: invoice.number,
    total: invoice.total,
    inputHash: invoice.input_hash,
  };
}

async function rateSupplies(tx: Queryable, todo: readonly Supply[]) {
  const tariffs = await loadTariffs(tx, [...new Set(todo.map((s) => s.tariff_code))]);
  const cache = new PlanCache();
  const planned: PlannedSupply[] = [];
  const held: BilledAgreement[] = [];
  const hold = (supply: Supply, error: unknown) => {
    if (!(error instanceof Fault)) throw error;
    held.push({
      agreementId: supply.agreement_id,
      account: supply.account_number,
      state: 'held',
      reason: error.message,
    });
  };
  for (const supply of todo) {
    try {
      planned.push(planSupply(supply, tariffs, cache));
    } catch (error) {
      hold(supply, error);
    }
  }
  const sums = await sumSupplies(tx, planned);
  const rated: Rated[] = [];
  planned.forEach((p, i) => {
    const determinants = sums[i] as Determinant[];
    try {
      const { account_number: account, contract } = p.supply;
      rated.push({
        planned: p,
        determinants,
        bill: rateByPlan(p.plan, { account, contract, determinants }),
      });
    } catch (error) {
      hold(p.supply, error);
    }
  });
  return { rated, held };
}

async function loadTariffs(
  tx: Queryable,
  codes: readonly string[],
): Promise<Map<string, KnownTariff>> {
  const rows = await currentTariffs(tx, codes);
  return new Map(
    rows.map((row) => [
      row.code,
      { tariff: acceptTariff(row.definition), revision: row.revision, hash: row.definition_hash },
    ]),
  );
}

function previewed({ planned, bill, determinants }: Rated): BilledAgreement {
  return {
    agreementId: planned.supply.agreement_id,
    account: planned.supply.account_number,
    state: 'previewed',
    total: bill.total,
    inputHash: bill.inputHash,
    bill,
    determinants,
  };
}

async function issue(
  tx: Queryable,
  order: BillingOrder,
  rated: readonly Rated[],
  asOfMs: number,
): Promise<BilledAgreement[]> {
  if (rated.length === 0) return [];
  const numbers = await reserveNumbers(tx, INVOICE_SERIES, rated.length);
  const moment = {
    asOfMs,
    issuedMs: order.nowMs,
    runId: order.runId,
    series: INVOICE_SERIES,
  };
  const invoices = rated.map(({ planned, bill, determinants }, i) =>
    invoiceRecord(planned, bill, determinants, numbers[i] as string, moment),
  );
  await insertInvoices(tx, invoices);
  await postLedger(
    tx,
    invoices.map((invoice) => invoicePosting(invoice, order.actor)),
  );
  await recordIssue(tx, order, invoices);
  return rated.map((r, i) => ({
    ...previewed(r),
    state: 'issued',
    invoiceNumber: numbers[i] as string,
  }));
}

/** One audit row names and hashes every invoice of the set; the outbox tells of each. */
async function recordIssue(
  tx: Queryable,
  order: BillingOrder,
  invoices: readonly InvoiceRecord[],
): Promise<void> {
  const list = invoices.map(({ number, total, inputHash, resultHash }) => ({
    number,
    total,
    inputHash,
    resultHash,
  }));
  await appendAudit(tx, {
    chain: 'billing',
    actor: order.actor,
    action: 'invoices.issued',
    subjectKind: 'bill_run',
    subjectId: order.runId ?? invoices[0]?.number ?? '',
    detail: list,
  });
  await writeOutbox(
    tx,
    'invoice.issued',
    invoices.map(({ number, accountId, total }) => ({
      key: number,
      payload: { number, accountId, total },
    })),
  );
}
