/**
 * Frames out of a stream of octets, however it is cut. Driven by the length field alone: a 7E
 * inside a frame never ends it, one 7E may close a frame and open the next. After noise or
 * damage it tries again from the next 7E, so nothing after the damage is lost with it. The HCS
 * lets it refuse a false start after a dozen octets instead of waiting for its claimed length.
 */
import { FLAG, fcsMatches, frameShape } from './frame.ts';

export interface DeframerCounts {
  readonly frames: number;
  /** Octets between frames that were no flag. */
  readonly noiseOctets: number;
  /** Starts that looked like a frame and failed a check. */
  readonly damaged: number;
}

export class Deframer {
  #held: Uint8Array = new Uint8Array(0);
  #frames = 0;
  #noiseOctets = 0;
  #damaged = 0;

  /**
   * The frames that `chunk` completes, as octets between flags, checks passed, in order.
   * Keeps at most one unfinished frame (2,049 octets) for the next call.
   */
  push(chunk: Uint8Array): Uint8Array[] {
    const work = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    const frames: Uint8Array[] = [];
    let at = 0;
    while (at < work.length) {
      if (work[at] !== FLAG) {
        at = this.#skipNoise(work, at);
        continue;
      }
      const octets = this.#frameAt(work, at + 1);
      if (octets === 'short') break;
      if (octets === 'none') {
        at += 1;
        continue;
      }
      frames.push(copyOf(work, at + 1, at + 1 + octets));
      this.#frames += 1;
      at += 1 + octets;
    }
    this.#held = copyOf(work, at, work.length);
    return frames;
  }

  /** Forgets an unfinished frame: the line was silent for the inter-octet timeout. */
  reset(): void {
    this.#noiseOctets += this.#held.length;
    this.#held = new Uint8Array(0);
  }

  /** Octets kept for the next call. */
  get heldOctets(): number {
    return this.#held.length;
  }

  get counts(): DeframerCounts {
    return { frames: this.#frames, noiseOctets: this.#noiseOctets, damaged: this.#damaged };
  }

  #skipNoise(work: Uint8Array, at: number): number {
    const flag = work.indexOf(FLAG, at);
    const next = flag === -1 ? work.length : flag;
    this.#noiseOctets += next - at;
    return next;
  }

  #frameAt(work: Uint8Array, at: number): number | 'short' | 'none' {
    const shape = frameShape(work, at, work.length);
    if (shape === 'short') return 'short';
    if (shape === 'format') return 'none';
    if (typeof shape === 'string') return this.#refuse();
    if (at + shape.octets >= work.length) return 'short';
    if (work[at + shape.octets] !== FLAG) return this.#refuse();
    return fcsMatches(work, at, shape.octets) ? shape.octets : this.#refuse();
  }

  #refuse(): 'none' {
    this.#damaged += 1;
    return 'none';
  }
}

/** `slice` of a Buffer is a view, and the caller may use its chunk again. */
function copyOf(bytes: Uint8Array, from: number, to: number): Uint8Array {
  return new Uint8Array(bytes.subarray(from, to));
}
