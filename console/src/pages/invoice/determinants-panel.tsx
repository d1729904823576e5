/** What was measured for the lines, and whether the versions known then still add up to it. */
import type { Determinant, Invoice } from '../../api/types.ts';
import { formatCount } from '../../format/decimal.ts';
import { formatQuantity, shownUnit } from '../../format/unit.ts';
import { Badge } from '../../parts/badge.tsx';
import { Panel } from '../../parts/panel.tsx';
import { Table } from '../../parts/table.tsx';
import { href } from '../../router.ts';
import { useText } from '../../text/text.ts';

interface Props {
  readonly invoice: Invoice;
  readonly opened: string | undefined;
}

export function DeterminantsPanel({ invoice, opened }: Props) {
  const { text, locale } = useText();
  const count = (n: number) => formatCount(n, locale);
  return (
    <Panel title={text.invoice.determinants}>
      <Table
        caption={text.invoice.determinantsCaption}
        captionHidden
        rows={invoice.determinants}
        keyOf={(row) => row.code}
        classOf={(row) => (row.code === opened ? 'chosen' : '')}
        columns={[
          {
            head: text.invoice.determinant,
            cell: (row) => (
              <a class="id" href={href(['bills', invoice.number], { determinant: row.code })}>
                {row.code}
              </a>
            ),
          },
          { head: text.bills.period, cell: (row) => row.period },
          {
            head: text.invoice.quantity,
            number: true,
            cell: (row) => formatQuantity(row.quantity, row.unit, locale),
          },
          { head: text.invoice.unit, cell: (row) => shownUnit(row.unit) },
          {
            head: text.invoice.ofExpected,
            number: true,
            cell: (row) => text.invoice.ofAll(count(row.intervals), count(row.expected)),
          },
          { head: text.invoice.estimated, number: true, cell: (row) => count(row.estimated) },
          { head: text.invoice.known, cell: (row) => <Verified determinant={row} /> },
        ]}
      />
    </Panel>
  );
}

function Verified({ determinant }: { readonly determinant: Determinant }) {
  const { text } = useText();
  const { verified } = determinant;
  return (
    <Badge look={verified ? 'ok' : 'danger'}>
      {verified ? text.invoice.verified : text.invoice.notVerified}
    </Badge>
  );
}
