/** Times in columns: with an offset they are instants, without one they need a zone. */
import { DAY_MS, daysInMonth, HOUR_MS, MINUTE_MS } from '../../domain/index.ts';

export interface Stamp {
  /** The clock on the wall, as if it were UTC. */
  readonly wallMs: number;
  /** The instant; absent when the text carries no offset. */
  readonly ms?: number;
}

const STAMP =
  /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:\.0{1,9})?)?)?\s?(Z|[+-]\d\d(?::?\d\d)?)?$/;

/** ISO 8601 in its common dresses: 'T' or a space, seconds or none, offset or none. */
export function parseStamp(text: string): Stamp | undefined {
  const match = STAMP.exec(text);
  if (match === null) return undefined;
  const year = Number(match[1]);
  const month = Number(match[2]);
  const day = Number(match[3]);
  const hour = Number(match[4] ?? 0);
  const minute = Number(match[5] ?? 0);
  const second = Number(match[6] ?? 0);
  if (year < 1900 || month < 1 || month > 12 || day < 1 || day > daysInMonth(year, month)) {
    return undefined;
  }
  if (hour > 23 || minute > 59 || second > 59) return undefined;
  const wallMs = Date.UTC(year, month - 1, day, hour, minute, second);
  if (match[7] === undefined) return { wallMs };
  const offset = parseOffset(match[7]);
  return offset === undefined ? undefined : { wallMs, ms: wallMs - offset };
}

function parseOffset(text: string): number | undefined {
  if (text === 'Z') return 0;
  const digits = text.replace(/\D/g, '').padEnd(4, '0');
  const hours = Number(digits.slice(0, 2));
  const minutes = Number(digits.slice(2));
  if (hours > 18 || minutes > 59) return undefined;
  return (text.startsWith('-') ? -1 : 1) * (hours * HOUR_MS + minutes * MINUTE_MS);
}

/** Wall time to instants in one zone. */
export class Zone {
  readonly #fixed: number | undefined;
  readonly #format: Intl.DateTimeFormat | undefined;

  private constructor(fixed: number | undefined, format: Intl.DateTimeFormat | undefined) {
    this.#fixed = fixed;
    this.#format = format;
  }

  /** @param name IANA name, 'Z' or '+10:00'; undefined when it is neither */
  static of(name: string): Zone | undefined {
    if (/^(Z|[+-]\d\d(:?\d\d)?)$/.test(name)) {
      const fixed = parseOffset(name);
      return fixed === undefined ? undefined : new Zone(fixed, undefined);
    }
    try {
      const part = 'numeric';
      const date = { year: part, month: part, day: part } as const;
      const time = { hour: part, minute: part, second: part, hourCycle: 'h23' } as const;
      const format = new Intl.DateTimeFormat('en-US', { timeZone: name, ...date, ...time });
      return new Zone(undefined, format);
    } catch {
      return undefined;
    }
  }

  /** Instants that show this wall time: none in a skipped hour, two in a repeated one. */
  instants(wallMs: number): number[] {
    const offsets = new Set([this.#offsetAt(wallMs - DAY_MS), this.#offsetAt(wallMs + DAY_MS)]);
    return [...offsets]
      .map((offset) => wallMs - offset)
      .filter((ms) => wallMs - ms === this.#offsetAt(ms))
      .sort((a, b) => a - b);
  }

  /** The first instant of the local day after the one that begins at this wall time. */
  nextDay(wallMs: number): number | undefined {
    return this.instants(wallMs + DAY_MS)[0];
  }

  #offsetAt(ms: number): number {
    if (this.#format === undefined) return this.#fixed ?? 0;
    const part = new Map(this.#format.formatToParts(ms).map((p) => [p.type, Number(p.value)]));
    const of = (type: Intl.DateTimeFormatPartTypes) => part.get(type) ?? 0;
    const wall = Date.UTC(
      of('year'),
      of('month') - 1,
      of('day'),
      of('hour'),
      of('minute'),
      of('second'),
    );
    return wall - Math.floor(ms / 1000) * 1000;
  }
}
