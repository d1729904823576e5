/** The interval versions behind one determinant; each opens the story of its interval. */
import { useEffect, useRef, useState } from 'preact/hooks';
import type { BilledInterval, Determinant, Invoice } from '../../api/types.ts';
import { formatCount } from '../../format/decimal.ts';
import { classOfQuality } from '../../format/quality.ts';
import { formatDate } from '../../format/time.ts';
import { formatQuantity, shownUnit } from '../../format/unit.ts';
import { localDate, plainTime } from '../../format/zone.ts';
import { Pager } from '../../parts/pager.tsx';
import { Panel } from '../../parts/panel.tsx';
import { QualityMark } from '../../parts/quality-mark.tsx';
import { type Column, Table } from '../../parts/table.tsx';
import { href, setQuery } from '../../router.ts';
import { useText } from '../../text/text.ts';
import { BilledVersions } from './billed-versions.tsx';

const PAGE_ROWS = 100;

interface Props {
  readonly invoice: Invoice;
  readonly determinant: Determinant;
  readonly at: string | null;
}

export function DeterminantIntervals({ invoice, determinant, at }: Props) {
  const { text } = useText();
  const [page, setPage] = useState(0);
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => place.current?.scrollIntoView({ block: 'nearest' }), []);
  const { rows, code } = determinant;
  const chosen = rows.find((row) => keyOf(row) === at);
  const shown = rows.slice(page * PAGE_ROWS, (page + 1) * PAGE_ROWS);
  const zone = invoice.snapshot.timeZone;
  return (
    <div ref={place} data-determinant={code}>
      <Panel title={text.invoice.intervalsOf(code)} aside={<span class="note">{zone}</span>}>
        {chosen !== undefined && (
          <BilledVersions invoice={invoice} determinant={determinant} row={chosen} />
        )}
        <Table
          caption={text.invoice.intervalsCaption}
          rows={shown}
          keyOf={keyOf}
          classOf={(row) => `q-${classOfQuality(row.quality)} ${row === chosen ? 'chosen' : ''}`}
          columns={useColumns(invoice, determinant)}
        />
        <Pager
          page={page}
          size={PAGE_ROWS}
          rows={rows.length}
          label={text.invoice.intervalsCaption}
          onPage={setPage}
        />
      </Panel>
    </div>
  );
}

function keyOf(row: BilledInterval): string {
  return `${row.channelId}~${row.start}`;
}

function useColumns(invoice: Invoice, determinant: Determinant): Column<BilledInterval>[] {
  const { text, locale } = useText();
  const { timeZone: zone, channels } = invoice.snapshot;
  const time = (row: BilledInterval) => plainTime(zone, Date.parse(row.start));
  const date = (row: BilledInterval) => localDate(zone, Date.parse(row.start));
  return [
    {
      head: text.meter.time,
      cell: (row) => (
        <button
          type="button"
          class="link"
          aria-label={text.meter.showVersions(`${formatDate(date(row), locale)}, ${time(row)}`)}
          onClick={() => setQuery({ at: keyOf(row) })}
        >
          {formatDate(date(row), locale, true)} {time(row)}
        </button>
      ),
    },
    {
      head: text.meter.value(shownUnit(determinant.unit)),
      number: true,
      cell: (row) => formatQuantity(row.value, determinant.unit, locale),
    },
    {
      head: text.meter.quality,
      cell: (row) => <QualityMark kind={classOfQuality(row.quality)} name={row.quality} />,
    },
    {
      head: text.versions.batch,
      number: true,
      cell: (row) => formatCount(row.batchId, locale),
    },
    {
      head: text.invoice.meter,
      cell: (row) => {
        const channel = channels.find(({ id }) => id === row.channelId);
        if (channel === undefined) return '—';
        const query = { channel: channel.code, date: date(row), at: row.start };
        return (
          <a
            class="id"
            href={href(['meters', channel.meter], query)}
            title={text.invoice.openMeter}
          >
            {channel.meter}
          </a>
        );
      },
    },
  ];
}
