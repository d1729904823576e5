/** The segments on disk and which of their envelopes are still to be committed. */
import type { SegmentName } from './records.ts';

/** A growing set of small integers, one bit each. */
export class BitSet {
  private bits = new Uint8Array(64);
  size = 0;

  has(index: number): boolean {
    return ((this.bits[index >> 3] ?? 0) & (1 << (index & 7))) !== 0;
  }

  add(index: number): void {
    if (this.has(index)) return;
    if (index >> 3 >= this.bits.length) this.grow((index >> 3) + 1);
    this.bits[index >> 3] = (this.bits[index >> 3] as number) | (1 << (index & 7));
    this.size += 1;
  }

  delete(index: number): void {
    if (!this.has(index)) return;
    this.bits[index >> 3] = (this.bits[index >> 3] as number) & ~(1 << (index & 7));
    this.size -= 1;
  }

  *values(): Generator<number> {
    for (let index = 0; index < this.bits.length * 8; index += 1) {
      if (this.has(index)) yield index;
    }
  }

  private grow(bytes: number): void {
    const next = new Uint8Array(Math.max(bytes, this.bits.length * 2));
    next.set(this.bits);
    this.bits = next;
  }
}

export interface Segment {
  readonly id: SegmentName;
  /** Valid bytes: a reader never goes beyond. */
  bytes: number;
  /** Ordinals of envelopes not yet committed. */
  readonly open: BitSet;
  /** Ordinals already in a seal, of a segment found at the start. */
  sealed?: BitSet;
  /** When the last of its envelopes known to be committed was; epoch ms. */
  committedMs: number;
}

/** Where one record stands. */
export interface Position {
  readonly segment: number;
  readonly ordinal: number;
  readonly offset: number;
  readonly bytes: number;
}

/** Positions of a seal, four numbers each: they stay in memory until the batch is committed. */
export function packPositions(positions: readonly Position[]): Uint32Array {
  const out = new Uint32Array(positions.length * 4);
  positions.forEach((position, i) => {
    out[i * 4] = position.segment;
    out[i * 4 + 1] = position.ordinal;
    out[i * 4 + 2] = position.offset;
    out[i * 4 + 3] = position.bytes;
  });
  return out;
}

export function positionAt(packed: Uint32Array, index: number): Position {
  const [segment = 0, ordinal = 0, offset = 0, bytes = 0] = packed.subarray(
    index * 4,
    index * 4 + 4,
  );
  return { segment, ordinal, offset, bytes };
}

export class SegmentTable {
  private readonly byNumber = new Map<number, Segment>();
  bytes = 0;
  uncommitted = 0;

  add(id: SegmentName): Segment {
    const segment: Segment = { id, bytes: 0, open: new BitSet(), committedMs: 0 };
    this.byNumber.set(id.number, segment);
    return segment;
  }

  get(number: number): Segment | undefined {
    return this.byNumber.get(number);
  }

  get count(): number {
    return this.byNumber.size;
  }

  first(): Segment | undefined {
    return this.byNumber.values().next().value;
  }

  /** The next one on disk after `number`. */
  after(number: number): Segment | undefined {
    for (const segment of this.byNumber.values()) if (segment.id.number > number) return segment;
    return undefined;
  }

  addBytes(segment: Segment, bytes: number): void {
    segment.bytes += bytes;
    this.bytes += bytes;
  }

  addEnvelope(segment: Segment, ordinal: number): void {
    segment.open.add(ordinal);
    this.uncommitted += 1;
  }

  commit(positions: Uint32Array, nowMs: number): void {
    for (let i = 0; i < positions.length; i += 4) {
      const segment = this.byNumber.get(positions[i] as number);
      if (segment === undefined || !segment.open.has(positions[i + 1] as number)) continue;
      segment.open.delete(positions[i + 1] as number);
      this.uncommitted -= 1;
      segment.committedMs = Math.max(segment.committedMs, nowMs);
    }
  }

  /** The oldest segment of an earlier run with an envelope that is in no seal. */
  firstUnsealed(): Segment | undefined {
    for (const segment of this.byNumber.values()) {
      for (const ordinal of segment.open.values()) {
        if (segment.sealed?.has(ordinal) !== true) return segment;
      }
    }
    return undefined;
  }

  remove(segment: Segment): void {
    this.byNumber.delete(segment.id.number);
    this.bytes -= segment.bytes;
  }

  /**
   * The oldest segments, in order, up to the first that still holds something uncommitted, is
   * being written, or was committed after `beforeMs`. Only a prefix may go: the marks of a
   * segment speak of older ones.
   */
  *removable(activeNumber: number, beforeMs: number): Generator<Segment> {
    for (const segment of this.byNumber.values()) {
      if (segment.id.number >= activeNumber) return;
      if (segment.open.size > 0 || segment.committedMs > beforeMs) return;
      yield segment;
    }
  }
}
