/**
 * Master data by natural keys: customers, accounts, service points, meters, channels, installations,
 * agreements. Loading is an upsert, so the same file can be loaded again; ids never leave here.
 */
import { createHash } from 'node:crypto';
import { Fault } from '../domain/index.ts';
import { appendAudit } from './audit.ts';
import type { Connection, Queryable } from './pool.ts';

export interface MasterData {
  readonly customers?: readonly { code: string; name: string; email?: string; language?: string }[];
  readonly accounts?: readonly {
    number: string;
    customer: string;
    branch: string;
    currency: string;
  }[];
  readonly servicePoints?: readonly {
    code: string;
    timeZone: string;
    branch: string;
    feeder: string;
    transformer: string;
    address?: string;
    calendar?: string;
    protection?: 'none' | 'protected' | 'unknown';
    /** ISO instant of the evidence for `protection`. */
    protectionCheckedAt?: string;
    protectionReason?: string;
  }[];
  readonly meters?: readonly {
    serial: string;
    protocol: 'mqtt' | 'dlms' | 'modbus' | 'manual';
    model?: string;
    hasBreaker?: boolean;
    /** Stored as a hash only. At least 128 random bits. */
    secret?: string;
  }[];
  readonly channels?: readonly {
    meter: string;
    code: string;
    kind: 'interval' | 'register';
    direction: 'import' | 'export' | 'net';
    unit: string;
    exponent?: number;
    intervalS: number;
    ratio?: readonly [number, number];
    modulus?: number;
    intervalMax?: number;
  }[];
  /** Instants are ISO 8601 with zone. */
  readonly installations?: readonly {
    meter: string;
    servicePoint: string;
    from: string;
    to?: string;
  }[];
  /** Dates are local dates of the service point; `to` is exclusive. */
  readonly agreements?: readonly {
    account: string;
    servicePoint: string;
    tariff: string;
    contract?: Readonly<Record<string, string>>;
    from: string;
    to?: string;
  }[];
}

export type MasterCounts = Readonly<Record<keyof MasterData, number>>;

const SQL: Readonly<Record<keyof MasterData, string>> = {
  customers: `
    INSERT INTO customer (code, name, email, language)
    SELECT code, name, email, coalesce(language, 'en')
    FROM jsonb_to_recordset($1::jsonb) AS r(code text, name text, email text, language text)
    ON CONFLICT (code) DO UPDATE
      SET name = excluded.name, email = excluded.email, language = excluded.language
    RETURNING 1`,
  accounts: `
    INSERT INTO account (number, customer_id, branch, currency)
    SELECT r.number, c.id, r.branch, r.currency
    FROM jsonb_to_recordset($1::jsonb) AS r(number text, customer text, branch text, currency text)
    JOIN customer c ON c.code = r.customer ORDER BY r.number
    ON CONFLICT (number) DO UPDATE
      SET customer_id = excluded.customer_id, branch = excluded.branch
    RETURNING 1`,
  servicePoints: `
    INSERT INTO service_point (code, time_zone, branch, feeder, transformer, address, calendar,
                               protection, protection_checked_at, protection_reason)
    SELECT code, "timeZone", branch, feeder, transformer, coalesce(address, ''), calendar,
           coalesce(protection, 'unknown'), "protectionCheckedAt", "protectionReason"
    FROM jsonb_to_recordset($1::jsonb) AS r(code text, "timeZone" text, branch text, feeder text,
      transformer text, address text, calendar text, protection text,
      "protectionCheckedAt" timestamptz, "protectionReason" text)
    ON CONFLICT (code) DO UPDATE
      SET time_zone = excluded.time_zone, branch = excluded.branch, feeder = excluded.feeder,
          transformer = excluded.transformer, address = excluded.address,
          calendar = excluded.calendar, protection = excluded.protection,
          protection_checked_at = excluded.protection_checked_at,
          protection_reason = excluded.protection_reason
    RETURNING 1`,
  meters: `
    INSERT INTO meter (serial, protocol, model, has_breaker, secret_hash)
    SELECT serial, protocol, coalesce(model, ''), coalesce("hasBreaker", false),
           decode("secretHash", 'hex')
    FROM jsonb_to_recordset($1::jsonb) AS r(serial text, protocol text, model text,
      "hasBreaker" boolean, "secretHash" text)
    ON CONFLICT (serial) DO UPDATE
      SET protocol = excluded.protocol, model = excluded.model,
          has_breaker = excluded.has_breaker,
          secret_hash = coalesce(excluded.secret_hash, meter.secret_hash)
    RETURNING 1`,
  channels: `
    INSERT INTO channel (meter_id, code, kind, direction, unit, exponent, interval_s,
                         ratio_numerator, ratio_denominator, modulus, interval_max)
    SELECT m.id, r.code, r.kind, r.direction, r.unit, coalesce(r.exponent, 0), r."intervalS",
           coalesce((r.ratio ->> 0)::int, 1), coalesce((r.ratio ->> 1)::int, 1), r.modulus,
           r."intervalMax"
    FROM jsonb_to_recordset($1::jsonb) AS r(meter text, code text, kind text, direction text,
      unit text, exponent smallint, "intervalS" int, ratio jsonb, modulus bigint,
      "intervalMax" bigint)
    JOIN meter m ON m.serial = r.meter ORDER BY r.meter, r.kind, r.code
    ON CONFLICT (meter_id, code, kind) DO UPDATE
      SET modulus = coalesce(excluded.modulus, channel.modulus),
          interval_max = coalesce(excluded.interval_max, channel.interval_max)
    RETURNING 1`,
  installations: `
    INSERT INTO installation (meter_id, service_point_id, from_at, to_at)
    SELECT m.id, s.id, r."from", r."to"
    FROM jsonb_to_recordset($1::jsonb) AS r(meter text, "servicePoint" text, "from" timestamptz,
      "to" timestamptz)
    JOIN meter m ON m.serial = r.meter
    JOIN service_point s ON s.code = r."servicePoint"
    WHERE NOT EXISTS (
      SELECT FROM installation i WHERE i.meter_id = m.id AND i.service_point_id = s.id
        AND i.from_at = r."from")
    RETURNING 1`,
  agreements: `
    INSERT INTO agreement (account_id, service_point_id, tariff_code, contract, from_date, to_date)
    SELECT a.id, s.id, r.tariff, coalesce(r.contract, '{}'), r."from", r."to"
    FROM jsonb_to_recordset($1::jsonb) AS r(account text, "servicePoint" text, tariff text,
      contract jsonb, "from" date, "to" date)
    JOIN account a ON a.number = r.account
    JOIN service_point s ON s.code = r."servicePoint"
    WHERE NOT EXISTS (
      SELECT FROM agreement g WHERE g.account_id = a.id AND g.service_point_id = s.id
        AND g.from_date = r."from")
    ORDER BY r.account, r."from"
    RETURNING 1`,
};

/** Order of dependence: what is named must be there before who names it. */
const ORDER = [
  'customers',
  'accounts',
  'servicePoints',
  'meters',
  'channels',
  'installations',
  'agreements',
] as const satisfies readonly (keyof MasterData)[];

/** What must be found by name; a missing one is an error that says which. */
const REFERENCES: readonly {
  section: keyof MasterData;
  member: string;
  table: string;
  column: string;
}[] = [
  { section: 'accounts', member: 'customer', table: 'customer', column: 'code' },
  { section: 'channels', member: 'meter', table: 'meter', column: 'serial' },
  { section: 'installations', member: 'meter', table: 'meter', column: 'serial' },
  { section: 'installations', member: 'servicePoint', table: 'service_point', column: 'code' },
  { section: 'agreements', member: 'account', table: 'account', column: 'number' },
  { section: 'agreements', member: 'servicePoint', table: 'service_point', column: 'code' },
];

/** Loads everything in the caller's transaction, audited; counts are rows written. */
export async function loadMasterData(
  tx: Connection,
  data: MasterData,
  actor: string,
): Promise<MasterCounts> {
  const counts: Record<string, number> = {};
  for (const section of ORDER) {
    const rows = (data[section] ?? []) as readonly Record<string, unknown>[];
    if (rows.length > 0) await checkReferences(tx, section, rows);
    const written =
      rows.length === 0
        ? []
        : await tx.query(SQL[section], [JSON.stringify(prepare(section, rows))]);
    counts[section] = written.length;
  }
  await appendAudit(tx, {
    chain: 'master',
    actor,
    action: 'master.loaded',
    subjectKind: 'master',
    subjectId: 'bulk',
    detail: counts,
  });
  return counts as unknown as MasterCounts;
}

function prepare(section: keyof MasterData, rows: readonly Record<string, unknown>[]) {
  if (section !== 'meters') return rows;
  return rows.map(({ secret, ...rest }) => ({
    ...rest,
    ...(typeof secret === 'string' && { secretHash: hashSecret(secret).toString('hex') }),
  }));
}

async function checkReferences(
  tx: Queryable,
  section: keyof MasterData,
  rows: readonly Record<string, unknown>[],
): Promise<void> {
  for (const reference of REFERENCES.filter((r) => r.section === section)) {
    const names = [...new Set(rows.map((row) => String(row[reference.member])))];
    const missing = await tx.query<{ name: string }>(
      `SELECT n AS name FROM unnest($1::text[]) AS n
       WHERE NOT EXISTS (SELECT FROM ${reference.table} t WHERE t.${reference.column} = n) LIMIT 5`,
      [names],
    );
    if (missing.length === 0) continue;
    const list = missing.map((m) => m.name).join(', ');
    throw new Fault('NOT_FOUND', { what: `${section}: ${reference.member} ${list}` });
  }
}

export function hashSecret(secret: string | Uint8Array): Buffer {
  return createHash('sha256').update(secret).digest();
}
