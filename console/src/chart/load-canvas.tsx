/** The canvas of the curve as one tab stop: arrows move, Enter opens, the value is spoken. */
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Interval } from '../api/types.ts';
import { classOf } from '../format/quality.ts';
import { useStore } from '../store.ts';
import { useText } from '../text/text.ts';
import { paintRound } from '../theme.ts';
import type { LoadPlot } from './load-plot.ts';
import type { LoadView } from './load-view.ts';

const HEIGHT = 300;

interface Props {
  readonly view: LoadView;
  readonly intervals: readonly Interval[];
  readonly chosen: number | undefined;
  readonly pointed: number | undefined;
  readonly sentence: (interval: Interval) => string;
  readonly onPoint: (index: number | undefined) => void;
  readonly onPick: (index: number) => void;
}

export function LoadCanvas(props: Props) {
  const { intervals, chosen, pointed, onPoint, onPick } = props;
  const { text } = useText();
  const place = useRef<HTMLDivElement>(null);
  usePlot(place, props);
  const at = pointed ?? chosen ?? 0;
  const current = intervals[at];
  const perDay = Math.max(1, Math.round(86_400 / props.view.channel.interval_s));
  const move = (event: KeyboardEvent) => {
    const last = intervals.length - 1;
    if (event.key === 'Enter' && current !== undefined) return onPick(at);
    const to = {
      ArrowLeft: at - 1,
      ArrowDown: at - 1,
      ArrowRight: at + 1,
      ArrowUp: at + 1,
      Home: 0,
      End: last,
      PageUp: at - perDay,
      PageDown: at + perDay,
    }[event.key];
    if (to === undefined || last < 0) return;
    event.preventDefault();
    onPoint(Math.min(last, Math.max(0, to)));
  };
  return (
    <div
      ref={place}
      class="plot"
      role="slider"
      tabIndex={0}
      aria-label={text.meter.curve}
      aria-valuemin={0}
      aria-valuemax={Math.max(0, intervals.length - 1)}
      aria-valuenow={at}
      aria-valuetext={current === undefined ? text.state.none : props.sentence(current)}
      onKeyDown={move}
      onBlur={() => onPoint(undefined)}
    />
  );
}

/** Draws anew when data, size or colours change; marks move without a new drawing. */
function usePlot(place: { readonly current: HTMLDivElement | null }, props: Props): void {
  const { view, intervals, chosen, pointed } = props;
  const round = useStore(paintRound);
  const { locale } = useText();
  const plot = useRef<LoadPlot | undefined>(undefined);
  const latest = useRef(props);
  latest.current = props;
  const width = useWidth(place);
  const { fromMs, toMs, zone, span, channel } = view;
  useEffect(() => {
    const element = place.current;
    if (element === null || width === 0) return;
    let gone = false;
    void import('./load-plot.ts').then(({ createLoadPlot }) => {
      if (gone) return;
      plot.current = createLoadPlot(element, {
        width,
        height: HEIGHT,
        locale,
        view,
        values: intervals.map(({ value }) => (value === null ? null : Number(value))),
        starts: intervals.map(({ start }) => Date.parse(start) / 1_000),
        kinds: intervals.map(classOf),
        onPoint: (index) => latest.current.onPoint(index),
        onPick: (index) => latest.current.onPick(index),
      });
      plot.current.mark(latest.current.chosen, latest.current.pointed);
    });
    return () => {
      gone = true;
      plot.current?.destroy();
      plot.current = undefined;
    };
  }, [intervals, width, round, locale, fromMs, toMs, zone, span, channel.id]);
  useEffect(() => plot.current?.mark(chosen, pointed), [chosen, pointed]);
}

function useWidth(place: { readonly current: HTMLElement | null }): number {
  const [width, setWidth] = useState(0);
  useEffect(() => {
    const element = place.current;
    if (element === null) return;
    const observer = new ResizeObserver(([entry]) =>
      setWidth(Math.floor(entry?.contentRect.width ?? 0)),
    );
    observer.observe(element);
    return () => observer.disconnect();
  }, [place]);
  return width;
}
