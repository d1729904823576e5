/** How much of each closed day was received, estimated, or is missing: bars, and the same as a table. */
import { useState } from 'preact/hooks';
import type { DayCompleteness } from '../../api/types.ts';
import { useData } from '../../api/use-data.ts';
import { formatCount, formatDecimal } from '../../format/decimal.ts';
import { formatDate } from '../../format/time.ts';
import { DataPanel } from '../../parts/panel.tsx';
import { Table } from '../../parts/table.tsx';
import { useText } from '../../text/text.ts';
import { CompletenessBars } from './completeness-bars.tsx';

const DAYS = 31;

export function CompletenessPanel({ everyMs }: { readonly everyMs: number }) {
  const { text } = useText();
  const [asTable, setAsTable] = useState(false);
  const loaded = useData<{ days: readonly DayCompleteness[] }>(`/v1/completeness?days=${DAYS}`, {
    refreshMs: everyMs,
  });
  const toggle = (
    <button type="button" aria-pressed={asTable} onClick={() => setAsTable(!asTable)}>
      {text.overview.showTable}
    </button>
  );
  return (
    <DataPanel
      title={text.overview.completeness}
      loaded={loaded}
      class="span-two completeness"
      aside={toggle}
    >
      {({ days }) => {
        const [newest] = days;
        if (newest === undefined) return <p>{text.overview.noDays}</p>;
        return asTable ? <DaysTable days={days} /> : <Chart days={days} newest={newest} />;
      }}
    </DataPanel>
  );
}

interface ChartProps {
  readonly days: readonly DayCompleteness[];
  readonly newest: DayCompleteness;
}

function Chart({ days, newest }: ChartProps) {
  const { text, locale } = useText();
  return (
    <figure>
      <figcaption class="main-number">
        <strong>{receivedShare(newest, locale)} %</strong>{' '}
        {text.overview.completenessLead(formatDate(newest.date, locale, true))}
      </figcaption>
      <CompletenessBars days={[...days].reverse()} />
    </figure>
  );
}

/** Rounded down to a hundredth, so that only a whole day says 100. */
function receivedShare({ received, expected }: DayCompleteness, locale: string): string {
  if (expected === 0) return '—';
  const hundredths = Math.floor((received * 10_000) / expected);
  const whole = Math.floor(hundredths / 100);
  return formatDecimal(`${whole}.${String(hundredths % 100).padStart(2, '0')}`, locale);
}

function DaysTable({ days }: { readonly days: readonly DayCompleteness[] }) {
  const { text, locale } = useText();
  const names = ['expected', 'received', 'estimated', 'missing'] as const;
  return (
    <Table
      caption={text.overview.completenessCaption}
      rows={days}
      keyOf={(row) => row.date}
      columns={[
        { head: text.overview.date, cell: (row) => formatDate(row.date, locale, true) },
        ...names.map((name) => ({
          head: text.overview[name],
          number: true,
          cell: (row: DayCompleteness) => formatCount(row[name], locale),
        })),
        { head: text.overview.share, number: true, cell: (row) => receivedShare(row, locale) },
      ]}
    />
  );
}
