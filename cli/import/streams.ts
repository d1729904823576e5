/**
 * Under which meter and channel the values of a file's streams are stored.
 *
 * The serial and the stream's name, except where that would mix what must stay apart: a serial that
 * hangs at another service point gets the point before it ('NMI:SERIAL'; a move is for a person to
 * record), and a channel that has another interval length, because the meter was reconfigured, goes
 * to a meter of its own ('SERIAL@30min') that is installed from then on.
 */
import type { KnownMeter } from '../../db/imports.ts';
import type { ReadingBlock } from '../../domain/index.ts';
import type { StreamDeclaration } from '../../ingest/formats/format.ts';

export interface NamedStream {
  readonly declaration: StreamDeclaration;
  readonly servicePoint: string;
  readonly meter: string;
  readonly channel: string;
}

const DAY_S = 86_400;

type Shape = Pick<ReadingBlock, 'meter' | 'channel' | 'unit' | 'intervalS'>;

/** Names streams by what their blocks carry. */
export class StreamNames {
  readonly streams: readonly NamedStream[];
  readonly #byShape = new Map<string, NamedStream[]>();

  constructor(streams: readonly NamedStream[]) {
    this.streams = streams;
    for (const stream of streams) {
      const { declaration: d } = stream;
      const key = shapeOf(d, d.localDays ? DAY_S : d.intervalS);
      const alike = this.#byShape.get(key);
      if (alike === undefined) this.#byShape.set(key, [stream]);
      else alike.push(stream);
    }
  }

  /** All streams whose blocks look like this one: several where points share a serial. */
  alike(block: Shape): readonly NamedStream[] {
    const exact = this.#byShape.get(shapeOf(block, block.intervalS));
    // A local day has 23 or 25 hours twice a year.
    const found = exact ?? this.#byShape.get(shapeOf(block, DAY_S));
    if (found === undefined) throw new Error(`${block.meter} ${block.channel} is not declared`);
    return found;
  }

  /** @param servicePoint as the file says it beside the values */
  of(block: Shape, servicePoint: string | undefined): NamedStream {
    const alike = this.alike(block);
    const own = alike.find((stream) => stream.servicePoint === servicePoint);
    return own ?? (alike[0] as NamedStream);
  }
}

function shapeOf(of: Pick<Shape, 'meter' | 'channel' | 'unit'>, intervalS: number): string {
  return `${of.meter}|${of.channel}|${of.unit}|${intervalS}`;
}

function pointOf(declaration: StreamDeclaration): string {
  return declaration.servicePoint ?? declaration.meter;
}

/** All serials a file's streams may end under: what to look up before naming them. */
export function candidateSerials(declarations: Iterable<StreamDeclaration>): string[] {
  const serials = new Set<string>();
  for (const d of declarations) {
    for (const serial of [d.meter, ...(d.serial === undefined ? [] : [aliasOf(d)])]) {
      serials.add(serial).add(reconfigured(serial, d.intervalS));
    }
  }
  return [...serials];
}

function aliasOf(d: StreamDeclaration): string {
  return `${pointOf(d)}:${d.meter}`;
}

/** @param mayCreate meters may be made for channels of another interval length */
export function nameStreams(
  declarations: Iterable<StreamDeclaration>,
  known: readonly KnownMeter[],
  mayCreate: boolean,
): StreamNames {
  const meters = new Map(known.map((meter) => [meter.serial, meter]));
  const points = new Map<string, string>();
  const lengths = new Map<string, number>();
  for (const { serial, channels } of known) {
    for (const { code, intervalS } of channels) lengths.set(`${serial}|${code}`, intervalS);
  }
  const streams: NamedStream[] = [];
  for (const declaration of declarations) {
    const servicePoint = pointOf(declaration);
    const { channel } = declaration;
    const meter = meterOfLength(declaration, meterFor(declaration, meters, points), lengths);
    // Without the right to make it, the plain name gives the better reason: INTERVAL_LENGTH.
    const isThere = mayCreate || lengths.has(`${meter}|${channel}`);
    const name = isThere ? meter : plainSerial(meter);
    streams.push({ declaration, servicePoint, meter: name, channel });
    if (mayCreate) lengths.set(`${meter}|${channel}`, declaration.intervalS);
  }
  return new StreamNames(streams);
}

function meterFor(
  d: StreamDeclaration,
  meters: ReadonlyMap<string, KnownMeter>,
  points: Map<string, string>,
): string {
  if (d.serial === undefined || d.servicePoint === undefined) return d.meter;
  const hangs = meters.get(d.meter)?.installations ?? [];
  const elsewhere = hangs.length > 0 && !hangs.some((i) => i.servicePoint === d.servicePoint);
  const first = points.get(d.meter) ?? d.servicePoint;
  if (elsewhere || first !== d.servicePoint) return aliasOf(d);
  points.set(d.meter, d.servicePoint);
  return d.meter;
}

/** The meter, or its reconfigured self when its channel of this name has another length. */
function meterOfLength(
  d: StreamDeclaration,
  meter: string,
  lengths: ReadonlyMap<string, number>,
): string {
  const length = lengths.get(`${meter}|${d.channel}`);
  return length === undefined || length === d.intervalS ? meter : reconfigured(meter, d.intervalS);
}

function reconfigured(serial: string, intervalS: number): string {
  return `${serial}@${intervalS / 60}min`;
}

/** Without what reconfiguration added: equal for all configurations of one meter. */
export function plainSerial(serial: string): string {
  return serial.replace(/@\d+min$/, '');
}
