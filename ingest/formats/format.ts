/** What every file reader takes and gives. A file is stored whole or not at all. */
import type { ReadingBlock } from '../../domain/index.ts';

/** What a file says of one channel of one meter, before anybody looked it up. */
export interface StreamDeclaration {
  /** What blocks of this stream carry as `meter`: the serial, or the service point without one. */
  readonly meter: string;
  /** What blocks carry as `channel`: OBIS code or market suffix ('E1'). */
  readonly channel: string;
  /** Service point as the market names it (NMI). */
  readonly servicePoint?: string;
  readonly serial?: string;
  /** Domain spelling: 'kWh', 'kvarh', 'pf'. */
  readonly unit: string;
  /** Values are whole counts of 10^-decimals of `unit`; fine enough for every value in the file. */
  readonly decimals: number;
  /** Nominal length; the blocks of a local-day series carry each day's true length. */
  readonly intervalS: number;
  /** True when an interval is a local day: 23 and 25 hours occur. */
  readonly localDays: boolean;
  /** Seen from the customer. Absent when the source does not say. */
  readonly direction?: 'import' | 'export' | 'net';
  /** A check or average stream must never be billed beside its main one. */
  readonly role?: 'main' | 'check' | 'average';
  /** Line that declared it first. */
  readonly line: number;
}

export interface Problem {
  readonly kind: 'problem';
  /** 1-based; 1 for an empty file. */
  readonly line: number;
  readonly field?: string;
  readonly detail: string;
  /** True: the file is refused as a whole. False: read, but somebody should know. */
  readonly fatal: boolean;
}

export interface FileSummary {
  readonly lines: number;
  readonly blocks: number;
  /** Intervals named by the file, the absent ones included. */
  readonly intervals: number;
  /** Intervals the source names without a value. */
  readonly absent: number;
  /** All problems, also those beyond the listed ones. */
  readonly problems: number;
}

export type FormatEvent =
  | { readonly kind: 'stream'; readonly stream: StreamDeclaration }
  | { readonly kind: 'block'; readonly block: ReadingBlock }
  | Problem
  | { readonly kind: 'end'; readonly summary: FileSummary };

/** How a series in columns is to be understood; what is left out is detected. */
export interface SeriesMapping {
  readonly timeColumn?: string;
  readonly valueColumn?: string;
  readonly unit?: string;
  readonly intervalS?: number;
  readonly meter?: string;
  readonly channel?: string;
  /** For times without an offset: IANA name or '+10:00'. */
  readonly zone?: string;
  /** Whether a row is named by the start or the end of its interval. */
  readonly label?: 'start' | 'end';
}

export interface FormatOptions {
  readonly series?: SeriesMapping;
  /** NEM12 suffix -> UOM, for 200 records that leave the mandatory UOM empty. */
  readonly nem12Units?: Readonly<Record<string, string>>;
}

export interface ReadContext {
  readonly fileName: string;
  readonly options: FormatOptions;
}

/** What the first pass learned. `accepted` false: do not store anything of this file. */
export interface Survey {
  readonly format: string;
  readonly accepted: boolean;
  /** At most LIMITS.importProblemsMax, then one that says so. */
  readonly problems: readonly Problem[];
  /** Of what could be read; the whole file when it is accepted. */
  readonly summary: Omit<FileSummary, 'blocks'>;
  /** By the reader's own key, with the decimals the whole file needs. */
  readonly streams: ReadonlyMap<string, StreamDeclaration>;
}

export interface FormatReader {
  readonly name: string;
  /** @param head the first characters of the unpacked file */
  detect(head: string, fileName: string): boolean;
  /** First pass: every problem, the streams and their decimals. Bounded memory, no values kept. */
  survey(chunks: AsyncIterable<Uint8Array>, context: ReadContext): Promise<Survey>;
  /**
   * Problems first, then streams, each before its blocks, then the end. A file that is not
   * accepted gives its problems and the end only. Without a survey `chunks` is read twice and
   * must allow that (see reiterable); plain or gzip.
   */
  read(
    chunks: AsyncIterable<Uint8Array>,
    context: ReadContext,
    survey?: Survey,
  ): AsyncGenerator<FormatEvent, void, undefined>;
}
