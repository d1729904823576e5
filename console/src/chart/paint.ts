/** Colours and patterns of canvas drawings, read from the tokens of the theme that is shown. */
import type { QualityClass } from '../format/quality.ts';

export interface Paint {
  readonly ink: string;
  readonly label: string;
  readonly grid: string;
  readonly line: string;
  readonly area: string;
  readonly font: string;
  readonly fill: Readonly<Record<QualityClass, string | CanvasPattern>>;
  readonly stroke: Readonly<Record<QualityClass, string>>;
}

/** Built anew for each theme and pixel ratio. */
export function readPaint(host: HTMLElement, ratio: number): Paint {
  const probe = document.createElement('span');
  host.append(probe);
  const token = (name: string) => {
    probe.style.color = `var(--${name})`;
    return getComputedStyle(probe).color;
  };
  const font = `${12 * ratio}px ${getComputedStyle(host).fontFamily}`;
  const ink = Object.fromEntries(
    (['actual', 'estimated', 'edited', 'suspect', 'missing'] as const).map((q) => [
      q,
      token(`q-${q}`),
    ]),
  ) as Record<Exclude<QualityClass, 'waiting'>, string>;
  const stroke = { ...ink, waiting: token('line') };
  const surface = token('surface');
  const paint: Paint = {
    ink: token('ink'),
    label: token('ink-2'),
    grid: token('line'),
    line: ink.actual,
    area: token('q-actual-area'),
    font,
    stroke,
    fill: {
      actual: ink.actual,
      estimated: hatch(ink.estimated, token('q-estimated-tint'), 6, 1, 3, ratio),
      edited: hatch(ink.edited, token('q-edited-tint'), 5, -1, 2, ratio),
      suspect: crossHatch(ink.suspect, surface, ratio),
      missing: hatch(ink.missing, surface, 7, -1, 1.2, ratio),
      waiting: surface,
    },
  };
  probe.remove();
  return paint;
}

function tile(size: number, ratio: number) {
  const canvas = document.createElement('canvas');
  canvas.width = Math.round(size * ratio);
  canvas.height = canvas.width;
  const context = canvas.getContext('2d');
  if (context === null) throw new Error('this browser draws no canvas');
  return { canvas, context, side: canvas.width };
}

function diagonal(context: CanvasRenderingContext2D, side: number, slope: 1 | -1): void {
  context.beginPath();
  for (const shift of [-side, 0, side]) {
    context.moveTo(shift - 1, slope === 1 ? side + 1 : -1);
    context.lineTo(shift + side + 1, slope === 1 ? -1 : side + 1);
  }
  context.stroke();
}

function hatch(
  colour: string,
  background: string,
  size: number,
  slope: 1 | -1,
  width: number,
  ratio: number,
): CanvasPattern | string {
  const { canvas, context, side } = tile(size, ratio);
  context.fillStyle = background;
  context.fillRect(0, 0, side, side);
  context.strokeStyle = colour;
  context.lineWidth = width * ratio;
  diagonal(context, side, slope);
  return context.createPattern(canvas, 'repeat') ?? colour;
}

function crossHatch(colour: string, background: string, ratio: number): CanvasPattern | string {
  const { canvas, context, side } = tile(5, ratio);
  context.fillStyle = background;
  context.fillRect(0, 0, side, side);
  context.strokeStyle = colour;
  context.lineWidth = 1.4 * ratio;
  diagonal(context, side, 1);
  diagonal(context, side, -1);
  return context.createPattern(canvas, 'repeat') ?? colour;
}
