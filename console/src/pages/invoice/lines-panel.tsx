/** Lines, taxes and total as printed, with the sum done again before the reader's eyes. */
import type { Invoice, InvoiceLine } from '../../api/types.ts';
import { addDecimals, formatDecimal, percentOf, sameDecimal } from '../../format/decimal.ts';
import { formatDate } from '../../format/time.ts';
import { addDays } from '../../format/zone.ts';
import { Badge } from '../../parts/badge.tsx';
import { Panel } from '../../parts/panel.tsx';
import { Table } from '../../parts/table.tsx';
import { href } from '../../router.ts';
import { useText } from '../../text/text.ts';

export function LinesPanel({ invoice }: { readonly invoice: Invoice }) {
  const { text, locale } = useText();
  const { lines, number } = invoice;
  const decimal = (value: string) => formatDecimal(value, locale);
  const period = (row: InvoiceLine) =>
    `${formatDate(row.from_date, locale)} – ${formatDate(addDays(row.to_date, -1), locale)}`;
  return (
    <Panel title={text.invoice.lines} aside={<AddsUp invoice={invoice} />}>
      <Table
        caption={text.invoice.linesCaption}
        captionHidden
        rows={lines}
        keyOf={(row) => String(row.line)}
        columns={[
          { head: text.invoice.description, cell: (row) => row.description },
          { head: text.bills.period, cell: period },
          { head: text.invoice.quantity, number: true, cell: (row) => decimal(row.quantity) },
          { head: text.invoice.unit, cell: (row) => row.unit },
          { head: text.invoice.price, number: true, cell: (row) => decimal(row.price) },
          {
            head: text.invoice.factor,
            number: true,
            cell: (row) => (row.factor === null ? '—' : decimal(row.factor)),
          },
          {
            head: text.invoice.amount(invoice.currency),
            number: true,
            cell: (row) => decimal(row.amount),
          },
          { head: text.invoice.from, cell: (row) => <Origins number={number} line={row} /> },
        ]}
        foot={<Sums invoice={invoice} />}
      />
    </Panel>
  );
}

/** Columns before the amount. */
const BEFORE = 6;

function Sums({ invoice }: { readonly invoice: Invoice }) {
  const { text, locale } = useText();
  const row = (key: string, name: string, amount: string) => (
    <tr key={key} class={key}>
      <th scope="row" colSpan={BEFORE}>
        {name}
      </th>
      <td class="number">{formatDecimal(amount, locale)}</td>
      <td />
    </tr>
  );
  return (
    <>
      {row('net', text.invoice.net, invoice.net)}
      {invoice.taxes.map((tax) => {
        const rate = formatDecimal(percentOf(tax.rate), locale);
        const base = formatDecimal(tax.base, locale);
        const name = `${tax.code.toUpperCase()} · ${rate} % × ${base}`;
        return row(`tax-${tax.code}`, name, tax.amount);
      })}
      {row('total', text.invoice.total, invoice.total)}
    </>
  );
}

function Origins({ number, line }: { readonly number: string; readonly line: InvoiceLine }) {
  const { text } = useText();
  if (line.determinants.length === 0) return <span class="note">{text.invoice.noReadings}</span>;
  return (
    <>
      {line.determinants.map((code) => (
        <a key={code} class="id" href={href(['bills', number], { determinant: code })}>
          {code}
        </a>
      ))}
    </>
  );
}

function AddsUp({ invoice }: { readonly invoice: Invoice }) {
  const { text } = useText();
  const net = addDecimals(invoice.lines.map((line) => line.amount));
  const tax = addDecimals(invoice.taxes.map((row) => row.amount));
  const total = addDecimals([invoice.net, invoice.tax]);
  const fine =
    net !== undefined &&
    tax !== undefined &&
    total !== undefined &&
    sameDecimal(net, invoice.net) &&
    sameDecimal(tax, invoice.tax) &&
    sameDecimal(total, invoice.total);
  return (
    <Badge look={fine ? 'ok' : 'danger'}>
      {fine ? text.invoice.addsUp : text.invoice.doesNotAddUp}
    </Badge>
  );
}
