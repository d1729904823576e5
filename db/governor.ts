/**
 * The governor: how many breakers may move, whatever anybody asks (threats.md section 4, G7).
 * Counted from the durable rows of commands that were sent, under one lock for the installation, so
 * that many gateways and any number of restarts share one budget. Excess is held.
 */
import { type CommandAction, DAY_MS, formatInstant, HOUR_MS, LIMITS } from '../domain/index.ts';
import type { Queryable } from './pool.ts';

export type GovernorLimits = Readonly<Record<GovernorLimit, number>>;

const NAMES = [
  'disconnectFleetPerHourShare',
  'disconnectFleetPerDayShare',
  'disconnectFeederPerHourShare',
  'disconnectFeederPerDayShare',
  'disconnectTransformerPerHour',
  'disconnectPerPrincipalPerDay',
  'reconnectCapFactor',
  'meterOperationsPerDay',
  'meterDisconnectsPerDay',
  'indeterminateStopPerHour',
] as const;
type GovernorLimit = (typeof NAMES)[number];

export const GOVERNOR_DEFAULTS: GovernorLimits = LIMITS;

/** Limits go down by configuration, never up. A number that is none stops everything. */
export function limitsProblem(limits: GovernorLimits): string | undefined {
  for (const name of NAMES) {
    const value = limits[name];
    if (typeof value !== 'number' || !Number.isFinite(value) || value < 0) {
      return `limit ${name} is not a number`;
    }
    if (value > GOVERNOR_DEFAULTS[name]) return `limit ${name} is above its default`;
  }
  return undefined;
}

/** Which movement asks, and who for. */
export interface GovernorQuestion {
  readonly action: CommandAction;
  readonly meterId: number;
  readonly feeder: string;
  readonly transformer: string;
  readonly requestedBy: string;
  readonly approvalKeyId: string;
  readonly atMs: number;
  /** From countFleet, not older than a minute; default: counted now. */
  readonly fleetMeters?: number;
}

/** Numbers of movements already sent, in windows that end now, and the sizes caps are shares of. */
export interface GovernorCounts {
  readonly fleetMeters: number;
  readonly feederMeters: number;
  readonly fleetHour: number;
  readonly fleetDay: number;
  readonly feederHour: number;
  readonly feederDay: number;
  readonly transformerHour: number;
  readonly requesterDay: number;
  readonly keyDay: number;
  readonly meterDay: number;
  readonly meterDisconnectsDay: number;
  readonly meterDwell: number;
  readonly indeterminateHour: number;
}

/** A share of the meters, at least one: a village feeder must not be without any. */
export function capOf(meters: number, share: number): number {
  return Math.max(1, Math.floor(meters * share + 1e-9));
}

export interface GovernorHold {
  readonly bound: string;
  readonly count: number;
  readonly max: number;
}

/** The first bound that the movement would break; undefined when it may go. */
export function governorHold(
  action: CommandAction,
  counts: GovernorCounts,
  limits: GovernorLimits,
): GovernorHold | undefined {
  const problem = limitsProblem(limits);
  if (problem !== undefined) return { bound: problem, count: 0, max: 0 };
  const isCut = action === 'disconnect';
  const times = isCut ? 1 : limits.reconnectCapFactor;
  const share = (meters: number, part: number) => times * (part === 0 ? 0 : capOf(meters, part));
  const bounds: (readonly [string, number, number])[] = [
    [
      'fleet per hour',
      counts.fleetHour,
      share(counts.fleetMeters, limits.disconnectFleetPerHourShare),
    ],
    [
      'fleet per day',
      counts.fleetDay,
      share(counts.fleetMeters, limits.disconnectFleetPerDayShare),
    ],
    [
      'feeder per hour',
      counts.feederHour,
      share(counts.feederMeters, limits.disconnectFeederPerHourShare),
    ],
    [
      'feeder per day',
      counts.feederDay,
      share(counts.feederMeters, limits.disconnectFeederPerDayShare),
    ],
    ['transformer per hour', counts.transformerHour, times * limits.disconnectTransformerPerHour],
    ['requester per day', counts.requesterDay, times * limits.disconnectPerPrincipalPerDay],
    ['approver per day', counts.keyDay, times * limits.disconnectPerPrincipalPerDay],
    ['operations of the meter per day', counts.meterDay, limits.meterOperationsPerDay],
    ['pause between operations of the meter', counts.meterDwell, 1],
  ];
  if (isCut) {
    bounds.push(
      ['cuts of the meter per day', counts.meterDisconnectsDay, limits.meterDisconnectsPerDay],
      ['unclear outcomes per hour', counts.indeterminateHour, limits.indeterminateStopPerHour],
    );
  }
  // Not `count >= max`: a count that is no number must hold too.
  const broken = bounds.find(([, count, max]) => !(count < max));
  return broken && { bound: broken[0], count: broken[1], max: broken[2] };
}

/** Meters with a breaker. At 500,000 too slow to count for each command that is held. */
export async function countFleet(db: Queryable): Promise<number> {
  const [row] = await db.query<{ n: bigint }>('SELECT count(*) AS n FROM meter WHERE has_breaker');
  return Number(row?.n ?? 0);
}

/** Counts under the caller's breaker lock. `FILTER` over the rows of one day: a few thousand. */
export async function governorCounts(
  tx: Queryable,
  question: GovernorQuestion,
): Promise<GovernorCounts> {
  const kin = question.action === 'disconnect' ? ['disconnect'] : ['connect', 'arm'];
  const [row] = await tx.query<Record<keyof GovernorCounts, bigint>>(
    `SELECT
       coalesce($11::bigint, (SELECT count(*) FROM meter WHERE has_breaker)) AS "fleetMeters",
       (SELECT count(*) FROM installation i
          JOIN service_point s ON s.id = i.service_point_id JOIN meter m ON m.id = i.meter_id
        WHERE s.feeder = $3 AND m.has_breaker AND i.from_at <= $8
          AND (i.to_at IS NULL OR i.to_at > $8)) AS "feederMeters",
       (SELECT count(*) FROM command WHERE indeterminate_at > $9 AND action <> 'read')
         AS "indeterminateHour",
       count(*) FILTER (WHERE kin AND hour) AS "fleetHour",
       count(*) FILTER (WHERE kin) AS "fleetDay",
       count(*) FILTER (WHERE kin AND hour AND feeder = $3) AS "feederHour",
       count(*) FILTER (WHERE kin AND feeder = $3) AS "feederDay",
       count(*) FILTER (WHERE kin AND hour AND transformer = $4) AS "transformerHour",
       count(*) FILTER (WHERE kin AND requested_by = $5) AS "requesterDay",
       count(*) FILTER (WHERE kin AND approval_key_id = $6) AS "keyDay",
       count(*) FILTER (WHERE meter_id = $2) AS "meterDay",
       count(*) FILTER (WHERE meter_id = $2 AND action = 'disconnect') AS "meterDisconnectsDay",
       count(*) FILTER (WHERE meter_id = $2 AND sent_at > $10) AS "meterDwell"
     FROM (SELECT *, action = ANY ($1) AS kin, sent_at > $9 AS hour FROM command
           WHERE sent_at > $7 AND action <> 'read') AS sent`,
    [
      kin,
      question.meterId,
      question.feeder,
      question.transformer,
      question.requestedBy,
      question.approvalKeyId,
      formatInstant(question.atMs - DAY_MS),
      formatInstant(question.atMs),
      formatInstant(question.atMs - HOUR_MS),
      formatInstant(question.atMs - LIMITS.meterDwellMs),
      question.fleetMeters ?? null,
    ],
  );
  return Object.fromEntries(
    Object.entries(row ?? {}).map(([name, count]) => [name, Number(count)]),
  ) as unknown as GovernorCounts;
}
