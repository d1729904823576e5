/**
 * PostgreSQL binary COPY, written into one preallocated buffer. Format: PostgreSQL manual, COPY,
 * "Binary Format": 19-byte header, per row an int16 field count, per field an int32 length and the
 * bytes (network order), trailer int16 -1. Timestamps are microseconds since 2000-01-01 UTC.
 */

import { ok } from 'node:assert';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { from as copyFrom } from 'pg-copy-streams';
import type { Connection } from './pool.ts';

const SIGNATURE = Buffer.from('PGCOPY\n\xff\r\n\0', 'latin1');
const HEADER_BYTES = SIGNATURE.length + 8;
/** 2000-01-01T00:00:00Z in epoch milliseconds. */
const POSTGRES_EPOCH_MS = 946_684_800_000;
const TWO_32 = 4_294_967_296;

/** One row of reading and register_read; both tables have this shape. */
export interface ReadingRow {
  startMs: number;
  /** Safe integer. */
  value: number;
  batchId: number;
  channelId: number;
  quality: number;
  flags: number;
}

/** Rows for COPY reading (start_at, value, batch_id, channel_id, quality, flags) BINARY. */
export class ReadingCopyBuffer {
  static readonly ROW_BYTES = 2 + 6 * 4 + 8 + 8 + 8 + 4 + 2 + 2;
  readonly #buffer: Buffer;
  #at = HEADER_BYTES;
  rows = 0;

  constructor(rowsMax: number) {
    this.#buffer = Buffer.allocUnsafe(HEADER_BYTES + rowsMax * ReadingCopyBuffer.ROW_BYTES + 2);
    SIGNATURE.copy(this.#buffer);
    this.#buffer.fill(0, SIGNATURE.length, HEADER_BYTES);
  }

  add(row: ReadingRow): void {
    this.push(row.startMs, row.value, row.batchId, row.channelId, row.quality, row.flags);
  }

  push(
    startMs: number,
    value: number,
    batchId: number,
    channelId: number,
    quality: number,
    flags: number,
  ): void {
    const buffer = this.#buffer;
    let at = this.#at;
    at = buffer.writeInt16BE(6, at);
    at = writeInt64Field(buffer, (startMs - POSTGRES_EPOCH_MS) * 1_000, at);
    at = writeInt64Field(buffer, value, at);
    at = writeInt64Field(buffer, batchId, at);
    at = buffer.writeInt32BE(4, at);
    at = buffer.writeInt32BE(channelId, at);
    at = buffer.writeInt32BE(2, at);
    at = buffer.writeInt16BE(quality, at);
    at = buffer.writeInt32BE(2, at);
    this.#at = buffer.writeInt16BE(flags, at);
    this.rows += 1;
  }

  /** The bytes with trailer; the buffer may be filled again after reset(). */
  finish(): Buffer {
    ok(this.#at === HEADER_BYTES + this.rows * ReadingCopyBuffer.ROW_BYTES);
    this.#buffer.writeInt16BE(-1, this.#at);
    return this.#buffer.subarray(0, this.#at + 2);
  }

  reset(): void {
    this.#at = HEADER_BYTES;
    this.rows = 0;
  }
}

/** A safe integer as a length-prefixed int8, without going through BigInt. */
function writeInt64Field(buffer: Buffer, value: number, at: number): number {
  const high = Math.floor(value / TWO_32);
  buffer.writeInt32BE(8, at);
  buffer.writeInt32BE(high, at + 4);
  buffer.writeUInt32BE(value - high * TWO_32, at + 8);
  return at + 12;
}

/**
 * Sends finished COPY bytes. Rejects with the server's error (23505 on a key that exists); inside
 * a transaction the caller needs a savepoint to go on after that.
 */
export async function copyBinary(tx: Connection, target: string, bytes: Buffer): Promise<number> {
  const stream = tx.raw.query(copyFrom(`COPY ${target} FROM STDIN (FORMAT binary)`));
  await pipeline(Readable.from([bytes], { objectMode: false }), stream);
  return stream.rowCount ?? 0;
}

export const READING_COLUMNS = '(start_at, value, batch_id, channel_id, quality, flags)';
