/** What this meter is, what it has done, and whether it can be trusted. */
import type { Channel, MeterDetail } from '../../api/types.ts';
import { useData } from '../../api/use-data.ts';
import { formatCount } from '../../format/decimal.ts';
import { formatInstant } from '../../format/time.ts';
import { shownUnit } from '../../format/unit.ts';
import { Facts } from '../../parts/facts.tsx';
import { Page } from '../../parts/page.tsx';
import { DataPanel, Panel } from '../../parts/panel.tsx';
import { Table } from '../../parts/table.tsx';
import { href } from '../../router.ts';
import { useText } from '../../text/text.ts';
import { BreakerBadge } from '../meters-page.tsx';
import { LoadPanel } from './load-panel.tsx';

const BREAKER_EVERY_MS = 10_000;

interface Props {
  readonly id: string;
  readonly query: URLSearchParams;
}

export function MeterPage({ id, query }: Props) {
  const { text } = useText();
  const path = `/v1/meters/${encodeURIComponent(id)}`;
  const loaded = useData<MeterDetail>(path, { refreshMs: BREAKER_EVERY_MS });
  const channels = loaded.data?.channels.filter((channel) => channel.kind === 'interval') ?? [];
  const asked = query.get('channel');
  const channel = channels.find(({ code }) => code === asked) ?? channels[0];
  return (
    <Page title={text.meter.title(id)}>
      <DataPanel title={text.meter.identity} loaded={loaded} class="identity">
        {(meter) => <Identity meter={meter} />}
      </DataPanel>
      {loaded.data !== undefined && channel === undefined && (
        <Panel title={text.meter.load}>
          <p>{text.meter.noChannel}</p>
        </Panel>
      )}
      {loaded.data !== undefined && channel !== undefined && (
        <LoadPanel meter={loaded.data} channels={channels} channel={channel} query={query} />
      )}
      {loaded.data !== undefined && <Channels channels={loaded.data.channels} />}
    </Page>
  );
}

function Identity({ meter }: { readonly meter: MeterDetail }) {
  const { text, locale } = useText();
  const zone = meter.time_zone ?? undefined;
  const readBack =
    meter.breaker_at === null
      ? null
      : `${text.meter.readBack} ${formatInstant(meter.breaker_at, locale, zone)}`;
  return (
    <Facts
      facts={[
        [text.meters.serial, <span class="id">{meter.serial}</span>],
        [
          text.meters.breaker,
          <>
            <BreakerBadge meter={meter} /> {readBack}
          </>,
        ],
        [text.meters.place, meter.service_point],
        [text.meters.feeder, meter.feeder],
        [
          text.meters.account,
          meter.account && (
            <a href={href(['bills'], { account: meter.account })}>{meter.account}</a>
          ),
        ],
        [text.meter.zone, zone ?? text.meter.zoneUnknown],
        [text.meters.protocol, meter.protocol],
        [text.meters.model, meter.model],
      ]}
    />
  );
}

function Channels({ channels }: { readonly channels: readonly Channel[] }) {
  const { text, locale } = useText();
  return (
    <Panel title={text.meter.channels}>
      <Table
        caption={text.meter.channelsCaption}
        captionHidden
        rows={channels}
        keyOf={(row) => String(row.id)}
        columns={[
          { head: text.meter.code, cell: (row) => <span class="id">{row.code}</span> },
          { head: text.meter.kind, cell: (row) => row.kind },
          { head: text.meter.direction, cell: (row) => row.direction },
          { head: text.meter.unit, cell: (row) => shownUnit(row.unit) || '—' },
          {
            head: text.meter.interval,
            number: true,
            cell: (row) =>
              row.interval_s === 0
                ? '—'
                : text.meter.everyMinutes(formatCount(row.interval_s / 60, locale)),
          },
        ]}
      />
    </Panel>
  );
}
