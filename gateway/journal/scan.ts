/** Reads the records of a segment in order, over damage if need be. */
import type { JournalFile } from './files.ts';
import {
  claimedLength,
  HEADER_BYTES,
  nextMagic,
  type ParsedRecord,
  parseRecord,
  type SegmentName,
} from './records.ts';

export interface ScanVisitor {
  /** False ends the scan after this record. The body stays valid. */
  record(record: ParsedRecord): boolean;
  /** Bytes [from, to) hold no valid record. */
  damage(from: number, to: number): void;
}

const WINDOW_BYTES = 1024 ** 2;

/** Scans bytes [from, end) of a segment; returns where it stopped. */
export async function scanSegment(
  file: JournalFile,
  segment: SegmentName,
  from: number,
  end: number,
  recordBytesMax: number,
  visitor: ScanVisitor,
): Promise<number> {
  const window = new Window(file, end);
  let at = from;
  let damagedFrom = -1;
  while (at < end) {
    const record = await recordAt(window, at, segment, recordBytesMax);
    if (record === undefined) {
      if (damagedFrom < 0) damagedFrom = at;
      at = window.nextCandidate(at + 1);
      continue;
    }
    if (damagedFrom >= 0) visitor.damage(damagedFrom, at);
    damagedFrom = -1;
    at += record.bytes;
    if (!visitor.record(record)) return at;
  }
  if (damagedFrom >= 0) visitor.damage(damagedFrom, end);
  return Math.max(at, end);
}

async function recordAt(
  window: Window,
  at: number,
  segment: SegmentName,
  recordBytesMax: number,
): Promise<ParsedRecord | undefined> {
  if (!window.covers(at, HEADER_BYTES) && !(await window.load(at, HEADER_BYTES))) return undefined;
  const length = claimedLength(window.bytes, at - window.start, segment.number);
  if (length === undefined || length > recordBytesMax) return undefined;
  const whole = HEADER_BYTES + length;
  if (!window.covers(at, whole) && !(await window.load(at, whole))) return undefined;
  return parseRecord(window.bytes, at - window.start, length, segment, at);
}

/** A stretch of the file in memory; each is its own buffer, so bodies may be kept. */
class Window {
  bytes = Buffer.alloc(0);
  start = 0;
  private readonly file: JournalFile;
  private readonly end: number;

  constructor(file: JournalFile, end: number) {
    this.file = file;
    this.end = end;
  }

  covers(at: number, bytes: number): boolean {
    return at >= this.start && at + bytes <= this.start + this.bytes.length;
  }

  /** False when the file ends before `at + bytes`. */
  async load(at: number, bytes: number): Promise<boolean> {
    if (at + bytes > this.end) {
      // Keep a window under `at` all the same, so that the search for the next record can go on.
      if (!this.covers(at, 1)) await this.fill(at, this.end - at);
      return false;
    }
    await this.fill(at, Math.min(Math.max(bytes, WINDOW_BYTES), this.end - at));
    return this.covers(at, bytes);
  }

  nextCandidate(from: number): number {
    if (this.bytes.length === 0) return this.end;
    const found = nextMagic(this.bytes, from - this.start);
    if (found >= 0) return this.start + found;
    // A magic may be cut by the window's end; its first three bytes must be looked at again.
    return Math.max(from, this.start + this.bytes.length - 3);
  }

  private async fill(at: number, bytes: number): Promise<void> {
    const buffer = Buffer.allocUnsafe(bytes);
    const read = await this.file.read(buffer, at);
    this.bytes = buffer.subarray(0, read);
    this.start = at;
  }
}
