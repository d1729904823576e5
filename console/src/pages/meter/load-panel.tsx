/** A chosen day or week of one channel: curve, table, and the versions of the chosen interval. */
import type {
  Channel,
  DayCompleteness,
  Interval,
  IntervalAnswer,
  MeterDetail,
} from '../../api/types.ts';
import { useData } from '../../api/use-data.ts';
import { LoadFigure } from '../../chart/load-figure.tsx';
import type { LoadView } from '../../chart/load-view.ts';
import { addDays, dayStartMs, isDate, localDate } from '../../format/zone.ts';
import { Panel } from '../../parts/panel.tsx';
import { Problem } from '../../parts/problem.tsx';
import { Versions } from '../../parts/versions.tsx';
import { setQuery } from '../../router.ts';
import { useScope } from '../../session-context.ts';
import { useText } from '../../text/text.ts';
import { IntervalTable } from './interval-table.tsx';
import { LoadChoices } from './load-choices.tsx';

interface Props {
  readonly meter: MeterDetail;
  readonly channels: readonly Channel[];
  readonly channel: Channel;
  readonly query: URLSearchParams;
}

export function LoadPanel({ meter, channels, channel, query }: Props) {
  const { text } = useText();
  const zone = meter.time_zone ?? 'UTC';
  const date = useDate(query.get('date'), zone);
  const span = query.get('span') === 'week' ? 'week' : 'day';
  return (
    <Panel title={text.meter.load} class="load">
      {date === undefined ? (
        <p class="skeleton">{text.state.loading}</p>
      ) : (
        <Load
          meter={meter}
          channels={channels}
          at={query.get('at')}
          view={{
            channel,
            zone,
            date,
            span,
            fromMs: dayStartMs(zone, date),
            toMs: dayStartMs(zone, addDays(date, span === 'week' ? 7 : 1)),
          }}
        />
      )}
    </Panel>
  );
}

/** The day asked for, else the newest closed one: there is something to see on it. */
function useDate(asked: string | null, zone: string): string | undefined {
  const given = isDate(asked) ? asked : undefined;
  const may = useScope('readings:read');
  const newest = useData<{ days: readonly DayCompleteness[] }>(
    given === undefined && may ? '/v1/completeness?days=1' : undefined,
  );
  if (given !== undefined) return given;
  if (may && newest.data === undefined && newest.problem === undefined) return undefined;
  return newest.data?.days[0]?.date ?? addDays(localDate(zone, Date.now()), -1);
}

interface LoadProps {
  readonly meter: MeterDetail;
  readonly channels: readonly Channel[];
  readonly view: LoadView;
  /** Start of the interval whose versions are shown. */
  readonly at: string | null;
}

function Load({ meter, channels, view, at }: LoadProps) {
  const { text } = useText();
  const { channel, zone, fromMs, toMs } = view;
  const base = `/v1/meters/${encodeURIComponent(meter.serial)}/channels/${encodeURIComponent(channel.code)}`;
  const range = `from=${new Date(fromMs).toISOString()}&to=${new Date(toMs).toISOString()}`;
  const loaded = useData<IntervalAnswer>(`${base}/intervals?${range}`);
  const intervals = loaded.data?.intervals ?? [];
  const chosen = intervals.find((interval) => interval.start === at);
  const pick = (interval: Interval) => setQuery({ at: interval.start });
  return (
    <>
      <LoadChoices view={view} channels={channels} />
      {loaded.problem !== undefined && (
        <Problem what={text.meter.load} problem={loaded.problem} retry={loaded.reload} />
      )}
      {loaded.data !== undefined && intervals.length === 0 && <p>{text.meter.notLaidOut}</p>}
      <LoadFigure
        view={view}
        intervals={intervals}
        loading={loaded.loading}
        chosen={chosen}
        onPick={pick}
      />
      {chosen !== undefined && (
        <Versions
          meter={meter.serial}
          code={channel.code}
          start={chosen.start}
          intervalS={channel.interval_s}
          unit={channel.unit}
          zone={zone}
          onClose={() => setQuery({ at: undefined })}
        />
      )}
      {intervals.length > 0 && (
        <IntervalTable view={view} intervals={intervals} chosen={chosen} onPick={pick} />
      )}
    </>
  );
}
