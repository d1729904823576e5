/**
 * The wrapper of the TCP and UDP profiles (IEC 62056-47, 4.5): version 0001, source and
 * destination wPort, length of the APDU, each two octets. TCP is a stream, so the reader takes
 * octets as they come; on UDP one datagram is one WPDU.
 */
import { Fault, isFault, LIMITS } from '../../../domain/index.ts';
import { Reader, Writer } from './cursor.ts';

export interface Wpdu {
  readonly source: number;
  readonly destination: number;
  readonly apdu: Uint8Array;
}

const VERSION = 1;
const HEADER_BYTES = 8;

/** Throws DLMS_LIMIT when the APDU is longer than the length field can say. */
export function encodeWpdu({ source, destination, apdu }: Wpdu): Uint8Array {
  if (apdu.length > LIMITS.dlmsApduBytesMax) {
    throw new Fault('DLMS_LIMIT', {
      what: 'APDU',
      given: apdu.length,
      max: LIMITS.dlmsApduBytesMax,
    });
  }
  const writer = new Writer();
  writer.u16(VERSION).u16(source).u16(destination).u16(apdu.length).bytes(apdu);
  return writer.done();
}

/** One WPDU and nothing after it (a datagram). */
export function decodeWpdu(datagram: Uint8Array): Wpdu {
  const reader = new Reader(datagram);
  const { source, destination, octets } = readHeader(reader);
  const apdu = reader.take(octets, 'wrapped APDU');
  reader.end('wrapped APDU');
  return { source, destination, apdu };
}

/** WPDUs out of a TCP stream, however it is cut; keeps at most one of them unfinished. */
export class WrapperReader {
  #chunks: Uint8Array[] = [];
  #held = 0;
  #needed = HEADER_BYTES;
  #fault: Fault | undefined;

  /**
   * The WPDUs that `chunk` completes, in order. Throws DLMS_WRAPPER when the stream is not one
   * of WPDUs: there is no way to find the next header, the connection must be closed. What was
   * whole before the damage is handed out first; the next call throws.
   */
  push(chunk: Uint8Array): Wpdu[] {
    if (this.#fault !== undefined) throw this.#fault;
    this.#chunks.push(new Uint8Array(chunk));
    this.#held += chunk.length;
    const found: Wpdu[] = [];
    try {
      if (this.#held >= this.#needed || this.#held < HEADER_BYTES) this.#split(found);
    } catch (error) {
      if (!isFault(error)) throw error;
      this.#fault = error;
      this.#keep(new Uint8Array(0));
      if (found.length === 0) throw error;
    }
    return found;
  }

  get heldOctets(): number {
    return this.#held;
  }

  #split(found: Wpdu[]): void {
    const work = Buffer.concat(this.#chunks);
    let at = 0;
    this.#needed = HEADER_BYTES;
    while (work.length - at >= HEADER_BYTES) {
      const header = readHeader(new Reader(work.subarray(at, at + HEADER_BYTES)));
      const end = at + HEADER_BYTES + header.octets;
      this.#needed = end - at;
      if (end > work.length) break;
      const { source, destination } = header;
      found.push({
        source,
        destination,
        apdu: new Uint8Array(work.subarray(at + HEADER_BYTES, end)),
      });
      this.#needed = HEADER_BYTES;
      at = end;
    }
    checkStart(work, at);
    this.#keep(new Uint8Array(work.subarray(at)));
  }

  #keep(rest: Uint8Array): void {
    this.#chunks = rest.length > 0 ? [rest] : [];
    this.#held = rest.length;
  }
}

function readHeader(reader: Reader): { source: number; destination: number; octets: number } {
  const version = reader.u16('wrapper version');
  if (version !== VERSION) throw new Fault('DLMS_WRAPPER', { detail: `version ${version}` });
  return {
    source: reader.u16('source wPort'),
    destination: reader.u16('destination wPort'),
    octets: reader.u16('wrapper length'),
  };
}

/** A wrong version is refused as soon as it shows, not only once a header is complete. */
function checkStart(work: Uint8Array, at: number): void {
  const wrong =
    (at < work.length && work[at] !== 0) || (at + 1 < work.length && work[at + 1] !== VERSION);
  if (wrong) throw new Fault('DLMS_WRAPPER', { detail: 'stream does not continue with version 1' });
}
