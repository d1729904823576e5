/** Identifiers. Channel ids are small integers given by the database; the rest are strings. */
import { randomBytes } from 'node:crypto';

export type ChannelId = number;

/** Bytes of randomness; wired to node:crypto in production, to a seed in tests. */
export type RandomBytes = (count: number) => Uint8Array;

export const cryptoRandom: RandomBytes = (count) => randomBytes(count);

/** UUID version 7 (RFC 9562, 5.7): sorts by time, so it is kind to indexes. */
export function uuidV7(nowMs: number, random: RandomBytes): string {
  const bytes = Buffer.from(random(16));
  bytes.writeUIntBE(nowMs, 0, 6);
  bytes[6] = 0x70 | (bytes.readUInt8(6) & 0x0f);
  bytes[8] = 0x80 | (bytes.readUInt8(8) & 0x3f);
  const hex = bytes.toString('hex');
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    hex.slice(12, 16),
    hex.slice(16, 20),
    hex.slice(20),
  ].join('-');
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

export function isUuid(text: string): boolean {
  return UUID.test(text);
}

/** Meter serials and MQTT client ids: no wildcard, no path, no surprise (threats.md section 10). */
const SERIAL = /^[A-Za-z0-9_.:-]{1,64}$/;

export function isSerial(text: string): boolean {
  return SERIAL.test(text);
}
