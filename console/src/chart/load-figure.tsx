/** The load curve with its legend, its one-sentence caption and its readout. */
import { useMemo, useState } from 'preact/hooks';
import type { Interval } from '../api/types.ts';
import { addDecimals, formatCount } from '../format/decimal.ts';
import { classOf, QUALITY_CLASSES, QUALITY_GLYPH } from '../format/quality.ts';
import { formatDate } from '../format/time.ts';
import { formatQuantity, shownUnit } from '../format/unit.ts';
import { intervalTime, localDate } from '../format/zone.ts';
import { useText } from '../text/text.ts';
import { LoadCanvas } from './load-canvas.tsx';
import type { LoadView } from './load-view.ts';

interface Props {
  readonly view: LoadView;
  readonly intervals: readonly Interval[];
  readonly loading: boolean;
  readonly chosen: Interval | undefined;
  readonly onPick: (interval: Interval) => void;
}

export function LoadFigure({ view, intervals, loading, chosen, onPick }: Props) {
  const [pointed, setPointed] = useState<number>();
  const say = useSentence(view);
  const shown = (pointed === undefined ? undefined : intervals[pointed]) ?? chosen;
  return (
    <figure class="load-figure" aria-busy={loading}>
      <Caption view={view} intervals={intervals} />
      <LoadCanvas
        view={view}
        intervals={intervals}
        chosen={chosen === undefined ? undefined : intervals.indexOf(chosen)}
        pointed={pointed}
        sentence={say}
        onPoint={setPointed}
        onPick={(index) => {
          const interval = intervals[index];
          if (interval !== undefined) onPick(interval);
        }}
      />
      <p class="readout" aria-hidden="true">
        {shown === undefined ? '\u00a0' : say(shown)}
      </p>
    </figure>
  );
}

/** '09:15–09:30, 0.412 kWh, ▨ estimated'. */
function useSentence(view: LoadView): (interval: Interval) => string {
  const { text, locale } = useText();
  const { unit, interval_s: intervalS } = view.channel;
  return (interval) => {
    const ms = Date.parse(interval.start);
    const kind = classOf(interval);
    const value =
      interval.value === null
        ? []
        : [`${formatQuantity(interval.value, unit, locale)} ${shownUnit(unit)}`.trim()];
    const day = view.span === 'week' ? [formatDate(localDate(view.zone, ms), locale, true)] : [];
    const quality = `${QUALITY_GLYPH[kind]} ${text.quality[kind]}`.trim();
    return [...day, intervalTime(view.zone, ms, intervalS), ...value, quality].join(' · ');
  };
}

function Caption({ view, intervals }: Pick<Props, 'view' | 'intervals'>) {
  const { text, locale } = useText();
  const { unit } = view.channel;
  const counts = useMemo(() => {
    const kinds = intervals.map(classOf);
    return QUALITY_CLASSES.map((kind) => ({
      kind,
      count: kinds.filter((other) => other === kind).length,
    })).filter(({ kind, count }) => count > 0 || kind === 'actual');
  }, [intervals]);
  const sum = addDecimals(intervals.flatMap(({ value }) => (value === null ? [] : [value])));
  return (
    <figcaption>
      <p class="main-number" data-main>
        <strong>
          {sum === undefined || intervals.length === 0
            ? '—'
            : text.meter.summary(formatQuantity(sum, unit, locale), shownUnit(unit))}
        </strong>{' '}
        {text.meter.inShown}
      </p>
      <ul class="legend" aria-label={text.meter.legend}>
        {counts.map(({ kind, count }) => (
          <li key={kind} data-quality={kind}>
            <i class={`swatch swatch-${kind}`} /> {text.quality[kind]}{' '}
            <b>{formatCount(count, locale)}</b>
          </li>
        ))}
      </ul>
    </figcaption>
  );
}
