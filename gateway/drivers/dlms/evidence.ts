/**
 * What a reading rests on: the plain APDUs of the requests that brought it, both ways, in order,
 * after a line of JSON that says how to read them. A ciphered APDU would explain nothing once its
 * key has been changed; that it was authentic was checked before it came here.
 *
 *   u32 length, JSON {"format":"dlms-apdus","v":1,...}; then for each APDU: u8 direction (0 to the
 *   meter, 1 from it), u32 length, octets. Big endian.
 */
import { Fault, LIMITS } from '../../../domain/index.ts';

export const EVIDENCE_CONTENT_TYPE = 'application/vnd.meterline.dlms-apdus';

export interface EvidenceApdu {
  readonly fromMeter: boolean;
  readonly octets: Uint8Array;
}

export class Evidence {
  #apdus: EvidenceApdu[] = [];
  #octets = 0;
  #keeping = false;

  /** From here on, until `take`. */
  start(): void {
    this.#apdus = [];
    this.#octets = 0;
    this.#keeping = true;
  }

  /** Throws DLMS_LIMIT: a reading without its evidence is not taken. */
  keep(request: Uint8Array, answer: Uint8Array): void {
    if (!this.#keeping) return;
    this.#octets += request.length + answer.length;
    if (this.#octets > LIMITS.dlmsEvidenceBytesMax) {
      const max = LIMITS.dlmsEvidenceBytesMax;
      throw new Fault('DLMS_LIMIT', { what: 'evidence', given: this.#octets, max });
    }
    this.#apdus.push({ fromMeter: false, octets: request }, { fromMeter: true, octets: answer });
  }

  take(header: Readonly<Record<string, unknown>>): Uint8Array {
    const apdus = this.#apdus;
    this.#apdus = [];
    this.#keeping = false;
    return encodeEvidence(header, apdus);
  }
}

function encodeEvidence(
  header: Readonly<Record<string, unknown>>,
  apdus: readonly EvidenceApdu[],
): Uint8Array {
  const json = Buffer.from(JSON.stringify({ format: 'dlms-apdus', v: 1, ...header }), 'utf8');
  const parts: Uint8Array[] = [u32(json.length), json];
  for (const { fromMeter, octets } of apdus) {
    parts.push(Uint8Array.of(fromMeter ? 1 : 0), u32(octets.length), octets);
  }
  return Buffer.concat(parts);
}

/** Throws DLMS_TRUNCATED or DLMS_VALUE. */
export function decodeEvidence(bytes: Uint8Array): {
  readonly header: Readonly<Record<string, unknown>>;
  readonly apdus: readonly EvidenceApdu[];
} {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  const take = (length: number): Buffer => {
    if (at + length > buffer.length) {
      const left = buffer.length - at;
      throw new Fault('DLMS_TRUNCATED', { what: 'evidence', needed: length, left });
    }
    at += length;
    return buffer.subarray(at - length, at);
  };
  const header = JSON.parse(take(take(4).readUInt32BE()).toString('utf8')) as Record<
    string,
    unknown
  >;
  if (header['format'] !== 'dlms-apdus' || header['v'] !== 1) {
    throw new Fault('DLMS_VALUE', { what: 'evidence', detail: 'another format' });
  }
  const apdus: EvidenceApdu[] = [];
  while (at < buffer.length) {
    const fromMeter = take(1)[0] === 1;
    apdus.push({ fromMeter, octets: take(take(4).readUInt32BE()) });
  }
  return { header, apdus };
}

function u32(value: number): Uint8Array {
  const out = Buffer.alloc(4);
  out.writeUInt32BE(value);
  return out;
}
