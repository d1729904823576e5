/**
 * The numbered side of a link (IEC 62056-46, 6.4.4): V(S), V(R), the window of frames not
 * yet acknowledged, segments waiting to go out and segments of the message coming in. It knows
 * nothing of poll/final or time; client and server drive it each in their own way.
 */
import { Fault, LIMITS } from '../../../domain/index.ts';
import type { LinkParameters } from './parameters.ts';

export interface Segment {
  readonly information: Uint8Array;
  readonly segmented: boolean;
}

export interface NumberedSegment extends Segment {
  readonly ns: number;
}

/** `expected` was taken; `duplicate` was there before; `gap` means one before it was lost. */
export type Arrival =
  | { readonly kind: 'expected'; readonly message: Uint8Array | undefined }
  | { readonly kind: 'duplicate' | 'gap' };

export class Exchange {
  readonly #parameters: LinkParameters;
  readonly #checkSequence: boolean;
  #sendNext = 0;
  #receiveNext = 0;
  #unacknowledged: Segment[] = [];
  #waiting: Segment[] = [];
  #parts: Uint8Array[] = [];
  #partsBytes = 0;

  constructor(parameters: LinkParameters, checkSequence = true) {
    this.#parameters = parameters;
    this.#checkSequence = checkSequence;
  }

  /** N(R) of every frame that goes out. */
  get receiveNext(): number {
    return this.#receiveNext;
  }

  get sendNext(): number {
    return this.#sendNext;
  }

  /** Frames are out that the other side has not acknowledged. */
  get hasUnacknowledged(): boolean {
    return this.#unacknowledged.length > 0;
  }

  get hasWaiting(): boolean {
    return this.#waiting.length > 0;
  }

  /** In the middle of a message from the other side. */
  get isReceiving(): boolean {
    return this.#parts.length > 0;
  }

  /** Cuts a message into segments and puts them in line. Throws HDLC_LIMIT. */
  enqueue(message: Uint8Array): void {
    if (message.length > LIMITS.hdlcMessageBytesMax) {
      throw new Fault('HDLC_LIMIT', {
        what: 'message',
        given: message.length,
        max: LIMITS.hdlcMessageBytesMax,
      });
    }
    this.#waiting.push(...cutSegments(message, this.#parameters.maxInfoTransmit));
  }

  /** The next frames that may go out, numbered; they stay unacknowledged until N(R) passes them. */
  take(): NumberedSegment[] {
    const room = this.#parameters.windowTransmit - this.#unacknowledged.length;
    const taken = this.#waiting.splice(0, Math.max(0, room));
    return taken.map((segment) => {
      const ns = this.#sendNext;
      this.#sendNext = (ns + 1) & 7;
      this.#unacknowledged.push(segment);
      return { ...segment, ns };
    });
  }

  /**
   * Takes an N(R); true when it acknowledged something.
   * Throws HDLC_SEQUENCE when it acknowledges what was never sent.
   */
  acknowledge(nr: number): boolean {
    // A meter whose numbers stand still acknowledges nothing; then only the timer tells of loss.
    if (!this.#checkSequence) return this.#unacknowledged.splice(0).length > 0;
    const oldest = (this.#sendNext - this.#unacknowledged.length) & 7;
    const count = (nr - oldest) & 7;
    if (count > this.#unacknowledged.length) {
      throw new Fault('HDLC_SEQUENCE', {
        detail: `N(R) ${nr} acknowledges beyond V(S) ${this.#sendNext}`,
      });
    }
    this.#unacknowledged.splice(0, count);
    return count > 0;
  }

  /** Puts unacknowledged frames back in line under their old numbers (go back N). */
  rewind(): void {
    this.#sendNext = (this.#sendNext - this.#unacknowledged.length) & 7;
    this.#waiting.unshift(...this.#unacknowledged);
    this.#unacknowledged = [];
  }

  /** Takes an I frame. Throws HDLC_LIMIT when the message grows beyond its bound. */
  accept(ns: number, segment: Segment): Arrival {
    if (this.#checkSequence && ns !== this.#receiveNext) {
      const behind = (this.#receiveNext - ns) & 7;
      return { kind: behind <= this.#parameters.windowReceive ? 'duplicate' : 'gap' };
    }
    this.#receiveNext = (ns + 1) & 7;
    this.#partsBytes += segment.information.length;
    if (this.#partsBytes > LIMITS.hdlcMessageBytesMax) {
      const given = this.#partsBytes;
      this.#dropParts();
      throw new Fault('HDLC_LIMIT', { what: 'message', given, max: LIMITS.hdlcMessageBytesMax });
    }
    this.#parts.push(segment.information);
    if (segment.segmented) return { kind: 'expected', message: undefined };
    const only = this.#parts.length === 1 ? this.#parts[0] : undefined;
    const message = only ?? Buffer.concat(this.#parts);
    this.#dropParts();
    return { kind: 'expected', message };
  }

  #dropParts(): void {
    this.#parts = [];
    this.#partsBytes = 0;
  }
}

/** Chunks of at most `infoBytesMax` octets; the segmentation bit on all but the last. */
export function cutSegments(message: Uint8Array, infoBytesMax: number): Segment[] {
  const segments: Segment[] = [];
  let at = 0;
  do {
    const end = Math.min(at + infoBytesMax, message.length);
    segments.push({ information: message.subarray(at, end), segmented: end < message.length });
    at = end;
  } while (at < message.length);
  return segments;
}
