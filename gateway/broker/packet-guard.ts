/**
 * Reads only the fixed headers of an MQTT byte stream (3.1.1 section 2.2), to refuse a packet by
 * its announced length before a parser buffers it (threats.md T28, T30).
 */
import { LIMITS } from '../../domain/index.ts';

const CONNECT = 1;
/** Topic, packet id and lengths beside the payload. */
const PACKET_BYTES_MAX = LIMITS.messageBytesMax + 512;

export class PacketGuard {
  #first = true;
  #inLength = false;
  #length = 0;
  #factor = 1;
  #skip = 0;

  /** The reason to drop the connection, or undefined. */
  feed(chunk: Uint8Array): string | undefined {
    for (let at = 0; at < chunk.length; ) {
      if (this.#skip > 0) {
        const step = Math.min(this.#skip, chunk.length - at);
        this.#skip -= step;
        at += step;
        continue;
      }
      const byte = chunk[at] as number;
      at += 1;
      const refused = this.#inLength ? this.#lengthByte(byte) : this.#typeByte(byte);
      if (refused !== undefined) return refused;
    }
    return undefined;
  }

  #typeByte(byte: number): string | undefined {
    if (this.#first && byte >> 4 !== CONNECT) return 'the first packet is no CONNECT';
    this.#inLength = true;
    this.#length = 0;
    this.#factor = 1;
    return undefined;
  }

  #lengthByte(byte: number): string | undefined {
    this.#length += (byte & 127) * this.#factor;
    this.#factor *= 128;
    if ((byte & 128) !== 0) return this.#factor > 128 ** 3 ? 'bad remaining length' : undefined;
    const max = this.#first ? LIMITS.mqttConnectBytesMax : PACKET_BYTES_MAX;
    if (this.#length > max) return `a packet of ${this.#length} bytes exceeds ${max}`;
    this.#first = false;
    this.#inLength = false;
    this.#skip = this.#length;
    return undefined;
  }
}
