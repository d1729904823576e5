/**
 * Joins pushed messages out of unnumbered frames: UI frames, and the I frames some meters push
 * without a link. Segments of one message come from one address pair, the LLC header stands in
 * the first only, a frame without the segmentation bit ends it (IEC 62056-46, 6.4.4).
 */
import { Fault, LIMITS } from '../../../domain/index.ts';
import { formatAddress, type HdlcAddress } from './address.ts';
import type { HdlcFrame } from './frame.ts';
import { type LlcMessage, splitLlc } from './llc.ts';

export interface Notification extends LlcMessage {
  readonly source: HdlcAddress;
  readonly destination: HdlcAddress;
}

interface Unfinished {
  parts: Uint8Array[];
  bytes: number;
  /** Too long: its rest is passed over, so that no tail is taken for a message. */
  dropped: boolean;
}

export class NotificationAssembler {
  readonly #unfinished = new Map<string, Unfinished>();

  /**
   * The message this frame completes, if any. Throws HDLC_LIMIT when a message becomes too long;
   * the rest of it is then passed over. With too many senders at once the oldest is forgotten.
   */
  push(frame: HdlcFrame): Notification | undefined {
    const { source, destination } = frame;
    const key = `${formatAddress(source)}>${formatAddress(destination)}`;
    const held = this.#unfinished.get(key);
    if (held === undefined && !frame.segmented) {
      return { source, destination, ...splitLlc(frame.information) };
    }
    const message = held ?? this.#open(key);
    if (!frame.segmented) this.#unfinished.delete(key);
    if (message.dropped) return undefined;
    message.bytes += frame.information.length;
    if (message.bytes > LIMITS.hdlcMessageBytesMax) {
      message.dropped = true;
      message.parts = [];
      throw limit('pushed message', message.bytes, LIMITS.hdlcMessageBytesMax);
    }
    message.parts.push(frame.information);
    if (frame.segmented) return undefined;
    return { source, destination, ...splitLlc(Buffer.concat(message.parts)) };
  }

  /** Forgets messages whose end never came. */
  reset(): void {
    this.#unfinished.clear();
  }

  #open(key: string): Unfinished {
    if (this.#unfinished.size >= LIMITS.hdlcNotifiersMax) {
      const oldest = this.#unfinished.keys().next().value as string;
      this.#unfinished.delete(oldest);
    }
    const opened: Unfinished = { parts: [], bytes: 0, dropped: false };
    this.#unfinished.set(key, opened);
    return opened;
  }
}

function limit(what: string, given: number, max: number): Fault {
  return new Fault('HDLC_LIMIT', { what, given, max });
}
