/** Where an amount comes from: line -> determinant -> interval versions, and whether they still agree. */
import {
  type InvoiceDeterminantRow,
  invoiceDeterminants,
  invoiceHead,
  invoiceLines,
  invoiceTaxes,
} from '../../db/invoices.ts';
import type { Queryable } from '../../db/pool.ts';
import { type ReadingVersion, readIntervals } from '../../db/readings.ts';
import { Fault, formatInstant, formatScaled, qualityOf } from '../../domain/index.ts';
import { fingerprintOf } from '../rating/fingerprint.ts';

export interface ExplainedInterval {
  readonly channelId: number;
  readonly startMs: number;
  readonly start: string;
  /** Decimal in the base unit of the determinant. */
  readonly value: string;
  readonly quality: string;
  readonly batchId: number;
}

export interface ExplainedDeterminant {
  readonly code: string;
  readonly period: string;
  readonly quantity: string;
  readonly unit: string;
  readonly intervals: number;
  readonly expected: number;
  readonly estimated: number;
  /** The versions known when the bill was made still add up to what was billed. */
  readonly verified: boolean;
  readonly rows: readonly ExplainedInterval[];
}

export interface Explanation {
  readonly invoice: NonNullable<Awaited<ReturnType<typeof invoiceHead>>>;
  readonly lines: Awaited<ReturnType<typeof invoiceLines>>;
  readonly taxes: Awaited<ReturnType<typeof invoiceTaxes>>;
  readonly determinants: readonly ExplainedDeterminant[];
}

interface Definition {
  readonly period: string;
  readonly count: string;
  readonly unit: string;
  readonly exponent: number;
  readonly intervals: number;
  readonly expected: number;
  readonly estimated: number;
  readonly fingerprint: string;
  readonly segments: readonly { readonly fromMs: number; readonly toMs: number }[];
}

/** Throws INVOICE_UNKNOWN. */
export async function explainInvoice(db: Queryable, number: string): Promise<Explanation> {
  const invoice = await invoiceHead(db, number);
  if (invoice === undefined) throw new Fault('INVOICE_UNKNOWN', { invoice: number });
  const rows = await invoiceDeterminants(db, number);
  const windows = windowsOf(invoice.snapshot);
  const determinants: ExplainedDeterminant[] = [];
  for (const row of rows) {
    determinants.push(await explainDeterminant(db, row, invoice.as_of, windows));
  }
  return {
    invoice,
    determinants,
    lines: await invoiceLines(db, number),
    taxes: await invoiceTaxes(db, number),
  };
}

interface Window {
  readonly id: number;
  readonly fromMs: number;
  readonly toMs: number;
}

/** Which channel was read when, as the invoice itself says. */
function windowsOf(snapshot: Readonly<Record<string, unknown>>): Window[] {
  const channels = snapshot['channels'] as readonly { id: number; from: string; to: string }[];
  return channels.map(({ id, from, to }) => ({
    id,
    fromMs: Date.parse(from),
    toMs: Date.parse(to),
  }));
}

async function explainDeterminant(
  db: Queryable,
  row: InvoiceDeterminantRow,
  asOfMs: number,
  windows: readonly Window[],
): Promise<ExplainedDeterminant> {
  const definition = row.definition as unknown as Definition;
  const { segments } = definition;
  const rows: ExplainedInterval[] = [];
  const versions: ReadingVersion[] = [];
  for (const window of windows.filter((w) => row.channel_ids.includes(w.id))) {
    const found = await readIntervals(db, window.id, window.fromMs, window.toMs, { asOfMs });
    for (const version of found) {
      const { startMs } = version;
      if (!segments.some((s) => startMs >= s.fromMs && startMs < s.toMs)) continue;
      versions.push(version);
      rows.push({
        channelId: window.id,
        startMs,
        start: formatInstant(startMs),
        value: formatScaled(version.value, -definition.exponent),
        quality: qualityOf(version.quality).name,
        batchId: version.batchId,
      });
    }
  }
  return {
    code: row.code,
    period: definition.period,
    quantity: formatScaled(BigInt(definition.count), -definition.exponent),
    unit: definition.unit,
    intervals: definition.intervals,
    expected: definition.expected,
    estimated: definition.estimated,
    verified: fingerprintOf(versions) === definition.fingerprint,
    rows,
  };
}
