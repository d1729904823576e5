/** Where every offered record ended. What does not add up is said in numbers, row by row. */
import type { Conservation, OriginTotals } from '../../api/types.ts';
import type { Loaded } from '../../api/use-data.ts';
import { formatCount } from '../../format/decimal.ts';
import { Badge } from '../../parts/badge.tsx';
import { DataPanel } from '../../parts/panel.tsx';
import { type Column, Table } from '../../parts/table.tsx';
import { useText } from '../../text/text.ts';

const COUNTS = [
  'batches',
  'messages',
  'offered',
  'stored',
  'duplicate',
  'rejected',
  'quarantined',
] as const;
type Counts = Readonly<Record<(typeof COUNTS)[number], number>>;

export function ConservationPanel({ loaded }: { readonly loaded: Loaded<Conservation> }) {
  const { text } = useText();
  return (
    <DataPanel title={text.overview.conservation} loaded={loaded} class="span-all conservation">
      {(data) =>
        data.origins.length === 0 ? <p>{text.overview.noBatches}</p> : <Body {...data} />
      }
    </DataPanel>
  );
}

function Body({ origins, tables }: Conservation) {
  const { text, locale } = useText();
  const count = (n: number) => formatCount(n, locale);
  const total = totalOf(origins);
  const columns: Column<OriginTotals>[] = [
    { head: text.overview.origin, cell: (row) => <span class="id">{row.origin}</span> },
    ...COUNTS.map((name) => ({
      head: text.overview[name],
      number: true,
      cell: (row: OriginTotals) => count(row[name]),
    })),
    { head: text.overview.check, cell: (row) => <Check counts={row} /> },
  ];
  return (
    <>
      <p class="main-number" data-main>
        <strong>{count(total.offered)}</strong> {text.overview.offeredTotal}{' '}
        <Check counts={total} />
      </p>
      <p class="note">{text.overview.equation}</p>
      <Table
        caption={text.overview.conservationCaption}
        captionHidden
        rows={origins}
        keyOf={(row) => row.origin}
        columns={columns}
        foot={
          <tr data-total>
            <th scope="row">{text.overview.total}</th>
            {COUNTS.map((name) => (
              <td key={name} class="number">
                {count(total[name])}
              </td>
            ))}
            <td>
              <Check counts={total} />
            </td>
          </tr>
        }
      />
      <p class="equation" data-tables>
        {text.overview.tables} <strong>{count(tables.rows)}</strong> ={' '}
        <strong>{count(tables.claimed)}</strong> {text.overview.claimed}{' '}
        <Verdict difference={tables.rows - tables.claimed} />
      </p>
    </>
  );
}

function totalOf(origins: readonly OriginTotals[]): Counts {
  const sum = (name: keyof Counts) => origins.reduce((all, row) => all + row[name], 0);
  return {
    batches: sum('batches'),
    messages: sum('messages'),
    offered: sum('offered'),
    stored: sum('stored'),
    duplicate: sum('duplicate'),
    rejected: sum('rejected'),
    quarantined: sum('quarantined'),
  };
}

function Check({ counts }: { readonly counts: Counts }) {
  const ended = counts.stored + counts.duplicate + counts.rejected + counts.quarantined;
  return <Verdict difference={counts.offered - ended} />;
}

function Verdict({ difference }: { readonly difference: number }) {
  const { text, locale } = useText();
  return difference === 0 ? (
    <Badge look="ok">{text.overview.balances}</Badge>
  ) : (
    <Badge look="danger">{text.overview.differs(formatCount(difference, locale))}</Badge>
  );
}
