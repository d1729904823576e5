/** One stacked bar a day, from zero. Missing is an outlined hatch, never an empty place. */
import { useId, useState } from 'preact/hooks';
import type { DayCompleteness } from '../../api/types.ts';
import { formatCount } from '../../format/decimal.ts';
import { formatDate, formatDayMonth } from '../../format/time.ts';
import { Patterns } from '../../parts/patterns.tsx';
import { useText } from '../../text/text.ts';

const WIDTH = 620;
const HEIGHT = 190;
const TOP = 8;
const BOTTOM = 22;
const LEFT = 56;
/** Half a label of the last day. */
const RIGHT = 18;
const PARTS = ['received', 'estimated', 'missing'] as const;

export function CompletenessBars({ days }: { readonly days: readonly DayCompleteness[] }) {
  const { text, locale } = useText();
  const prefix = useId();
  const [shown, setShown] = useState<number>();
  const top = Math.max(1, ...days.map((day) => day.expected));
  const slot = (WIDTH - LEFT - RIGHT) / days.length;
  const day = days[shown ?? days.length - 1];
  return (
    <>
      <svg
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        class="bars"
        role="img"
        aria-label={text.overview.chartLabel}
      >
        <Patterns prefix={prefix} />
        <Axis top={top} />
        {days.map((row, index) => (
          // biome-ignore lint/a11y/noStaticElementInteractions: reading aid; the table has it all
          <g
            key={row.date}
            onMouseEnter={() => setShown(index)}
            onMouseLeave={() => setShown(undefined)}
          >
            <Bar day={row} top={top} x={LEFT + index * slot} width={slot} prefix={prefix} />
            {(days.length - 1 - index) % 5 === 0 && (
              <text
                x={LEFT + (index + 0.5) * slot}
                y={HEIGHT - 6}
                class="tick"
                text-anchor="middle"
              >
                {formatDayMonth(row.date, locale)}
              </text>
            )}
          </g>
        ))}
      </svg>
      {day !== undefined && (
        <p class="legend">
          <span>{formatDate(day.date, locale, true)}</span>
          {PARTS.map((part) => (
            <span key={part}>
              <i class={`swatch swatch-${part === 'received' ? 'actual' : part}`} />{' '}
              {text.overview[part]} <b>{formatCount(day[part], locale)}</b>
            </span>
          ))}
        </p>
      )}
    </>
  );
}

function Axis({ top }: { readonly top: number }) {
  const { locale } = useText();
  return (
    <>
      {[0, 0.5, 1].map((part) => {
        const y = TOP + (1 - part) * (HEIGHT - TOP - BOTTOM);
        return (
          <g key={part}>
            <line
              x1={LEFT}
              x2={WIDTH - RIGHT}
              y1={y}
              y2={y}
              class={part === 0 ? 'axis' : 'grid-line'}
            />
            <text x={LEFT - 6} y={y + 4} class="tick" text-anchor="end">
              {formatCount(Math.round(top * part), locale)}
            </text>
          </g>
        );
      })}
    </>
  );
}

interface BarProps {
  readonly day: DayCompleteness;
  readonly top: number;
  readonly x: number;
  readonly width: number;
  readonly prefix: string;
}

function Bar({ day, top, x, width, prefix }: BarProps) {
  const room = HEIGHT - TOP - BOTTOM;
  let base = HEIGHT - BOTTOM;
  return (
    <>
      <rect x={x} y={TOP} width={width} height={room} class="hit" />
      {PARTS.map((part) => {
        if (day[part] === 0) return null;
        // A few missing intervals among thousands must still be seen.
        const height = Math.max(2, (day[part] / top) * room);
        base -= height;
        return (
          <rect
            key={part}
            x={x + width * 0.12}
            y={Math.max(TOP, base)}
            width={width * 0.76}
            height={height}
            class={`bar-${part}`}
            {...(part !== 'received' && { fill: `url(#${prefix}-${part})` })}
          />
        );
      })}
    </>
  );
}
