/** An invoice that explains itself: line, determinant, interval versions. */
import type { Invoice } from '../../api/types.ts';
import { useData } from '../../api/use-data.ts';
import { formatDecimal } from '../../format/decimal.ts';
import { formatDate, formatInstant } from '../../format/time.ts';
import { addDays } from '../../format/zone.ts';
import { Facts } from '../../parts/facts.tsx';
import { Page } from '../../parts/page.tsx';
import { DataPanel, Panel } from '../../parts/panel.tsx';
import { href } from '../../router.ts';
import { useText } from '../../text/text.ts';
import { DeterminantIntervals } from './determinant-intervals.tsx';
import { DeterminantsPanel } from './determinants-panel.tsx';
import { LinesPanel } from './lines-panel.tsx';

interface Props {
  readonly id: string;
  readonly query: URLSearchParams;
}

export function InvoicePage({ id, query }: Props) {
  const { text } = useText();
  const loaded = useData<Invoice>(`/v1/invoices/${encodeURIComponent(id)}`);
  const invoice = loaded.data;
  const opened = invoice?.determinants.find(({ code }) => code === query.get('determinant'));
  return (
    <Page title={text.invoice.title(id)}>
      <DataPanel title={text.invoice.title(id)} loaded={loaded} class="identity" titleHidden>
        {(data) => <Head invoice={data} />}
      </DataPanel>
      {invoice !== undefined && (
        <>
          <LinesPanel invoice={invoice} />
          <DeterminantsPanel invoice={invoice} opened={opened?.code} />
          {opened !== undefined && (
            <DeterminantIntervals
              key={opened.code}
              invoice={invoice}
              determinant={opened}
              at={query.get('at')}
            />
          )}
          <Panel title={text.invoice.hashes}>
            <Facts
              wide
              facts={[
                [text.invoice.input, <code>{invoice.input_hash}</code>],
                [text.invoice.result, <code>{invoice.result_hash}</code>],
              ]}
            />
          </Panel>
        </>
      )}
    </Page>
  );
}

function Head({ invoice }: { readonly invoice: Invoice }) {
  const { text, locale } = useText();
  const { snapshot, period_from: from, period_to: to } = invoice;
  const zone = snapshot.timeZone;
  const days = Math.round((Date.parse(to) - Date.parse(from)) / 86_400_000);
  const last = addDays(to, -1);
  return (
    <>
      <p class="main-number" data-main>
        <strong>
          {formatDecimal(invoice.total, locale)} {invoice.currency}
        </strong>{' '}
        {text.invoice.toPay} · {text.bills.kinds[invoice.kind] ?? invoice.kind}
      </p>
      <Facts
        facts={[
          [text.bills.customer, snapshot.customer?.name],
          [
            text.bills.account,
            <a href={href(['bills'], { account: invoice.account_number })}>
              {invoice.account_number}
            </a>,
          ],
          [
            text.invoice.place,
            [snapshot.servicePoint, snapshot.address].filter(Boolean).join(', '),
          ],
          [
            text.bills.period,
            text.invoice.period(formatDate(from, locale), formatDate(last, locale), days),
          ],
          [
            text.invoice.tariff,
            `${snapshot.tariff.code}, ${text.invoice.revision(String(snapshot.tariff.revision))}`,
          ],
          [text.invoice.issued, formatInstant(invoice.issued_at, locale, zone)],
          [text.bills.due, formatDate(invoice.due_date, locale)],
          [text.invoice.knownAt, formatInstant(invoice.as_of, locale, zone)],
        ]}
      />
    </>
  );
}
