/** Seals and commit marks: what the journal writes about its own envelopes. */
import { Fault } from '../../domain/faults.ts';
import type { Decoded } from './ports.ts';

/** A grouping of envelopes into one batch, or of one large message into several. */
export interface Seal {
  readonly origin: string;
  /** Epoch ms of the last envelope: nothing in the batch was received later. */
  readonly receivedMs: number;
  /** One, or one a part. */
  readonly uids: readonly string[];
  /** Values a part; 0 = not parted. */
  readonly partValues: number;
  /** Packed positions (segments.ts). */
  readonly positions: Uint32Array;
}

/** The messages of a seal, in the order of its positions. */
export interface SealContent {
  readonly framed: readonly Uint8Array[];
  readonly decoded: readonly Decoded[];
}

/** Length of the head as JSON, the head, the positions as big-endian u32. */
export function encodeSeal(seal: Seal): Buffer {
  const { positions, ...rest } = seal;
  const head = Buffer.from(JSON.stringify(rest), 'utf8');
  const out = Buffer.allocUnsafe(4 + head.length + positions.length * 4);
  out.writeUInt32BE(head.length, 0);
  out.set(head, 4);
  let at = 4 + head.length;
  for (const number of positions) at = out.writeUInt32BE(number, at);
  return out;
}

export function decodeSeal(body: Buffer): Seal {
  const start = 4 + body.readUInt32BE(0);
  const head = JSON.parse(body.toString('utf8', 4, start)) as Omit<Seal, 'positions'>;
  const positions = new Uint32Array((body.length - start) / 4);
  for (let i = 0; i < positions.length; i += 1) positions[i] = body.readUInt32BE(start + i * 4);
  return { ...head, positions };
}

const UID_BYTES = 16;
const TIME_BYTES = 6;

/** Epoch ms (48 bits), then the uids, 16 bytes each. */
export function encodeCommit(nowMs: number, uids: readonly string[]): Buffer {
  const out = Buffer.alloc(TIME_BYTES + uids.length * UID_BYTES);
  out.writeUIntBE(nowMs, 0, TIME_BYTES);
  uids.forEach((uid, i) => {
    out.write(uid.replaceAll('-', ''), TIME_BYTES + i * UID_BYTES, 'hex');
  });
  return out;
}

export function decodeCommit(body: Buffer): { committedMs: number; uids: string[] } {
  if (body.length < TIME_BYTES || (body.length - TIME_BYTES) % UID_BYTES !== 0) {
    throw new Fault('JOURNAL_CORRUPT', { segment: '-', offset: 0, detail: 'commit mark length' });
  }
  const uids: string[] = [];
  for (let at = TIME_BYTES; at < body.length; at += UID_BYTES) {
    const hex = body.toString('hex', at, at + UID_BYTES);
    uids.push(hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5'));
  }
  return { committedMs: body.readUIntBE(0, TIME_BYTES), uids };
}
