import { randomUUID } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { deflateRawSync } from 'node:zlib';
import type { Database, Queryable } from '../../db/pool.ts';
import { encodeEnvelope } from '../../domain/framing.ts';
import {
  type Clock,
  type ReadingBlock,
  type Refusal,
  type SealedBatch,
  sha256Hex,
} from '../../domain/index.ts';
import { offeredOf, openPipeline, type PipelineDeps } from '../../ingest/pipeline/process-batch.ts';

export const QUARTER_MS = 900_000;

/** A clock that stands at an instant for judging age, but measures and sleeps for real. */
export function clockAt(nowMs: number): Clock {
  return {
    nowMs: () => nowMs,
    monotonicMs: () => performance.now(),
    sleep: (ms, signal) => setTimeout(ms, undefined, signal === undefined ? {} : { signal }),
  };
}

export interface ChannelSpec {
  readonly code?: string;
  readonly kind?: 'interval' | 'register';
  readonly direction?: 'import' | 'export' | 'net';
  readonly intervalS?: number;
  readonly exponent?: number;
  readonly ratio?: readonly [number, number];
  readonly modulus?: number;
}

/** Creates the meter when needed; returns the channel's id. */
export async function addChannel(
  db: Queryable,
  serial: string,
  spec: ChannelSpec = {},
): Promise<number> {
  const kind = spec.kind ?? 'interval';
  await db.query(
    `INSERT INTO meter (serial, protocol) VALUES ($1, 'mqtt') ON CONFLICT (serial) DO NOTHING`,
    [serial],
  );
  const [row] = await db.query<{ id: number }>(
    `INSERT INTO channel (meter_id, code, kind, direction, unit, exponent, interval_s,
                          ratio_numerator, ratio_denominator, modulus)
     SELECT id, $2, $3, $4, 'Wh', $5, $6, $7, $8, $9 FROM meter WHERE serial = $1 RETURNING id`,
    [
      serial,
      spec.code ?? '1-0:1.8.0',
      kind,
      spec.direction ?? 'import',
      spec.exponent ?? 0,
      spec.intervalS ?? (kind === 'register' ? 0 : 900),
      ...(spec.ratio ?? [1, 1]),
      spec.modulus ?? null,
    ],
  );
  return (row as { id: number }).id;
}

export function block(meter: string, startMs: number, values: readonly (number | string | null)[]) {
  return {
    kind: 'interval' as const,
    meter,
    channel: '1-0:1.8.0',
    startMs,
    intervalS: 900,
    values,
  };
}

export function read(meter: string, atMs: number, value: number): ReadingBlock {
  return {
    kind: 'register',
    meter,
    channel: '1-0:1.8.0',
    startMs: atMs,
    intervalS: 0,
    values: [value],
  };
}

/** As the gateway seals it, one message a block. */
export function seal(
  blocks: readonly ReadingBlock[],
  given: Partial<Pick<SealedBatch, 'uid' | 'origin' | 'receivedMs' | 'refusals'>> = {},
): SealedBatch {
  const refusals: readonly Refusal[] = given.refusals ?? [];
  const receivedMs = given.receivedMs ?? (blocks[0]?.startMs ?? 0) + 86_400_000;
  const framed = Buffer.concat(
    blocks.map((b) =>
      encodeEnvelope({
        source: 'http',
        peer: 'k',
        receivedMs,
        contentType: 'application/json',
        locator: '/v1/readings',
        raw: Buffer.from(JSON.stringify(b)),
      }),
    ),
  );
  return {
    uid: given.uid ?? randomUUID(),
    origin: given.origin ?? 'http:k',
    receivedMs,
    blocks: blocks.map((b, message) => ({ ...b, message })),
    refusals,
    messages: blocks.length,
    offered: offeredOf({ blocks: blocks.map((b) => ({ ...b, message: 0 })), refusals }),
    raw: deflateRawSync(framed).toString('base64'),
    rawHash: sha256Hex(framed),
  };
}

export async function pipelineAt(db: Database, nowMs: number): Promise<PipelineDeps> {
  const deps = openPipeline(db, clockAt(nowMs));
  await deps.directory.load();
  return deps;
}

/** Sums over all batches, and what the tables hold: the two must agree. */
export async function ledgerOf(db: Queryable) {
  const [counts] = await db.query<Record<string, bigint>>(
    `SELECT coalesce(sum(offered), 0) AS offered, coalesce(sum(stored), 0) AS stored,
            coalesce(sum(duplicate), 0) AS duplicate, coalesce(sum(rejected), 0) AS rejected,
            coalesce(sum(quarantined), 0) AS quarantined FROM batch`,
  );
  const [tables] = await db.query<Record<string, bigint>>(
    `SELECT (SELECT count(*) FROM reading) + (SELECT count(*) FROM register_read)
              + (SELECT count(*) FROM reading_history) AS versions,
            (SELECT coalesce(sum(records), 0) FROM quarantine) AS quarantined,
            (SELECT coalesce(sum(records), 0) FROM rejection) AS rejected`,
  );
  const number = (row: Record<string, bigint> | undefined) =>
    Object.fromEntries(Object.entries(row ?? {}).map(([key, value]) => [key, Number(value)]));
  return { counts: number(counts), tables: number(tables) };
}
