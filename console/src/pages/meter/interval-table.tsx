/** The curve as a table: every interval with its value, quality and state in the ledger. */
import { useEffect, useState } from 'preact/hooks';
import type { Interval } from '../../api/types.ts';
import type { LoadView } from '../../chart/load-view.ts';
import { classOf } from '../../format/quality.ts';
import { formatDate } from '../../format/time.ts';
import { formatQuantity, shownUnit } from '../../format/unit.ts';
import { intervalTime, localDate } from '../../format/zone.ts';
import { Pager } from '../../parts/pager.tsx';
import { QualityMark } from '../../parts/quality-mark.tsx';
import { type Column, Table } from '../../parts/table.tsx';
import { useText } from '../../text/text.ts';

const PAGE_ROWS = 100;

interface Props {
  readonly view: LoadView;
  readonly intervals: readonly Interval[];
  readonly chosen: Interval | undefined;
  readonly onPick: (interval: Interval) => void;
}

export function IntervalTable({ view, intervals, chosen, onPick }: Props) {
  const { text, locale } = useText();
  const [page, setPage] = useState(0);
  useEffect(() => setPage(0), [view.fromMs, view.toMs, view.channel.id]);
  useEffect(() => {
    if (chosen !== undefined) setPage(Math.floor(intervals.indexOf(chosen) / PAGE_ROWS));
  }, [chosen, intervals]);
  const caption = text.meter.intervalsCaption(formatDate(view.date, locale));
  return (
    <>
      <Table
        caption={caption}
        rows={intervals.slice(page * PAGE_ROWS, (page + 1) * PAGE_ROWS)}
        keyOf={(row) => row.start}
        classOf={(row) => `q-${classOf(row)} ${row === chosen ? 'chosen' : ''}`}
        columns={useColumns(view, onPick)}
      />
      <Pager
        page={page}
        size={PAGE_ROWS}
        rows={intervals.length}
        label={caption}
        onPage={setPage}
      />
    </>
  );
}

function useColumns(view: LoadView, onPick: Props['onPick']): Column<Interval>[] {
  const { text, locale } = useText();
  const { zone, channel } = view;
  const states: Readonly<Record<string, string>> = text.ledgerState;
  const time = (row: Interval) => intervalTime(zone, Date.parse(row.start), channel.interval_s);
  return [
    {
      head: text.meter.time,
      cell: (row) => (
        <button
          type="button"
          class="link"
          aria-label={text.meter.showVersions(time(row))}
          onClick={() => onPick(row)}
        >
          {time(row)}
        </button>
      ),
    },
    ...(view.span === 'week'
      ? [
          {
            head: text.overview.date,
            cell: (row: Interval) =>
              formatDate(localDate(zone, Date.parse(row.start)), locale, true),
          },
        ]
      : []),
    {
      head: text.meter.value(shownUnit(channel.unit)),
      number: true,
      cell: (row) => (row.value === null ? '—' : formatQuantity(row.value, channel.unit, locale)),
    },
    {
      head: text.meter.quality,
      cell: (row) => <QualityMark kind={classOf(row)} name={row.quality} />,
    },
    { head: text.meter.ledger, cell: (row) => states[row.state] ?? row.state },
    { head: text.meter.flags, cell: (row) => row.flags.join(', ') || '—' },
  ];
}
