/**
 * General block transfer (Green Book, 9.4.6.13): any APDU, mostly a ciphered one, in numbered
 * blocks. Each side numbers its own blocks from 1 and acknowledges the other's highest one
 * without a gap; a lost block is sent again from there. Sans-io: blocks in, blocks out.
 */
import { Fault, LIMITS } from '../../../domain/index.ts';
import type { ApduOf } from './apdu.ts';
import { checkSize, cutBlocks } from './blocks.ts';

export type GbtBlock = ApduOf<'general-block-transfer'>;

const NOTHING = new Uint8Array(0);

/** Blocks nobody acknowledges: streaming, window 0. For pushes. */
export function gbtPush(apdu: Uint8Array, blockBytesMax: number): GbtBlock[] {
  return cutBlocks(apdu, blockBytesMax).map(({ lastBlock, blockNumber, rawData }) => ({
    kind: 'general-block-transfer',
    control: { lastBlock, streaming: true, window: 0 },
    blockNumber,
    blockNumberAck: 0,
    blockData: rawData,
  }));
}

/** Joins pushed blocks. Block 1 always begins a new message: the end of the one before was lost. */
export class GbtAssembler {
  #parts: Uint8Array[] = [];
  #bytes = 0;
  #next = 1;

  /** The whole APDU with its last block. Throws DLMS_BLOCK when a block is missing. */
  push(block: GbtBlock): Uint8Array | undefined {
    const { blockNumber } = block;
    if (blockNumber === 1) this.reset();
    if (blockNumber < this.#next) return undefined;
    if (blockNumber > this.#next) {
      const detail = `block ${blockNumber} came, ${this.#next} was due`;
      this.reset();
      throw new Fault('DLMS_BLOCK', { detail });
    }
    this.#bytes += block.blockData.length;
    checkSize(this.#bytes);
    this.#parts.push(block.blockData);
    this.#next += 1;
    if (!block.control.lastBlock) return undefined;
    const apdu = Buffer.concat(this.#parts);
    this.reset();
    return apdu;
  }

  reset(): void {
    this.#parts = [];
    this.#bytes = 0;
    this.#next = 1;
  }
}

export interface GbtOptions {
  /** How many blocks we can take at once, 1..63. */
  readonly windowOwn: number;
  readonly blockBytesMax: number;
  /** What the other side can take, until it says so itself. */
  readonly windowPeer?: number | undefined;
}

export interface GbtStep {
  /** To be sent now, in this order. */
  readonly blocks: readonly GbtBlock[];
  /** The other side's whole APDU, once. */
  readonly apdu: Uint8Array | undefined;
}

/** One side of one exchange: request blocks one way, response blocks the other. */
export class GbtEndpoint {
  readonly #options: GbtOptions;
  /** Everything we send, numbered by place; acknowledgements alone are empty. */
  readonly #out: { readonly data: Uint8Array; readonly last: boolean }[] = [];
  #acked = 0;
  #sent = 0;
  #windowPeer: number;
  #in: Uint8Array[] = [];
  #inBytes = 0;
  #inNext = 1;
  #received = false;
  #retries = 0;

  constructor(options: GbtOptions) {
    const { windowOwn } = options;
    if (!Number.isInteger(windowOwn) || windowOwn < 1 || windowOwn > LIMITS.dlmsGbtWindowMax) {
      throw new Fault('DLMS_BLOCK', { detail: `window ${windowOwn}` });
    }
    this.#options = options;
    this.#windowPeer = options.windowPeer ?? 1;
  }

  /** Everything we sent was acknowledged. */
  get isDelivered(): boolean {
    return this.#acked === this.#out.length;
  }

  /** The first blocks of our APDU. */
  send(apdu: Uint8Array): readonly GbtBlock[] {
    for (const { rawData, lastBlock } of cutBlocks(apdu, this.#options.blockBytesMax)) {
      this.#out.push({ data: rawData, last: lastBlock });
    }
    return this.#window();
  }

  /**
   * Takes a block of the other side. Throws DLMS_BLOCK when nothing gets better after several
   * tries or the acknowledgement makes no sense, DLMS_LIMIT when the APDU grows too long.
   */
  receive(block: GbtBlock): GbtStep {
    const { control, blockNumberAck } = block;
    if (control.window > 0) this.#windowPeer = control.window;
    this.#acknowledge(blockNumberAck);
    const apdu = this.#take(block);
    if (control.streaming) return { blocks: [], apdu };
    if (this.#sent < this.#out.length) return { blocks: this.#window(), apdu };
    if (this.#received) return { blocks: [], apdu };
    return { blocks: this.#acknowledgement(), apdu };
  }

  /** Silence: what was not acknowledged again, or what we have so far. Throws DLMS_BLOCK. */
  timeout(): readonly GbtBlock[] {
    this.#retry();
    this.#sent = Math.min(this.#acked, Math.max(0, this.#out.length - 1));
    return this.#out.length === 0 ? this.#acknowledgement() : this.#window();
  }

  #acknowledge(number: number): void {
    if (number > this.#sent) {
      throw new Fault('DLMS_BLOCK', { detail: `block ${number} acknowledged, not sent` });
    }
    if (number > this.#acked) {
      this.#acked = number;
      this.#retries = 0;
    }
    if (this.#acked < this.#sent) {
      this.#retry();
      this.#sent = this.#acked;
    }
  }

  #take(block: GbtBlock): Uint8Array | undefined {
    if (block.blockNumber !== this.#inNext || this.#received) return undefined;
    this.#inBytes += block.blockData.length;
    checkSize(this.#inBytes);
    this.#in.push(block.blockData);
    this.#inNext += 1;
    this.#retries = 0;
    if (!block.control.lastBlock) return undefined;
    this.#received = true;
    const apdu = Buffer.concat(this.#in);
    this.#in = [];
    return apdu;
  }

  #acknowledgement(): readonly GbtBlock[] {
    this.#out.push({ data: NOTHING, last: false });
    return this.#window();
  }

  #window(): readonly GbtBlock[] {
    const from = this.#sent;
    const to = Math.min(this.#out.length, from + this.#windowPeer);
    this.#sent = to;
    return this.#out.slice(from, to).map(({ data, last }, i) => ({
      kind: 'general-block-transfer',
      control: {
        lastBlock: last,
        streaming: from + i + 1 < to,
        window: this.#options.windowOwn,
      },
      blockNumber: from + i + 1,
      blockNumberAck: this.#inNext - 1,
      blockData: data,
    }));
  }

  #retry(): void {
    this.#retries += 1;
    if (this.#retries <= LIMITS.dlmsGbtRetriesMax) return;
    throw new Fault('DLMS_BLOCK', { detail: `no progress after ${this.#retries} tries` });
  }
}
