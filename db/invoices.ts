/** Invoices as they are written, once, and read ever after. */
import type { Queryable, Row } from './pool.ts';

/** Reserves `count` numbers of a series; the row stays locked until the transaction ends. */
export async function reserveNumbers(
  tx: Queryable,
  series: string,
  count: number,
): Promise<string[]> {
  const [row] = await tx.query<{ first: bigint }>(
    `INSERT INTO number_series (series, next_number) VALUES ($1, 1 + $2::bigint)
     ON CONFLICT (series) DO UPDATE SET next_number = number_series.next_number + $2::bigint
     RETURNING next_number - $2::bigint AS first`,
    [series, count],
  );
  const first = Number(row?.first ?? 1n);
  return Array.from({ length: count }, (_, i) => `${series}-${String(first + i).padStart(7, '0')}`);
}

export interface InvoiceLineRecord {
  readonly line: number;
  readonly code: string;
  readonly description: string;
  readonly from: string;
  readonly to: string;
  readonly quantity: string;
  readonly unit: string;
  readonly price: string;
  readonly factor?: string;
  readonly exact: string;
  readonly amount: string;
  readonly tags: readonly string[];
  readonly tariffVersion: number;
  readonly determinants: readonly string[];
}

export interface InvoiceRecord {
  readonly number: string;
  readonly series: string;
  readonly accountId: number;
  readonly agreementId: number;
  readonly periodFrom: string;
  readonly periodTo: string;
  readonly currency: string;
  readonly net: string;
  readonly tax: string;
  readonly total: string;
  readonly inputHash: string;
  readonly resultHash: string;
  /** ISO instants. */
  readonly asOf: string;
  readonly issuedAt: string;
  readonly dueDate: string;
  readonly runId: string | null;
  readonly snapshot: unknown;
  readonly lines: readonly InvoiceLineRecord[];
  readonly taxes: readonly { code: string; base: string; rate: string; amount: string }[];
  readonly determinants: readonly {
    code: string;
    channelIds: readonly number[];
    definition: unknown;
  }[];
}

/** Writes invoices with all their parts in four statements. */
export async function insertInvoices(
  tx: Queryable,
  invoices: readonly InvoiceRecord[],
): Promise<void> {
  if (invoices.length === 0) return;
  const heads = invoices.map(({ lines: _l, taxes: _t, determinants: _d, ...head }) => head);
  const parts = <T extends object>(of: (i: InvoiceRecord) => readonly T[]) =>
    JSON.stringify(invoices.flatMap((i) => of(i).map((part) => ({ number: i.number, ...part }))));
  await tx.query(
    `INSERT INTO invoice (number, series, account_id, agreement_id, kind, period_from, period_to,
       currency, net, tax, total, input_hash, result_hash, as_of, snapshot, issued_at, due_date,
       run_id)
     SELECT number, series, "accountId", "agreementId", 'invoice', "periodFrom", "periodTo",
       currency, net, tax, total, "inputHash", "resultHash", "asOf", snapshot, "issuedAt",
       "dueDate", "runId"
     FROM jsonb_to_recordset($1::jsonb) AS r(number text, series text, "accountId" int,
       "agreementId" int, "periodFrom" date, "periodTo" date, currency text, net numeric,
       tax numeric, total numeric, "inputHash" text, "resultHash" text, "asOf" timestamptz,
       snapshot jsonb, "issuedAt" timestamptz, "dueDate" date, "runId" uuid)`,
    [JSON.stringify(heads)],
  );
  await tx.query(
    `INSERT INTO invoice_line (invoice_number, line, code, description, from_date, to_date,
       quantity, unit, price, factor, exact, amount, tags, tariff_version, determinants)
     SELECT number, line, code, description, "from", "to", quantity, unit, price, factor, exact,
       amount, ARRAY(SELECT jsonb_array_elements_text(tags)), "tariffVersion",
       ARRAY(SELECT jsonb_array_elements_text(determinants))
     FROM jsonb_to_recordset($1::jsonb) AS r(number text, line int, code text, description text,
       "from" date, "to" date, quantity numeric, unit text, price numeric, factor numeric,
       exact text, amount numeric, tags jsonb, "tariffVersion" int, determinants jsonb)`,
    [parts((i) => i.lines)],
  );
  await tx.query(
    `INSERT INTO invoice_tax (invoice_number, code, base, rate, amount)
     SELECT number, code, base, rate, amount FROM jsonb_to_recordset($1::jsonb)
       AS r(number text, code text, base numeric, rate numeric, amount numeric)`,
    [parts((i) => i.taxes)],
  );
  await tx.query(
    `INSERT INTO invoice_determinant (invoice_number, code, channel_ids, definition)
     SELECT number, code, ARRAY(SELECT jsonb_array_elements_text("channelIds")::int), definition
     FROM jsonb_to_recordset($1::jsonb)
       AS r(number text, code text, "channelIds" jsonb, definition jsonb)`,
    [parts((i) => i.determinants)],
  );
}

export interface InvoiceHead extends Row {
  readonly number: string;
  readonly kind: string;
  readonly account_id: number;
  readonly account_number: string;
  readonly agreement_id: number;
  readonly period_from: string;
  readonly period_to: string;
  readonly currency: string;
  readonly net: string;
  readonly tax: string;
  readonly total: string;
  readonly input_hash: string;
  readonly result_hash: string;
  readonly as_of: number;
  readonly issued_at: number;
  readonly due_date: string;
  readonly snapshot: Readonly<Record<string, unknown>>;
}

const HEAD = `SELECT v.number, v.kind, v.account_id, a.number AS account_number, v.agreement_id,
  v.period_from, v.period_to, v.currency, v.net, v.tax, v.total, v.input_hash, v.result_hash,
  v.as_of, v.issued_at, v.due_date, v.snapshot
  FROM invoice v JOIN account a ON a.id = v.account_id`;

export async function invoiceHead(db: Queryable, number: string): Promise<InvoiceHead | undefined> {
  const [row] = await db.query<InvoiceHead>(`${HEAD} WHERE v.number = $1`, [number]);
  return row;
}

export function listInvoices(
  db: Queryable,
  filter: { account?: string; after?: string; limit: number },
): Promise<InvoiceHead[]> {
  return db.query<InvoiceHead>(
    `${HEAD} WHERE ($1::text IS NULL OR a.number = $1) AND ($2::text IS NULL OR v.number > $2)
     ORDER BY v.number LIMIT $3`,
    [filter.account ?? null, filter.after ?? null, filter.limit],
  );
}

export interface StandingInvoice extends Row {
  readonly agreement_id: number;
  readonly number: string;
  readonly total: string;
  readonly input_hash: string;
}

/** The standing invoices of agreements, each for its own period, where there are any. */
export function standingInvoices(
  db: Queryable,
  periods: readonly { agreement_id: number; from_date: string; to_date: string }[],
): Promise<StandingInvoice[]> {
  return db.query<StandingInvoice>(
    `SELECT v.agreement_id, v.number, v.total, v.input_hash
     FROM unnest($1::int[], $2::date[], $3::date[]) AS p(agreement_id, from_date, to_date)
     JOIN invoice v ON v.agreement_id = p.agreement_id AND v.period_from = p.from_date
       AND v.period_to = p.to_date
     WHERE v.kind = 'invoice' AND v.corrects IS NULL`,
    [
      periods.map((p) => p.agreement_id),
      periods.map((p) => p.from_date),
      periods.map((p) => p.to_date),
    ],
  );
}

export function invoiceLines(db: Queryable, number: string) {
  return db.query<{
    line: number;
    code: string;
    description: string;
    from_date: string;
    to_date: string;
    quantity: string;
    unit: string;
    price: string;
    factor: string | null;
    exact: string;
    amount: string;
    determinants: string[];
  }>(
    `SELECT line, code, description, from_date, to_date, quantity, unit, price, factor, exact,
       amount, determinants FROM invoice_line WHERE invoice_number = $1 ORDER BY line`,
    [number],
  );
}

export function invoiceTaxes(db: Queryable, number: string) {
  return db.query<{ code: string; base: string; rate: string; amount: string }>(
    'SELECT code, base, rate, amount FROM invoice_tax WHERE invoice_number = $1 ORDER BY code',
    [number],
  );
}

export interface InvoiceDeterminantRow extends Row {
  readonly code: string;
  readonly channel_ids: number[];
  readonly definition: Readonly<Record<string, unknown>>;
}

export function invoiceDeterminants(
  db: Queryable,
  number: string,
): Promise<InvoiceDeterminantRow[]> {
  return db.query<InvoiceDeterminantRow>(
    `SELECT code, channel_ids, definition FROM invoice_determinant WHERE invoice_number = $1
     ORDER BY code`,
    [number],
  );
}
