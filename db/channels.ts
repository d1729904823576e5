/** Channels by meter serial and code, as the ingest cache reads them. */
import type { Channel, Unit } from '../domain/index.ts';
import type { Queryable } from './pool.ts';

export interface ChannelRecord {
  readonly serial: string;
  readonly channel: Channel;
  /** Zone of the meter's latest service point; only for intervals over 15 minutes. */
  readonly zone?: string;
  readonly intervalMax?: number;
}

interface ChannelRow extends Record<string, unknown> {
  serial: string;
  id: number | null;
  meter_id: number;
  code: string;
  kind: 'interval' | 'register';
  direction: 'import' | 'export' | 'net';
  unit: string;
  exponent: number;
  interval_s: number;
  ratio_numerator: number;
  ratio_denominator: number;
  modulus: number | null;
  interval_max: number | null;
  zone: string | null;
}

const COLUMNS = `m.serial, c.id, c.meter_id, c.code, c.kind, c.direction, c.unit, c.exponent,
  c.interval_s, c.ratio_numerator, c.ratio_denominator, c.modulus::float8 AS modulus,
  c.interval_max::float8 AS interval_max, z.zone`;

const ZONE = `LEFT JOIN LATERAL (
    SELECT s.time_zone AS zone FROM installation i JOIN service_point s ON s.id = i.service_point_id
    WHERE c.interval_s > 900 AND i.meter_id = c.meter_id ORDER BY i.from_at DESC LIMIT 1
  ) z ON true`;

/** Channels with ids above `afterId`, in order of id. */
export async function channelPage(
  db: Queryable,
  afterId: number,
  limit: number,
): Promise<ChannelRecord[]> {
  const rows = await db.query<ChannelRow>(
    `SELECT ${COLUMNS} FROM (SELECT * FROM channel WHERE id > $1 ORDER BY id LIMIT $2) c
     JOIN meter m ON m.id = c.meter_id ${ZONE} ORDER BY c.id`,
    [afterId, limit],
  );
  return rows.map(toRecord);
}

/** Every channel of these meters; a known meter without channels is in `serials` only. */
export async function channelsOfMeters(
  db: Queryable,
  serials: readonly string[],
): Promise<{ serials: ReadonlySet<string>; channels: ChannelRecord[] }> {
  const rows = await db.query<ChannelRow>(
    `SELECT ${COLUMNS} FROM meter m LEFT JOIN channel c ON c.meter_id = m.id ${ZONE}
     WHERE m.serial = ANY($1::text[])`,
    [serials],
  );
  return {
    serials: new Set(rows.map((row) => row.serial)),
    channels: rows.filter((row) => row.id !== null).map(toRecord),
  };
}

/** The oldest transaction still under way: what it and later ones change is yet to be read. */
export async function changeCursor(db: Queryable): Promise<string> {
  const [row] = await db.query<{ cursor: string }>(
    'SELECT pg_snapshot_xmin(pg_current_snapshot())::text AS cursor',
  );
  return (row as { cursor: string }).cursor;
}

/** Channels changed by transactions at or after the cursor; some of them perhaps seen before. */
export async function changedChannels(db: Queryable, cursor: string): Promise<ChannelRecord[]> {
  const rows = await db.query<ChannelRow>(
    `SELECT ${COLUMNS} FROM channel c JOIN meter m ON m.id = c.meter_id ${ZONE}
     WHERE c.id IN (SELECT channel_id FROM channel_change WHERE xact >= $1::xid8)`,
    [cursor],
  );
  return rows.map(toRecord);
}

/** Forgets changes that every running process has read long ago. */
export async function pruneChannelChanges(db: Queryable, keepMs: number): Promise<void> {
  await db.query(
    `DELETE FROM channel_change WHERE changed_at < clock_timestamp() - $1 * interval '1 ms'`,
    [keepMs],
  );
}

function toRecord(row: ChannelRow): ChannelRecord {
  const channel: Channel = {
    id: row.id as number,
    meterId: row.meter_id,
    code: row.code,
    kind: row.kind,
    direction: row.direction,
    unit: row.unit as Unit,
    exponent: row.exponent,
    intervalS: row.interval_s,
    ratioNumerator: row.ratio_numerator,
    ratioDenominator: row.ratio_denominator,
    ...(row.modulus === null ? undefined : { modulus: row.modulus }),
  };
  return {
    serial: row.serial,
    channel,
    ...(row.zone === null ? undefined : { zone: row.zone }),
    ...(row.interval_max === null ? undefined : { intervalMax: row.interval_max }),
  };
}
