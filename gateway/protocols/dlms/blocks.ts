/**
 * Service-specific block transfer (Green Book, 9.3.6 to 9.3.8): the answer, or the
 * parameter, as one stream of octets cut anywhere, in blocks numbered from 1. GET-next carries
 * the number of the block just received. A new request starts over at 1.
 */
import { Fault, LIMITS } from '../../../domain/index.ts';

export interface DataBlock {
  readonly lastBlock: boolean;
  readonly blockNumber: number;
  readonly rawData: Uint8Array;
}

/** Joins blocks that come one after the other. */
export class BlockAssembler {
  #parts: Uint8Array[] = [];
  #bytes = 0;
  #next = 1;

  /** Number of the last block taken, for GET-next; 0 before the first. */
  get lastNumber(): number {
    return this.#next - 1;
  }

  /**
   * All octets once the last block is there, else undefined. Throws DLMS_BLOCK for a block out of
   * order and DLMS_LIMIT when it becomes too much; after a throw the transfer must start anew.
   */
  push(block: DataBlock): Uint8Array | undefined {
    if (block.blockNumber !== this.#next) {
      const detail = `block ${block.blockNumber} came, ${this.#next} was due`;
      throw new Fault('DLMS_BLOCK', { detail });
    }
    this.#bytes += block.rawData.length;
    checkSize(this.#bytes);
    checkNumber(this.#next);
    this.#parts.push(block.rawData);
    this.#next += 1;
    return block.lastBlock ? Buffer.concat(this.#parts) : undefined;
  }
}

/** The blocks of a message; one empty block when there is nothing in it. */
export function cutBlocks(message: Uint8Array, rawBytesMax: number): DataBlock[] {
  if (!Number.isInteger(rawBytesMax) || rawBytesMax < 1) {
    throw new Fault('DLMS_BLOCK', { detail: `blocks of ${rawBytesMax} octets` });
  }
  checkSize(message.length);
  const count = Math.max(1, Math.ceil(message.length / rawBytesMax));
  checkNumber(count);
  return Array.from({ length: count }, (_, i) => ({
    lastBlock: i === count - 1,
    blockNumber: i + 1,
    rawData: message.subarray(i * rawBytesMax, (i + 1) * rawBytesMax),
  }));
}

/** Throws DLMS_LIMIT for a message of more octets than one service may join. */
export function checkSize(bytes: number): void {
  if (bytes <= LIMITS.dlmsMessageBytesMax) return;
  const max = LIMITS.dlmsMessageBytesMax;
  throw new Fault('DLMS_LIMIT', { what: 'message', given: bytes, max });
}

function checkNumber(number: number): void {
  if (number <= LIMITS.dlmsBlocksMax) return;
  throw new Fault('DLMS_LIMIT', { what: 'blocks', given: number, max: LIMITS.dlmsBlocksMax });
}
