/**
 * Octets read and written in order, big endian. The reader never passes its end and the writer
 * never writes a value that does not fit: both throw a Fault instead.
 */
import { Fault, LIMITS } from '../../../domain/index.ts';

export class Reader {
  readonly #bytes: Buffer;
  /** Data elements these octets may still bring: a compact-array makes many out of few octets. */
  readonly #elements: { left: number };
  #at = 0;

  /** Reads `bytes` without copying them; what it hands out are views of them. */
  constructor(bytes: Uint8Array, within?: Reader) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#elements = within ? within.#elements : { left: elementsFor(bytes.length) };
  }

  /** Counts Data elements against the bound of the whole message. Throws DLMS_LIMIT. */
  spendElements(count: number): void {
    this.#elements.left -= count;
    if (this.#elements.left >= 0) return;
    throw new Fault('DLMS_LIMIT', {
      what: `elements in ${this.#bytes.length} octets`,
      given: `${-this.#elements.left} too many`,
      max: LIMITS.dlmsElementsTotalMax,
    });
  }

  get remaining(): number {
    return this.#bytes.length - this.#at;
  }

  get position(): number {
    return this.#at;
  }

  /** The next octet without taking it; undefined at the end. */
  peek(ahead = 0): number | undefined {
    return this.#bytes[this.#at + ahead];
  }

  u8(what = 'octet'): number {
    return this.#bytes[this.#advance(1, what)] as number;
  }

  i8(what = 'octet'): number {
    return this.#bytes.readInt8(this.#advance(1, what));
  }

  u16(what = 'two octets'): number {
    return this.#bytes.readUInt16BE(this.#advance(2, what));
  }

  i16(what = 'two octets'): number {
    return this.#bytes.readInt16BE(this.#advance(2, what));
  }

  u32(what = 'four octets'): number {
    return this.#bytes.readUInt32BE(this.#advance(4, what));
  }

  i32(what = 'four octets'): number {
    return this.#bytes.readInt32BE(this.#advance(4, what));
  }

  u64(): bigint {
    return this.#bytes.readBigUInt64BE(this.#advance(8, 'eight octets'));
  }

  i64(): bigint {
    return this.#bytes.readBigInt64BE(this.#advance(8, 'eight octets'));
  }

  f32(): number {
    return this.#bytes.readFloatBE(this.#advance(4, 'float32'));
  }

  f64(): number {
    return this.#bytes.readDoubleBE(this.#advance(8, 'float64'));
  }

  /** A view of the next `octets` octets. */
  take(octets: number, what = 'field'): Uint8Array {
    const at = this.#advance(octets, what);
    return this.#bytes.subarray(at, at + octets);
  }

  rest(): Uint8Array {
    return this.take(this.remaining);
  }

  /** The octets from position `from` to here, for what is computed over the wire form itself. */
  since(from: number): Uint8Array {
    return this.#bytes.subarray(from, this.#at);
  }

  /** A-XDR and BER length (IEC 61334-6, 6.1): up to 7F in one octet, else 81..84 and the value. */
  length(what = 'length'): number {
    const first = this.u8(what);
    if (first < 0x80) return first;
    const octets = first & 0x7f;
    if (octets === 0 || octets > 4) {
      throw new Fault('DLMS_VALUE', { what, detail: `length octet ${first.toString(16)}` });
    }
    let value = 0;
    for (let i = 0; i < octets; i += 1) value = value * 256 + this.u8(what);
    return value;
  }

  /** A view of the next length-prefixed octets. */
  octets(what = 'octet string'): Uint8Array {
    return this.take(this.length(what), what);
  }

  /** Nothing may be left. Throws DLMS_TRAILING. */
  end(what: string): void {
    if (this.remaining > 0) throw new Fault('DLMS_TRAILING', { what, octets: this.remaining });
  }

  #advance(octets: number, what: string): number {
    const at = this.#at;
    if (octets > this.#bytes.length - at) {
      const left = this.#bytes.length - at;
      throw new Fault('DLMS_TRUNCATED', { what, needed: octets, left });
    }
    this.#at = at + octets;
    return at;
  }
}

/** A handful of octets must not cost the memory of a million elements. */
function elementsFor(octets: number): number {
  const { dlmsElementsPerOctetMax, dlmsElementsTotalMax } = LIMITS;
  return Math.min(dlmsElementsTotalMax, (octets + 1) * dlmsElementsPerOctetMax);
}

const FIRST_CAPACITY = 128;

export class Writer {
  #bytes = Buffer.allocUnsafe(FIRST_CAPACITY);
  #at = 0;

  u8(value: number): this {
    checkRange(value, 0, 0xff);
    const at = this.#room(1);
    this.#bytes.writeUInt8(value, at);
    return this;
  }

  i8(value: number): this {
    checkRange(value, -0x80, 0x7f);
    const at = this.#room(1);
    this.#bytes.writeInt8(value, at);
    return this;
  }

  u16(value: number): this {
    checkRange(value, 0, 0xffff);
    const at = this.#room(2);
    this.#bytes.writeUInt16BE(value, at);
    return this;
  }

  i16(value: number): this {
    checkRange(value, -0x8000, 0x7fff);
    const at = this.#room(2);
    this.#bytes.writeInt16BE(value, at);
    return this;
  }

  u32(value: number): this {
    checkRange(value, 0, 0xffffffff);
    const at = this.#room(4);
    this.#bytes.writeUInt32BE(value, at);
    return this;
  }

  i32(value: number): this {
    checkRange(value, -0x80000000, 0x7fffffff);
    const at = this.#room(4);
    this.#bytes.writeInt32BE(value, at);
    return this;
  }

  u64(value: bigint): this {
    if (BigInt.asUintN(64, value) !== value) throw outOfRange(value);
    const at = this.#room(8);
    this.#bytes.writeBigUInt64BE(value, at);
    return this;
  }

  i64(value: bigint): this {
    if (BigInt.asIntN(64, value) !== value) throw outOfRange(value);
    const at = this.#room(8);
    this.#bytes.writeBigInt64BE(value, at);
    return this;
  }

  f32(value: number): this {
    const at = this.#room(4);
    this.#bytes.writeFloatBE(value, at);
    return this;
  }

  f64(value: number): this {
    const at = this.#room(8);
    this.#bytes.writeDoubleBE(value, at);
    return this;
  }

  bytes(value: Uint8Array): this {
    const at = this.#room(value.length);
    this.#bytes.set(value, at);
    return this;
  }

  length(value: number): this {
    if (value < 0x80) return this.u8(value);
    if (value <= 0xff) return this.u8(0x81).u8(value);
    if (value <= 0xffff) return this.u8(0x82).u16(value);
    return this.u8(0x84).u32(value);
  }

  /** Length-prefixed octets. */
  octets(value: Uint8Array): this {
    return this.length(value.length).bytes(value);
  }

  /** What was written, on its own. */
  done(): Uint8Array {
    return this.#bytes.subarray(0, this.#at);
  }

  /** Makes room and says where; only then may `#bytes` be looked at, for it may be another. */
  #room(octets: number): number {
    const at = this.#at;
    const needed = at + octets;
    if (needed > this.#bytes.length) {
      if (needed > LIMITS.dlmsMessageBytesMax) {
        throw new Fault('DLMS_LIMIT', {
          what: 'message',
          given: needed,
          max: LIMITS.dlmsMessageBytesMax,
        });
      }
      const grown = Buffer.allocUnsafe(Math.max(needed, this.#bytes.length * 2));
      this.#bytes.copy(grown, 0, 0, at);
      this.#bytes = grown;
    }
    this.#at = needed;
    return at;
  }
}

function checkRange(value: number, min: number, max: number): void {
  if (!Number.isInteger(value) || value < min || value > max) throw outOfRange(value);
}

function outOfRange(value: number | bigint): Fault {
  return new Fault('DLMS_VALUE', { what: 'number', detail: `${value} does not fit its type` });
}
