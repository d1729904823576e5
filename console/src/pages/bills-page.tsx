/** Invoices, all or of one account. */
import { useEffect, useState } from 'preact/hooks';
import type { InvoiceHead } from '../api/types.ts';
import { usePages } from '../api/use-pages.ts';
import { formatDecimal } from '../format/decimal.ts';
import { formatDate } from '../format/time.ts';
import { addDays } from '../format/zone.ts';
import { More } from '../parts/more.tsx';
import { Page } from '../parts/page.tsx';
import { Panel } from '../parts/panel.tsx';
import { type Column, Table } from '../parts/table.tsx';
import { href, setQuery } from '../router.ts';
import { useText } from '../text/text.ts';

const PAGE_ROWS = 50;

interface Body {
  readonly invoices: readonly InvoiceHead[];
  readonly next: string | null;
}

export function BillsPage({ query }: { readonly query: URLSearchParams }) {
  const { text } = useText();
  const account = query.get('account') ?? '';
  const filter = account === '' ? '' : `&account=${encodeURIComponent(account)}`;
  const pages = usePages<Body, InvoiceHead>(
    `/v1/invoices?limit=${PAGE_ROWS}${filter}`,
    'after',
    (body) => ({ rows: body.invoices, next: body.next }),
  );
  return (
    <Page title={text.bills.title}>
      <Panel title={text.bills.title} class="list" titleHidden>
        <AccountFilter account={account} />
        {pages.rows.length > 0 && <InvoiceTable rows={pages.rows} />}
        <More
          pages={pages}
          what={text.bills.title}
          empty={account === '' ? text.bills.empty : text.bills.nothing(account)}
        />
      </Panel>
    </Page>
  );
}

function AccountFilter({ account }: { readonly account: string }) {
  const { text } = useText();
  const [typed, setTyped] = useState(account);
  useEffect(() => setTyped(account), [account]);
  const submit = (event: Event) => {
    event.preventDefault();
    setQuery({ account: typed.trim() });
  };
  return (
    <form class="filters" onSubmit={submit}>
      <label for="bill-account">{text.bills.account}</label>
      <input
        id="bill-account"
        maxLength={64}
        value={typed}
        aria-describedby="bill-account-hint"
        onInput={(e) => setTyped(e.currentTarget.value)}
      />
      <button type="submit">{text.bills.apply}</button>
      <span class="note" id="bill-account-hint">
        {text.bills.accountHint}
      </span>
      {account !== '' && (
        <button type="button" onClick={() => setQuery({ account: undefined })}>
          {text.bills.clear}
        </button>
      )}
    </form>
  );
}

function InvoiceTable({ rows }: { readonly rows: readonly InvoiceHead[] }) {
  const { text, locale } = useText();
  const money = (name: 'net' | 'tax' | 'total'): Column<InvoiceHead> => ({
    head: text.bills[name],
    number: true,
    cell: (row) => `${formatDecimal(row[name], locale)}\u00a0${row.currency}`,
  });
  return (
    <Table
      caption={text.bills.caption}
      captionHidden
      rows={rows}
      keyOf={(row) => row.number}
      columns={[
        {
          head: text.bills.number,
          cell: (row) => (
            <a class="id" href={href(['bills', row.number])}>
              {row.number}
            </a>
          ),
        },
        { head: text.bills.account, cell: (row) => row.account_number },
        { head: text.bills.customer, cell: (row) => row.snapshot.customer?.name ?? '—' },
        { head: text.bills.kind, cell: (row) => text.bills.kinds[row.kind] ?? row.kind },
        {
          head: text.bills.period,
          cell: (row) =>
            `${formatDate(row.period_from, locale)} – ${formatDate(addDays(row.period_to, -1), locale)}`,
        },
        { head: text.bills.due, cell: (row) => formatDate(row.due_date, locale) },
        money('net'),
        money('tax'),
        money('total'),
      ]}
    />
  );
}
