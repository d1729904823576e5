/** A rated bill as the invoice that is written, and as the ledger transaction that goes with it. */
import type { LedgerPosting } from '../../db/books.ts';
import type { InvoiceRecord } from '../../db/invoices.ts';
import { canonicalJson, formatInstant } from '../../domain/index.ts';
import { addDays, localDateOf } from '../calendar/local.ts';
import type { Determinant } from '../rating/determinant.ts';
import { exact, roundMoney } from '../rating/exact.ts';
import type { RatedBill } from '../rating/rate.ts';
import { versionOn } from '../tariffs/versions.ts';
import type { PlannedSupply } from './supply-plan.ts';

export interface IssueMoment {
  readonly asOfMs: number;
  readonly issuedMs: number;
  readonly runId: string | null;
  readonly series: string;
}

export function invoiceRecord(
  planned: PlannedSupply,
  bill: RatedBill,
  determinants: readonly Determinant[],
  number: string,
  moment: IssueMoment,
): InvoiceRecord {
  const { supply, tariff, windows } = planned;
  const issueDate = localDateOf(supply.time_zone, moment.issuedMs);
  const digits = tariff.tariff.minorDigits;
  return {
    number,
    series: moment.series,
    accountId: supply.account_id,
    agreementId: supply.agreement_id,
    periodFrom: supply.from_date,
    periodTo: supply.to_date,
    currency: bill.currency,
    net: bill.net,
    tax: roundMoney(exact(bill.total).minus(exact(bill.net)), digits, 'HALF_UP'),
    total: bill.total,
    inputHash: bill.inputHash,
    resultHash: bill.resultHash,
    asOf: formatInstant(moment.asOfMs),
    issuedAt: formatInstant(moment.issuedMs),
    dueDate: addDays(issueDate, dueDays(planned)),
    runId: moment.runId,
    snapshot: snapshotOf(planned),
    lines: bill.lines.map((line, index) => ({ line: index + 1, ...line })),
    taxes: bill.taxes,
    determinants: determinants.map((determinant) => ({
      code: determinant.code,
      channelIds: windows
        .filter((w) => w.direction === determinant.channelDirection)
        .map((w) => w.channel.channelId),
      definition: JSON.parse(
        canonicalJson({
          ...determinant,
          segments: planned.plan.sums.find((sum) => sum.code === determinant.code)?.segments,
        }),
      ) as unknown,
    })),
  };
}

/** History must not follow later changes of names, addresses or tariffs. */
function snapshotOf({ supply, tariff, windows }: PlannedSupply) {
  return {
    customer: { code: supply.customer_code, name: supply.customer_name },
    account: supply.account_number,
    servicePoint: supply.service_point,
    address: supply.address,
    timeZone: supply.time_zone,
    contract: supply.contract,
    tariff: { code: supply.tariff_code, revision: tariff.revision, hash: tariff.hash },
    channels: windows.map(({ channel, direction, fromMs, toMs }) => ({
      id: channel.channelId,
      meter: channel.meter,
      code: channel.code,
      direction,
      from: formatInstant(fromMs),
      to: formatInstant(toMs),
    })),
  };
}

function dueDays({ supply, tariff }: PlannedSupply): number {
  const lastDay = addDays(supply.to_date, -1);
  return versionOn(tariff.tariff, lastDay)?.dueDays ?? 0;
}

/** Receivable against revenue and each tax; totals are those printed, so it balances. */
export function invoicePosting(invoice: InvoiceRecord, actor: string): LedgerPosting {
  const { number, accountId } = invoice;
  return {
    businessDate: invoice.issuedAt.slice(0, 10),
    kind: 'invoice',
    reference: number,
    idempotencyKey: `invoice:${number}`,
    currency: invoice.currency,
    actor,
    entries: [
      { ledgerAccount: 'receivable', accountId, debit: invoice.total },
      { ledgerAccount: 'revenue', accountId: null, credit: invoice.net },
      ...invoice.taxes.map((tax) => ({
        ledgerAccount: `tax.${tax.code}`,
        accountId: null,
        credit: tax.amount,
      })),
    ],
  };
}
