/** What an import asks before it writes (what is known already) and after (where records ended). */
import type { Conservation } from '../domain/index.ts';
import type { Queryable, Row } from './pool.ts';

export interface KnownMeter extends Row {
  readonly serial: string;
  readonly channels: readonly { readonly code: string; readonly intervalS: number }[];
  readonly installations: readonly {
    readonly servicePoint: string;
    /** Epoch ms. */
    readonly fromMs: number;
    readonly toMs: number | null;
  }[];
}

/** Meters of these serials with their interval channels and installations, oldest first. */
export function knownMeters(db: Queryable, serials: readonly string[]): Promise<KnownMeter[]> {
  return db.query<KnownMeter>(
    `SELECT m.serial,
       coalesce((SELECT jsonb_agg(jsonb_build_object('code', c.code, 'intervalS', c.interval_s))
                 FROM channel c WHERE c.meter_id = m.id AND c.kind = 'interval'), '[]') AS channels,
       coalesce((SELECT jsonb_agg(jsonb_build_object('servicePoint', s.code,
                   'fromMs', (date_part('epoch', i.from_at) * 1000)::bigint,
                   'toMs', (date_part('epoch', i.to_at) * 1000)::bigint) ORDER BY i.from_at)
                 FROM installation i JOIN service_point s ON s.id = i.service_point_id
                 WHERE i.meter_id = m.id), '[]') AS installations
     FROM meter m WHERE m.serial = ANY($1::text[])`,
    [serials],
  );
}

export interface KnownPoint extends Row {
  readonly code: string;
  readonly time_zone: string;
  readonly has_agreement: boolean;
}

export function knownPoints(db: Queryable, codes: readonly string[]): Promise<KnownPoint[]> {
  return db.query<KnownPoint>(
    `SELECT s.code, s.time_zone,
       EXISTS (SELECT FROM agreement g WHERE g.service_point_id = s.id) AS has_agreement
     FROM service_point s WHERE s.code = ANY($1::text[])`,
    [codes],
  );
}

/** Currency by account number, of those that exist. */
export async function knownAccounts(
  db: Queryable,
  numbers: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const rows = await db.query<{ number: string; currency: string }>(
    'SELECT number, currency FROM account WHERE number = ANY($1::text[])',
    [numbers],
  );
  return new Map(rows.map(({ number, currency }) => [number, currency]));
}

/** Ids of interval channels by serial and code, in order. */
export async function channelIds(
  db: Queryable,
  channels: readonly { readonly meter: string; readonly code: string }[],
): Promise<number[]> {
  const rows = await db.query<{ id: number }>(
    `SELECT c.id FROM jsonb_to_recordset($1::jsonb) AS r(meter text, code text)
     JOIN meter m ON m.serial = r.meter
     JOIN channel c ON c.meter_id = m.id AND c.code = r.code AND c.kind = 'interval'
     ORDER BY c.id`,
    [JSON.stringify(channels)],
  );
  return rows.map(({ id }) => id);
}

/** Batches recorded from now on have higher ids. */
export async function lastBatchId(db: Queryable): Promise<number> {
  const [row] = await db.query<{ id: number }>(
    'SELECT coalesce(max(id), 0)::float8 AS id FROM batch',
  );
  return row?.id ?? 0;
}

export interface OriginCounts {
  readonly counts: Conservation;
  readonly absent: number;
  readonly batches: number;
}

/** What the pipeline made of an origin's batches after `afterId`; replays are not counted. */
export async function originCounts(
  db: Queryable,
  origin: string,
  afterId: number,
): Promise<OriginCounts> {
  const [row] = await db.query<{ [K in keyof Conservation | 'absent' | 'batches']: number }>(
    `SELECT count(*)::float8 AS batches, coalesce(sum(offered), 0)::float8 AS offered,
       coalesce(sum(stored), 0)::float8 AS stored,
       coalesce(sum(duplicate), 0)::float8 AS duplicate,
       coalesce(sum(rejected), 0)::float8 AS rejected,
       coalesce(sum(quarantined), 0)::float8 AS quarantined,
       coalesce(sum(absent), 0)::float8 AS absent
     FROM batch WHERE origin = $1 AND id > $2 AND actor = 'ingest'`,
    [origin, afterId],
  );
  const { offered = 0, stored = 0, duplicate = 0, rejected = 0, quarantined = 0 } = row ?? {};
  const counts = { offered, stored, duplicate, rejected, quarantined };
  return { counts, absent: row?.absent ?? 0, batches: row?.batches ?? 0 };
}

export interface RefusedReason extends Row {
  readonly fate: 'quarantined' | 'rejected';
  readonly code: string;
  readonly records: number;
  /** Of the first row: where it stood and the sentence. */
  readonly at: string;
  readonly reason: string;
}

/** Why records of an origin's batches after `afterId` were not stored, with the first example. */
export function refusedReasons(
  db: Queryable,
  origin: string,
  afterId: number,
): Promise<RefusedReason[]> {
  return db.query<RefusedReason>(
    `SELECT r.fate, r.code, sum(r.records)::float8 AS records,
       (array_agg(r.at ORDER BY r.id))[1] AS at, (array_agg(r.reason ORDER BY r.id))[1] AS reason
     FROM (
       SELECT 'quarantined' AS fate, id, batch_id, code, records, at, reason FROM quarantine
       UNION ALL
       SELECT 'rejected', id, batch_id, code, records, at, reason FROM rejection
     ) r JOIN batch b ON b.id = r.batch_id
     WHERE b.origin = $1 AND b.id > $2 AND b.actor = 'ingest'
     GROUP BY r.fate, r.code ORDER BY 1, 3 DESC, 2`,
    [origin, afterId],
  );
}

/** Id of a batch by its uid. */
export async function batchIdOf(db: Queryable, uid: string): Promise<number | undefined> {
  const [row] = await db.query<{ id: number }>(
    'SELECT id::float8 AS id FROM batch WHERE uid = $1::uuid',
    [uid],
  );
  return row?.id;
}
