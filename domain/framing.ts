/**
 * Envelopes as bytes: the body of a journal record, and (one after the other, deflated) the raw
 * payload kept with a batch. Layout: u32 length of the header, header as JSON (everything but
 * `raw`), u32 length of raw, raw. Big endian.
 */
import { Fault } from './faults.ts';
import type { Envelope } from './reading.ts';

export function encodeEnvelope(envelope: Envelope): Buffer {
  const { raw, ...rest } = envelope;
  const header = Buffer.from(JSON.stringify(rest), 'utf8');
  const out = Buffer.allocUnsafe(8 + header.length + raw.length);
  out.writeUInt32BE(header.length, 0);
  header.copy(out, 4);
  out.writeUInt32BE(raw.length, 4 + header.length);
  out.set(raw, 8 + header.length);
  return out;
}

/** All envelopes in the bytes, in order. Throws JOURNAL_CORRUPT when they do not fit together. */
export function decodeEnvelopes(bytes: Uint8Array): Envelope[] {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const out: Envelope[] = [];
  let at = 0;
  while (at < buffer.length) {
    const headerEnd = at + 4 + lengthAt(buffer, at);
    const rawEnd = headerEnd + 4 + lengthAt(buffer, headerEnd);
    if (rawEnd > buffer.length) throw corrupt(at, 'record is longer than the bytes');
    out.push(decodeOne(buffer, at, headerEnd, rawEnd));
    at = rawEnd;
  }
  return out;
}

function lengthAt(buffer: Buffer, at: number): number {
  if (at + 4 > buffer.length) throw corrupt(at, 'length is cut off');
  return buffer.readUInt32BE(at);
}

function decodeOne(buffer: Buffer, at: number, headerEnd: number, rawEnd: number): Envelope {
  try {
    const header = JSON.parse(buffer.toString('utf8', at + 4, headerEnd)) as Omit<Envelope, 'raw'>;
    return { ...header, raw: buffer.subarray(headerEnd + 4, rawEnd) };
  } catch (error) {
    throw new Fault('JOURNAL_CORRUPT', { segment: '-', offset: at, detail: 'bad header' }, error);
  }
}

function corrupt(offset: number, detail: string): Fault {
  return new Fault('JOURNAL_CORRUPT', { segment: '-', offset, detail });
}
