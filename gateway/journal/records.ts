/**
 * Journal records as bytes. Header of 24 bytes, big endian, then the body:
 *
 *   0 magic 'MLJ1'   4 CRC-32 of bytes 8 to the end   8 type, 3 zero bytes
 *   12 body length   16 segment number                20 ordinal (of envelopes in the segment)
 *
 * The CRC starts from the segment's salt, which stands in the file's name: neither stale blocks of
 * another file nor a payload that imitates a record can pass for one after damage.
 */
import { crc32 } from 'node:zlib';

export const RECORD = { envelope: 1, seal: 2, commit: 3 } as const;
export type RecordType = (typeof RECORD)[keyof typeof RECORD];

export const HEADER_BYTES = 24;
const MAGIC = 0x4d4c4a31;
const MAGIC_BYTES = Buffer.from('MLJ1', 'latin1');

export interface SegmentName {
  readonly number: number;
  readonly salt: number;
  readonly name: string;
}

export interface ParsedRecord {
  readonly type: RecordType;
  readonly segment: number;
  readonly ordinal: number;
  readonly offset: number;
  /** Of the whole record. */
  readonly bytes: number;
  readonly body: Buffer;
}

export function segmentName(number: number, salt: number): SegmentName {
  const hex = salt.toString(16).padStart(8, '0');
  return { number, salt, name: `${String(number).padStart(8, '0')}-${hex}.journal` };
}

const NAME = /^(\d{8,})-([0-9a-f]{8})\.journal$/;

export function parseSegmentName(name: string): SegmentName | undefined {
  const match = NAME.exec(name);
  if (match === null) return undefined;
  return { number: Number(match[1]), salt: Number.parseInt(match[2] as string, 16), name };
}

/** Writes one record into `target` at `at`; returns the byte after it. */
export function writeRecord(
  target: Buffer,
  at: number,
  segment: SegmentName,
  ordinal: number,
  type: RecordType,
  body: Uint8Array,
): number {
  const end = at + HEADER_BYTES + body.length;
  target.writeUInt32BE(MAGIC, at);
  target.writeUInt32BE(type << 24, at + 8);
  target.writeUInt32BE(body.length, at + 12);
  target.writeUInt32BE(segment.number, at + 16);
  target.writeUInt32BE(ordinal, at + 20);
  target.set(body, at + HEADER_BYTES);
  target.writeUInt32BE(crc32(target.subarray(at + 8, end), segment.salt), at + 4);
  return end;
}

/** Body length a header claims, or undefined when it is no header of this segment. */
export function claimedLength(bytes: Buffer, at: number, segment: number): number | undefined {
  if (bytes.readUInt32BE(at) !== MAGIC || bytes.readUInt32BE(at + 16) !== segment) return undefined;
  return bytes.readUInt32BE(at + 12);
}

/** The record at `at` of `bytes`, which hold all of it; undefined when its CRC does not fit. */
export function parseRecord(
  bytes: Buffer,
  at: number,
  length: number,
  segment: SegmentName,
  offset: number,
): ParsedRecord | undefined {
  const end = at + HEADER_BYTES + length;
  if (crc32(bytes.subarray(at + 8, end), segment.salt) !== bytes.readUInt32BE(at + 4)) {
    return undefined;
  }
  return {
    type: bytes.readUInt8(at + 8) as RecordType,
    segment: segment.number,
    ordinal: bytes.readUInt32BE(at + 20),
    offset,
    bytes: end - at,
    body: bytes.subarray(at + HEADER_BYTES, end),
  };
}

/** Where the next record may begin, or -1. */
export function nextMagic(bytes: Buffer, from: number): number {
  return bytes.indexOf(MAGIC_BYTES, from);
}
