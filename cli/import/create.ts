/**
 * Master data for a file whose meters nobody has entered: only what is missing, nothing of what is
 * there is changed.
 */
import { addDays, localDateOf, localMidnightMs } from '../../billing/calendar/local.ts';
import { acceptTariff } from '../../billing/tariffs/parse.ts';
import {
  type KnownMeter,
  type KnownPoint,
  knownAccounts,
  knownMeters,
  knownPoints,
} from '../../db/imports.ts';
import { loadMasterData, type MasterData } from '../../db/master.ts';
import type { Database, Queryable } from '../../db/pool.ts';
import { currentTariffs } from '../../db/tariffs.ts';
import { Fault, formatInstant, OBIS, parseUnit } from '../../domain/index.ts';
import type { StreamDeclaration } from '../../ingest/formats/format.ts';
import type { Extent } from './events.ts';
import { type NamedStream, plainSerial } from './streams.ts';

export interface CreateOptions {
  /** IANA name, for service points that are not there yet. */
  readonly zone: string | undefined;
  /** Also customer, account and agreement for service points without one. */
  readonly tariff: string | undefined;
}

export interface Created {
  readonly servicePoints: number;
  readonly meters: number;
  readonly agreements: number;
  readonly channels: readonly { readonly meter: string; readonly code: string }[];
  /** Local date after the last interval of any channel made; undefined = none was made. */
  readonly endDate: string | undefined;
}

type Row<Section extends keyof MasterData> = NonNullable<MasterData[Section]>[number];

/** What stands in master data where the file says nothing. */
const BRANCH = 'imported';
const UNKNOWN = 'unknown';

/** One transaction. Throws BAD_REQUEST without a zone, TARIFF_MISSING, and what loading throws. */
export async function createMissing(
  db: Database,
  extents: ReadonlyMap<NamedStream, Extent>,
  options: CreateOptions,
): Promise<Created> {
  return await db.transaction(async (tx) => {
    const streams = [...extents.keys()];
    const points = await knownPoints(tx, unique(streams.map((s) => s.servicePoint)));
    const meters = await knownMeters(tx, unique(streams.map((s) => s.meter)));
    const plan = new Plan(extents, points, meters, options.zone);
    for (const [stream, extent] of extents) plan.take(stream, extent);
    const supply = await supplyOf(tx, plan, options.tariff);
    const data: MasterData = { ...plan.data(), ...supply };
    const rows = Object.values(data).reduce((sum, list) => sum + list.length, 0);
    if (rows > 0) await loadMasterData(tx, data, 'import');
    return {
      servicePoints: plan.servicePoints.size,
      meters: plan.meters.size,
      agreements: supply.agreements?.length ?? 0,
      channels: plan.channels.map(({ meter, code }) => ({ meter, code })),
      endDate: plan.endDate,
    };
  });
}

function unique(names: readonly string[]): string[] {
  return [...new Set(names)];
}

/** Gathers the rows that are missing. */
class Plan {
  readonly servicePoints = new Map<string, Row<'servicePoints'>>();
  readonly meters = new Map<string, Row<'meters'>>();
  readonly channels: Row<'channels'>[] = [];
  /** Local date of the first interval by service point without an agreement. */
  readonly unsupplied = new Map<string, string>();
  endDate: string | undefined;
  readonly #installations = new Map<string, Row<'installations'>>();
  readonly #points: ReadonlyMap<string, KnownPoint>;
  readonly #known: ReadonlyMap<string, KnownMeter>;
  readonly #zone: string | undefined;
  /** By meter, over all its streams. */
  readonly #extents = new Map<string, Extent>();

  constructor(
    extents: ReadonlyMap<NamedStream, Extent>,
    points: readonly KnownPoint[],
    meters: readonly KnownMeter[],
    zone: string | undefined,
  ) {
    this.#points = new Map(points.map((point) => [point.code, point]));
    this.#known = new Map(meters.map((meter) => [meter.serial, meter]));
    this.#zone = zone;
    for (const [{ meter }, extent] of extents) {
      const known = this.#extents.get(meter) ?? extent;
      this.#extents.set(meter, {
        firstMs: Math.min(known.firstMs, extent.firstMs),
        endMs: Math.max(known.endMs, extent.endMs),
      });
    }
  }

  take(stream: NamedStream, extent: Extent): void {
    const { servicePoint, meter, channel, declaration } = stream;
    const zone = this.#zoneOf(servicePoint);
    const known = this.#known.get(meter);
    if (known === undefined && !this.meters.has(meter)) {
      this.meters.set(meter, { serial: meter, protocol: 'manual' });
    }
    if (!known?.channels.some(({ code }) => code === channel)) {
      this.channels.push({ meter, code: channel, ...shapeOf(declaration) });
      const endDate = addDays(localDateOf(zone, extent.endMs - 1), 1);
      if (this.endDate === undefined || endDate > this.endDate) this.endDate = endDate;
    }
    const firstDate = localDateOf(zone, this.#extents.get(meter)?.firstMs ?? extent.firstMs);
    this.#install(meter, servicePoint, localMidnightMs(zone, firstDate), known);
    if (this.#points.get(servicePoint)?.has_agreement === true) return;
    const before = this.unsupplied.get(servicePoint);
    if (before === undefined || firstDate < before) this.unsupplied.set(servicePoint, firstDate);
  }

  data(): MasterData {
    this.#endReconfigured();
    return {
      servicePoints: [...this.servicePoints.values()],
      meters: [...this.meters.values()],
      channels: this.channels,
      installations: [...this.#installations.values()],
    };
  }

  /** A configuration of a meter ends where the next one begins, if the file shows no overlap. */
  #endReconfigured(): void {
    const rows = [...this.#installations.values()].sort((a, b) => a.from.localeCompare(b.from));
    for (const [i, row] of rows.entries()) {
      const isSame = (other: Row<'installations'>) =>
        other.servicePoint === row.servicePoint &&
        plainSerial(other.meter) === plainSerial(row.meter);
      const next = rows.slice(i + 1).find(isSame);
      const endMs = this.#extents.get(row.meter)?.endMs;
      if (next === undefined || endMs === undefined || row.to !== undefined) continue;
      if (endMs <= Date.parse(next.from)) {
        this.#installations.set(row.meter, { ...row, to: next.from });
      }
    }
  }

  #zoneOf(servicePoint: string): string {
    const zone = this.#points.get(servicePoint)?.time_zone ?? this.#zone;
    if (zone === undefined) {
      const detail = `service point ${servicePoint} is new: --zone says in which zone its days begin`;
      throw new Fault('BAD_REQUEST', { detail });
    }
    if (!this.#points.has(servicePoint)) {
      const row = { code: servicePoint, timeZone: zone, branch: BRANCH };
      this.servicePoints.set(servicePoint, { ...row, feeder: UNKNOWN, transformer: UNKNOWN });
    }
    return zone;
  }

  /** From the first interval's local day; up to the first installation where there is a later one. */
  #install(meter: string, servicePoint: string, fromMs: number, known?: KnownMeter): void {
    const first = known?.installations[0];
    if (first !== undefined && (first.servicePoint !== servicePoint || first.fromMs <= fromMs)) {
      return;
    }
    const from = formatInstant(fromMs);
    const until = first === undefined ? {} : { to: formatInstant(first.fromMs) };
    this.#installations.set(meter, { meter, servicePoint, from, ...until });
  }
}

/** Unit and exponent in which the file's finest value is a whole number. */
function shapeOf(d: StreamDeclaration): Omit<Row<'channels'>, 'meter' | 'code'> {
  const unit = parseUnit(d.unit);
  if (unit === undefined) throw new Fault('BAD_REQUEST', { detail: `'${d.unit}' is no unit` });
  return {
    kind: 'interval',
    direction: directionOf(d),
    unit: unit.unit,
    exponent: unit.exponent - d.decimals,
    intervalS: d.intervalS,
  };
}

/**
 * Net channels are never billed. That keeps check and average streams out of the bill that their
 * main stream is for, and so what is no flow to or from the customer at all (a voltage).
 */
function directionOf(d: StreamDeclaration): 'import' | 'export' | 'net' {
  if (d.role !== undefined && d.role !== 'main') return 'net';
  return d.direction ?? (d.channel === OBIS.importActive ? 'import' : 'net');
}

async function supplyOf(
  tx: Queryable,
  plan: Plan,
  code: string | undefined,
): Promise<Pick<MasterData, 'customers' | 'accounts' | 'agreements'>> {
  if (code === undefined || plan.unsupplied.size === 0) return {};
  const [row] = await currentTariffs(tx, [code]);
  if (row === undefined) throw new Fault('NOT_FOUND', { what: `tariff ${code}` });
  const { currency } = acceptTariff(row.definition);
  const points = [...plan.unsupplied].map(([point, from]) => ({ point, from, name: `A-${point}` }));
  const accounts = await knownAccounts(
    tx,
    points.map(({ name }) => name),
  );
  for (const [number, has] of accounts) {
    if (has === currency) continue;
    const detail = `account ${number} is in ${has}, tariff ${code} in ${currency}`;
    throw new Fault('BAD_REQUEST', { detail });
  }
  const missing = points.filter(({ name }) => !accounts.has(name));
  return {
    customers: missing.map(({ point }) => ({ code: `C-${point}`, name: `Customer at ${point}` })),
    accounts: missing.map(({ point, name }) => ({
      number: name,
      customer: `C-${point}`,
      branch: BRANCH,
      currency,
    })),
    agreements: points.map(({ point, from, name }) => ({
      account: name,
      servicePoint: point,
      tariff: code,
      from,
    })),
  };
}
