/** What waits to be written, and how much of it goes into one group. */
import type { Envelope } from '../../domain/reading.ts';
import type { JournalLimits } from './ports.ts';
import { HEADER_BYTES, type RecordType } from './records.ts';
import type { Position } from './segments.ts';

/** An envelope that is durable, on its way to be sealed. */
export interface Entry {
  readonly position: Position;
  /** As domain/framing encodes it. */
  readonly framed: Uint8Array;
  readonly envelope: Envelope;
}

export interface Pending {
  /** A barrier writes nothing: it resolves when everything before it is durable. */
  readonly type: RecordType | 'barrier';
  readonly body: Uint8Array;
  readonly envelope?: Envelope;
  /** A mark may wait for somebody else's fdatasync. */
  readonly lazy: boolean;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

export function wholeBytes(one: Pick<Pending, 'type' | 'body'>): number {
  return one.type === 'barrier' ? 0 : one.body.length + HEADER_BYTES;
}

/** How many of those that wait fit one sync and one segment, of which `used` bytes are taken. */
export function groupSize(
  pending: readonly Pending[],
  used: number,
  limits: JournalLimits,
): number {
  let room = limits.journalSegmentBytesMax - used;
  let bytes = 0;
  let count = 0;
  for (const one of pending) {
    const whole = wholeBytes(one);
    // A record larger than the rest of the segment, or than a whole one, starts a new one.
    if (count === 0 && whole > room) room = limits.journalSegmentBytesMax;
    if (count > 0 && (bytes + whole > room || bytes + whole > limits.journalGroupBytesMax)) break;
    if (count === limits.journalGroupRecordsMax) break;
    bytes += whole;
    count += 1;
  }
  return count;
}
