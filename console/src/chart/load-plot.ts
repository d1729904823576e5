/**
 * The load curve in uPlot: steps over [start, end) from zero, what was not simply measured filled
 * by its quality, missing as a hatched band, and a ribbon below that survives any width.
 */
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { formatDecimal } from '../format/decimal.ts';
import { type QualityClass, type Run, runsOf } from '../format/quality.ts';
import { shownUnit, shownValue } from '../format/unit.ts';
import type { LoadView } from './load-view.ts';
import { type Paint, readPaint } from './paint.ts';
import { timeMarks } from './time-axis.ts';

export interface LoadPlotInput {
  readonly width: number;
  readonly height: number;
  readonly locale: string;
  readonly view: LoadView;
  /** For pixels only; numbers that people read are made from the decimal strings. */
  readonly values: readonly (number | null)[];
  /** Unix seconds. */
  readonly starts: readonly number[];
  readonly kinds: readonly QualityClass[];
  readonly onPoint: (index: number | undefined) => void;
  readonly onPick: (index: number) => void;
}

export interface LoadPlot {
  /** Frames the chosen interval and the one pointed at. */
  mark(chosen: number | undefined, pointed: number | undefined): void;
  destroy(): void;
}

const RIBBON = { gap: 4, height: 6 };

export function createLoadPlot(host: HTMLElement, input: LoadPlotInput): LoadPlot {
  const paint = readPaint(host, devicePixelRatio);
  const marked: { chosen?: number | undefined; pointed?: number | undefined } = {};
  const runs = runsOf(input.kinds);
  const drawing = { input, paint, runs };
  const plot = new uPlot(
    {
      ...layout(input, paint),
      hooks: {
        drawAxes: [(u) => drawBands(u, drawing)],
        draw: [
          (u) => {
            drawFills(u, drawing);
            drawRibbon(u, drawing);
            frame(u, input, paint.ink, marked.chosen, 2);
            frame(u, input, paint.label, marked.pointed, 1);
          },
        ],
      },
    },
    dataOf(input),
    host,
  );
  listen(plot, input);
  return {
    mark(chosen, pointed) {
      marked.chosen = chosen;
      marked.pointed = pointed;
      plot.redraw(false);
    },
    destroy: () => plot.destroy(),
  };
}

/** One closing x, or the last interval would have no width. */
function dataOf({ starts, values, view }: LoadPlotInput): uPlot.AlignedData {
  const last = starts.at(-1);
  if (last === undefined)
    return [
      [view.fromMs / 1_000, view.toMs / 1_000],
      [null, null],
    ];
  return [
    [...starts, last + view.channel.interval_s],
    [...values, values.at(-1) ?? null],
  ];
}

function layout(input: LoadPlotInput, paint: Paint): uPlot.Options {
  const { view, values, locale } = input;
  const marks = timeMarks(view, input.width - 70, locale);
  const top = Math.max(0, ...values.map((v) => v ?? 0));
  const bottom = Math.min(0, ...values.map((v) => v ?? 0));
  const { unit } = view.channel;
  const axis = {
    stroke: paint.label,
    font: paint.font.replace(/^[\d.]+px/, '12px'),
    grid: { stroke: paint.grid, width: 1 },
    ticks: { show: false },
  };
  return {
    width: input.width,
    height: input.height,
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false }, points: { show: false } },
    scales: {
      x: { time: false, range: () => [view.fromMs / 1_000, view.toMs / 1_000] },
      y: { range: () => [bottom * 1.08, top === 0 && bottom === 0 ? 1 : top * 1.08] },
    },
    axes: [
      {
        ...axis,
        size: 48,
        gap: RIBBON.gap + RIBBON.height + 5,
        splits: () => marks.map((mark) => mark.atS),
        values: () => marks.map((mark) => mark.label),
      },
      {
        ...axis,
        size: 64,
        label: shownUnit(unit),
        labelSize: 18,
        labelFont: axis.font,
        values: (_u, splits) =>
          splits.map((split) => formatDecimal(shownValue(String(split), unit), locale)),
      },
    ],
    series: [
      {},
      {
        stroke: paint.line,
        width: 2,
        fill: paint.area,
        paths: uPlot.paths.stepped?.({ align: 1, alignGaps: 1 }) ?? null,
        spanGaps: false,
        points: { show: false },
      } as uPlot.Series,
    ],
  };
}

interface Drawing {
  readonly input: LoadPlotInput;
  readonly paint: Paint;
  readonly runs: readonly Run[];
}

function edges(u: uPlot, { starts, view }: LoadPlotInput, from: number, to: number) {
  const left = u.valToPos(starts[from] as number, 'x', true);
  const end = (starts[to - 1] as number) + view.channel.interval_s;
  return { left, width: u.valToPos(end, 'x', true) - left };
}

/** Missing is a place with an outline, from the floor to the ceiling: neither zero nor nothing. */
function drawBands(u: uPlot, { input, paint, runs }: Drawing): void {
  const { ctx, bbox } = u;
  ctx.save();
  for (const { kind, from, to } of runs) {
    if (kind !== 'missing') continue;
    const { left, width } = edges(u, input, from, to);
    ctx.fillStyle = paint.fill.missing;
    ctx.fillRect(left, bbox.top, width, bbox.height);
    ctx.strokeStyle = paint.stroke.missing;
    ctx.strokeRect(left, bbox.top, width, bbox.height);
  }
  ctx.restore();
}

function drawFills(u: uPlot, { input, paint }: Drawing): void {
  const { ctx } = u;
  const floor = u.valToPos(0, 'y', true);
  ctx.save();
  ctx.lineWidth = 1.5 * devicePixelRatio;
  for (const [index, kind] of input.kinds.entries()) {
    const value = input.values[index] ?? null;
    if (value === null) continue;
    const { left, width } = edges(u, input, index, index + 1);
    if (value === 0) {
      ctx.fillStyle = paint.ink;
      ctx.fillRect(left, floor - 3 * devicePixelRatio, width, 3 * devicePixelRatio);
    }
    if (kind === 'actual') continue;
    const top = u.valToPos(value, 'y', true);
    ctx.fillStyle = paint.fill[kind];
    ctx.strokeStyle = paint.stroke[kind];
    ctx.fillRect(left, top, width, floor - top);
    ctx.strokeRect(left, top, width, floor - top);
  }
  ctx.restore();
}

function drawRibbon(u: uPlot, { input, paint, runs }: Drawing): void {
  const { ctx, bbox } = u;
  const top = bbox.top + bbox.height + RIBBON.gap * devicePixelRatio;
  ctx.save();
  for (const { kind, from, to } of runs) {
    const { left, width } = edges(u, input, from, to);
    ctx.fillStyle = paint.fill[kind];
    ctx.fillRect(left, top, width, RIBBON.height * devicePixelRatio);
  }
  ctx.restore();
}

function frame(
  u: uPlot,
  input: LoadPlotInput,
  colour: string,
  index: number | undefined,
  px: number,
) {
  if (index === undefined || input.starts[index] === undefined) return;
  const { ctx, bbox } = u;
  const { left, width } = edges(u, input, index, index + 1);
  ctx.save();
  ctx.strokeStyle = colour;
  ctx.lineWidth = px * devicePixelRatio;
  ctx.strokeRect(left, bbox.top, width, bbox.height);
  ctx.restore();
}

function listen(u: uPlot, { starts, view, onPoint, onPick }: LoadPlotInput): void {
  const indexAt = (event: MouseEvent): number | undefined => {
    const atS = u.posToVal(event.offsetX, 'x');
    const index = starts.findLastIndex((start) => start <= atS);
    const start = starts[index];
    return start !== undefined && atS < start + view.channel.interval_s ? index : undefined;
  };
  u.over.addEventListener('mousemove', (event) => onPoint(indexAt(event)));
  u.over.addEventListener('mouseleave', () => onPoint(undefined));
  u.over.addEventListener('click', (event) => {
    const index = indexAt(event);
    if (index !== undefined) onPick(index);
  });
}
