/** Reads envelopes back from disk: the backlog in order, or the messages of one batch. */
import { Fault } from '../../domain/faults.ts';
import { decodeEnvelopes } from '../../domain/framing.ts';
import type { Envelope } from '../../domain/reading.ts';
import type { FilePort, JournalFile } from './files.ts';
import type { Entry } from './group.ts';
import type { JournalLimits, JournalLog } from './ports.ts';
import { HEADER_BYTES, type ParsedRecord, parseRecord, RECORD } from './records.ts';
import { scanSegment } from './scan.ts';
import { type Position, positionAt, type Segment, type SegmentTable } from './segments.ts';

export interface Cursor {
  readonly segment: number;
  readonly offset: number;
}

/** Records that lie this close together are read in one go. */
const GAP_BYTES = 64 * 1024;
const READ_BYTES = 4 * 1024 ** 2;

export interface ReaderOptions {
  readonly directory: string;
  readonly files: FilePort;
  readonly table: SegmentTable;
  readonly limits: JournalLimits;
  readonly log: JournalLog;
}

export class JournalReader {
  private readonly directory: string;
  private readonly files: FilePort;
  private readonly table: SegmentTable;
  private readonly limits: JournalLimits;
  private readonly log: JournalLog;

  constructor(options: ReaderOptions) {
    this.directory = options.directory;
    this.files = options.files;
    this.table = options.table;
    this.limits = options.limits;
    this.log = options.log;
  }

  /** True when everything durable stands before the cursor. */
  atEnd(cursor: Cursor): boolean {
    const segment = this.table.get(cursor.segment);
    if (segment !== undefined && cursor.offset < segment.bytes) return false;
    return this.table.after(cursor.segment) === undefined;
  }

  /** Unsealed envelopes from the cursor on, about `bytesMax` of them, and where to go on. */
  async backlog(cursor: Cursor, bytesMax: number): Promise<{ entries: Entry[]; next: Cursor }> {
    const entries: Entry[] = [];
    const segment = this.table.get(cursor.segment);
    if (segment === undefined || cursor.offset >= segment.bytes) {
      const later = this.table.after(cursor.segment);
      return { entries, next: later ? { segment: later.id.number, offset: 0 } : cursor };
    }
    let bytes = 0;
    const record = (found: ParsedRecord) => {
      if (found.type === RECORD.envelope && segment.sealed?.has(found.ordinal) !== true) {
        const envelope = envelopeOf(found.body);
        if (envelope === undefined) this.unreadable(segment, found.offset);
        else {
          entries.push({ position: positionOf(found), framed: found.body, envelope });
        }
      }
      bytes += found.bytes;
      return bytes < bytesMax;
    };
    const end = segment.bytes;
    const file = await this.files.open(this.directory, segment.id.name);
    try {
      const max = this.limits.journalRecordBytesMax;
      // Damage was reported when the journal was opened.
      const visitor = { record, damage: () => undefined };
      const at = await scanSegment(file, segment.id, cursor.offset, end, max, visitor);
      return { entries, next: { segment: cursor.segment, offset: at } };
    } finally {
      await file.close();
    }
  }

  /** The envelopes at these places as framed bytes; undefined where they cannot be read any more. */
  async at(packed: Uint32Array): Promise<(Buffer | undefined)[]> {
    const out: (Buffer | undefined)[] = [];
    const open = new Map<number, JournalFile>();
    const count = packed.length / 4;
    try {
      while (out.length < count) {
        const run = this.runFrom(packed, out.length, count);
        out.push(...(await this.readRun(run, open)));
      }
    } finally {
      for (const file of open.values()) await file.close();
    }
    return out;
  }

  private runFrom(packed: Uint32Array, from: number, count: number): Position[] {
    const first = positionAt(packed, from);
    const run = [first];
    let end = first.offset + first.bytes;
    for (let i = from + 1; i < count; i += 1) {
      const next = positionAt(packed, i);
      if (next.segment !== first.segment || next.offset < end) break;
      if (next.offset > end + GAP_BYTES) break;
      if (next.offset + next.bytes - first.offset > READ_BYTES) break;
      run.push(next);
      end = next.offset + next.bytes;
    }
    return run;
  }

  private async readRun(
    run: readonly Position[],
    open: Map<number, JournalFile>,
  ): Promise<(Buffer | undefined)[]> {
    const first = run[0] as Position;
    const last = run.at(-1) as Position;
    const segment = this.table.get(first.segment);
    if (segment === undefined) return run.map(() => undefined);
    const file = await this.fileOf(segment, open);
    const bytes = Buffer.allocUnsafe(last.offset + last.bytes - first.offset);
    const read = await file.read(bytes, first.offset);
    return run.map((position) => {
      const at = position.offset - first.offset;
      if (at + position.bytes > read) return undefined;
      const length = position.bytes - HEADER_BYTES;
      const record = parseRecord(bytes, at, length, segment.id, position.offset);
      return record?.ordinal === position.ordinal ? record.body : undefined;
    });
  }

  private unreadable(segment: Segment, offset: number): void {
    const detail = 'a valid record does not decode; it is kept';
    const fault = new Fault('JOURNAL_CORRUPT', { segment: segment.id.name, offset, detail });
    this.log({ level: 'error', message: fault.message, fault });
  }

  private async fileOf(segment: Segment, open: Map<number, JournalFile>): Promise<JournalFile> {
    const known = open.get(segment.id.number);
    if (known !== undefined) return known;
    const file = await this.files.open(this.directory, segment.id.name);
    open.set(segment.id.number, file);
    return file;
  }
}

export function envelopeOf(framed: Buffer): Envelope | undefined {
  try {
    return decodeEnvelopes(framed)[0];
  } catch {
    // The CRC fits, so these bytes were written so: a newer version's record, left alone.
    return undefined;
  }
}

function positionOf(record: ParsedRecord): Position {
  const { segment, ordinal, offset, bytes } = record;
  return { segment, ordinal, offset, bytes };
}
