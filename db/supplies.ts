/** What is to be billed: agreements with their accounts, places, and channels over time. */
import type { Queryable, Row } from './pool.ts';

export interface Supply extends Row {
  readonly agreement_id: number;
  readonly account_id: number;
  readonly account_number: string;
  readonly account_state: string;
  readonly branch: string;
  readonly currency: string;
  readonly customer_code: string;
  readonly customer_name: string;
  readonly customer_language: string;
  readonly service_point: string;
  readonly address: string;
  readonly time_zone: string;
  readonly tariff_code: string;
  readonly contract: Readonly<Record<string, string>>;
  /** Local dates of the agreement inside the asked period, [from, to). */
  readonly from_date: string;
  readonly to_date: string;
  readonly channels: readonly SupplyChannel[];
}

/** An interval channel while it was installed at the service point. */
export interface SupplyChannel {
  readonly channelId: number;
  readonly meter: string;
  readonly code: string;
  readonly direction: 'import' | 'export' | 'net';
  readonly unit: string;
  readonly exponent: number;
  readonly intervalS: number;
  /** Epoch ms; null = still installed. */
  readonly fromMs: number;
  readonly toMs: number | null;
}

export interface SupplyFilter {
  readonly agreementIds?: readonly number[];
  readonly accountNumber?: string;
  readonly branch?: string;
}

/** Agreements of active accounts that touch the local dates [from, to). */
export async function agreementIds(
  db: Queryable,
  from: string,
  to: string,
  filter: SupplyFilter,
): Promise<number[]> {
  const rows = await db.query<{ id: number }>(
    `SELECT g.id FROM agreement g JOIN account a ON a.id = g.account_id
     WHERE g.from_date < $2::date AND (g.to_date IS NULL OR g.to_date > $1::date)
       AND ($3::text IS NULL OR a.number = $3) AND ($4::text IS NULL OR a.branch = $4)
     ORDER BY g.id`,
    [from, to, filter.accountNumber ?? null, filter.branch ?? null],
  );
  return rows.map((r) => r.id);
}

export function supplies(
  db: Queryable,
  from: string,
  to: string,
  ids: readonly number[],
): Promise<Supply[]> {
  return db.query<Supply>(
    `SELECT g.id AS agreement_id, a.id AS account_id, a.number AS account_number,
       a.state AS account_state, a.branch, a.currency, c.code AS customer_code,
       c.name AS customer_name, c.language AS customer_language, s.code AS service_point,
       s.address, s.time_zone, g.tariff_code, g.contract,
       greatest(g.from_date, $1::date) AS from_date,
       least(coalesce(g.to_date, $2::date), $2::date) AS to_date,
       coalesce(ch.channels, '[]') AS channels
     FROM agreement g
     JOIN account a ON a.id = g.account_id
     JOIN customer c ON c.id = a.customer_id
     JOIN service_point s ON s.id = g.service_point_id
     LEFT JOIN LATERAL (
       SELECT jsonb_agg(jsonb_build_object(
           'channelId', n.id, 'meter', m.serial, 'code', n.code, 'direction', n.direction,
           'unit', n.unit, 'exponent', n.exponent, 'intervalS', n.interval_s,
           'fromMs', (date_part('epoch', i.from_at) * 1000)::bigint,
           'toMs', (date_part('epoch', i.to_at) * 1000)::bigint)
         ORDER BY i.from_at, n.id) AS channels
       FROM installation i
       JOIN meter m ON m.id = i.meter_id
       JOIN channel n ON n.meter_id = i.meter_id AND n.kind = 'interval'
       WHERE i.service_point_id = s.id
         AND i.from_at < ($2::date + 1)::timestamp AT TIME ZONE s.time_zone
         AND (i.to_at IS NULL OR i.to_at > ($1::date - 1)::timestamp AT TIME ZONE s.time_zone)
     ) ch ON true
     WHERE g.id = ANY($3) ORDER BY g.id`,
    [from, to, ids],
  );
}
