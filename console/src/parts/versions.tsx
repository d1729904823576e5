/** All versions of one interval: what was known when, from which batch, by whom replaced. */
import { useEffect, useRef } from 'preact/hooks';
import type { Version } from '../api/types.ts';
import { useData } from '../api/use-data.ts';
import { formatCount } from '../format/decimal.ts';
import { formatDate, formatInstant } from '../format/time.ts';
import { formatQuantity, shownUnit } from '../format/unit.ts';
import { intervalTime, localDate } from '../format/zone.ts';
import { useText } from '../text/text.ts';
import { Badge } from './badge.tsx';
import { DataPanel } from './panel.tsx';
import { Table } from './table.tsx';

interface Props {
  readonly meter: string;
  readonly code: string;
  readonly start: string;
  readonly intervalS: number;
  readonly unit: string;
  readonly zone: string;
  /** The batch whose version an invoice was made from. */
  readonly billedBatch?: number;
  readonly onClose: () => void;
}

export function Versions(props: Props) {
  const { meter, code, start, zone, unit } = props;
  const { text, locale } = useText();
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    place.current?.scrollIntoView({ block: 'nearest' });
  }, [start]);
  const channel = `/v1/meters/${encodeURIComponent(meter)}/channels/${encodeURIComponent(code)}`;
  const loaded = useData<{ versions: readonly Version[] }>(
    `${channel}/intervals/${encodeURIComponent(start)}/versions`,
  );
  const ms = Date.parse(start);
  const day = formatDate(localDate(zone, ms), locale);
  const title = text.versions.title(`${day}, ${intervalTime(zone, ms, props.intervalS)}`);
  const close = (
    <button type="button" onClick={props.onClose}>
      {text.versions.close}
    </button>
  );
  return (
    <div ref={place} data-versions={start}>
      <DataPanel title={title} loaded={loaded} aside={close} class="versions">
        {({ versions }) =>
          versions.length === 0 ? (
            <p>{text.versions.none}</p>
          ) : (
            <Table
              caption={text.versions.caption}
              rows={versions.map((version, index) => ({ version, index }))}
              keyOf={({ version }) => String(version.batch)}
              columns={[
                { head: text.versions.version, cell: ({ index }) => index + 1 },
                {
                  head: text.meter.value(shownUnit(unit)),
                  number: true,
                  cell: ({ version }) => formatQuantity(version.value, unit, locale),
                },
                { head: text.meter.quality, cell: ({ version }) => version.quality },
                { head: text.meter.flags, cell: ({ version }) => version.flags.join(', ') || '—' },
                {
                  head: text.versions.batch,
                  number: true,
                  cell: ({ version }) => formatCount(version.batch, locale),
                },
                { head: text.versions.origin, cell: ({ version }) => version.origin },
                {
                  head: text.versions.recorded,
                  cell: ({ version }) => formatInstant(version.recorded_at, locale, zone),
                },
                { head: text.versions.by, cell: ({ version }) => version.actor || '—' },
                {
                  head: text.versions.replaced,
                  cell: ({ version }) => <Fate version={version} billed={props.billedBatch} />,
                },
              ]}
            />
          )
        }
      </DataPanel>
    </div>
  );
}

function Fate({ version, billed }: { version: Version; billed: number | undefined }) {
  const { text, locale } = useText();
  const { superseded, batch } = version;
  return (
    <>
      {superseded === null ? (
        <Badge look="ok">{text.versions.stands}</Badge>
      ) : (
        <Badge look="neutral">
          {text.versions.replacedBy(formatCount(superseded.by_batch, locale), superseded.reason)}
        </Badge>
      )}{' '}
      {billed === batch && <Badge look="info">{text.versions.billedHere}</Badge>}
    </>
  );
}
