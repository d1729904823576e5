/** Why a bill cannot be made: everything that is missing, at once, with codes for programs. */
import { formatInstant, LIMITS } from '../../domain/index.ts';
import { directionOf, isMetered } from '../tariffs/schema.ts';
import type { Determinant, PlannedSum } from './determinant.ts';
import { isDecimalText } from './exact.ts';
import type { RatingPlan } from './plan.ts';
import { isBilledUnit } from './pricers/metered.ts';
import type { ContractTerms } from './pricers/pricer.ts';
import { pricerOf } from './pricers/registry.ts';

export type ObstacleReason =
  | 'NO_TARIFF_VERSION'
  | 'NO_IMPORT_CHANNEL'
  | 'UNIT_NOT_BILLED'
  | 'NO_PRICE'
  | 'CONTRACT_TERM'
  | 'DETERMINANT_ABSENT'
  | 'DETERMINANT_ALIEN'
  | 'INTERVALS_MISSING'
  | 'INTERVALS_SURPLUS'
  | 'INTERVALS_UNBILLABLE';

export interface Obstacle {
  readonly reason: ObstacleReason;
  /** What it is about: a determinant, a charge, a range of dates. */
  readonly what: string;
  readonly say: string;
}

/** All that stands between the inputs and a bill; empty = it can be rated. */
export function ratingObstacles(
  plan: RatingPlan,
  contract: ContractTerms,
  determinants: readonly Determinant[],
): Obstacle[] {
  return [
    ...planObstacles(plan),
    ...contractObstacles(plan, contract),
    ...determinantObstacles(plan.sums, determinants),
  ];
}

/** The sentence for a blocked bill; long lists end with how many more there are. */
export function sayObstacles(obstacles: readonly Obstacle[]): string {
  const said = obstacles.slice(0, LIMITS.billObstaclesSaidMax).map(({ say }) => say);
  const rest = obstacles.length - said.length;
  return rest > 0 ? `${said.join('; ')}; and ${rest} more` : said.join('; ');
}

function planObstacles(plan: RatingPlan): Obstacle[] {
  const { cut, tariff } = plan;
  const dates = cut.uncovered.map(({ from, to }) => {
    const what = `${from}/${to}`;
    return obstacle('NO_TARIFF_VERSION', what, `${tariff.code} has no version for ${what}`);
  });
  return [...dates, ...channelObstacles(plan), ...priceObstacles(plan)];
}

/** Who has no generator has no export channel; who has no import channel cannot be billed for it. */
function channelObstacles({ cut, channels }: RatingPlan): Obstacle[] {
  const obstacles: Obstacle[] = [];
  const metered = cut.parts.flatMap(({ version }) => version.charges.filter(isMetered));
  const needsImport = metered.find((charge) => directionOf(charge) === 'import');
  if (needsImport !== undefined && channels.import === undefined) {
    const say = `charge ${needsImport.code} needs an import channel, and there is none`;
    obstacles.push(obstacle('NO_IMPORT_CHANNEL', needsImport.code, say));
  }
  for (const charge of metered) {
    const unit = channels[directionOf(charge)]?.unit;
    if (unit === undefined || isBilledUnit(unit)) continue;
    const say = `charge ${charge.code} cannot be billed in ${unit}`;
    obstacles.push(obstacle('UNIT_NOT_BILLED', charge.code, say));
  }
  return obstacles;
}

function priceObstacles({ cut, sums }: RatingPlan): Obstacle[] {
  const priced = (sum: PlannedSum): boolean =>
    cut.parts
      .filter(({ versionIndex }) => versionIndex === sum.versionIndex)
      .flatMap(({ version }) => version.charges.filter(isMetered))
      .filter((charge) => directionOf(charge) === sum.channelDirection)
      .some((charge) => charge.kind === 'energy' || charge.period === sum.period);
  return sums
    .filter((sum) => !priced(sum))
    .map((sum) =>
      obstacle('NO_PRICE', sum.code, `no ${sum.channelDirection} price for ${sum.period}`),
    );
}

function contractObstacles({ cut }: RatingPlan, contract: ContractTerms): Obstacle[] {
  return contractTermsOf({ cut }).flatMap((term) => {
    const value = Object.hasOwn(contract, term) ? contract[term] : undefined;
    if (value !== undefined && isDecimalText(value)) return [];
    const found = value === undefined ? 'missing' : `'${value}', which is no decimal`;
    return [obstacle('CONTRACT_TERM', term, `figure ${term} of the agreement is ${found}`)];
  });
}

/** Names of the agreement's figures that the charges of a plan ask for. */
export function contractTermsOf({ cut }: Pick<RatingPlan, 'cut'>): string[] {
  const charges = cut.parts.flatMap(({ version }) => version.charges);
  return [...new Set(charges.flatMap((charge) => pricerOf(charge).terms(charge)))].sort();
}

function determinantObstacles(
  sums: readonly PlannedSum[],
  determinants: readonly Determinant[],
): Obstacle[] {
  const given = new Map<string, Determinant>();
  const alien: Obstacle[] = [];
  const planned = new Map(sums.map((sum) => [sum.code, sum]));
  for (const determinant of determinants) {
    const { code } = determinant;
    const sum = planned.get(code);
    if (sum === undefined || given.has(code) || !fits(sum, determinant)) {
      alien.push(obstacle('DETERMINANT_ALIEN', code, `${code} is not a sum of this plan`));
    }
    given.set(code, determinant);
  }
  return [...alien, ...sums.flatMap((sum) => sumObstacles(sum, given.get(sum.code)))];
}

function fits(sum: PlannedSum, determinant: Determinant): boolean {
  const keys = ['channelDirection', 'period', 'versionIndex', 'fromMs', 'toMs'] as const;
  const shape = ['unit', 'exponent', 'expected'] as const;
  return [...keys, ...shape].every((key) => sum[key] === determinant[key]);
}

function sumObstacles(sum: PlannedSum, found: Determinant | undefined): Obstacle[] {
  const { code, expected } = sum;
  if (found === undefined) {
    return [obstacle('DETERMINANT_ABSENT', code, `${code} was not computed`)];
  }
  const obstacles: Obstacle[] = [];
  const { intervals, unbillable } = found;
  const range = `from ${formatInstant(sum.fromMs)} to ${formatInstant(sum.toMs)}`;
  if (intervals < expected) {
    const say = `${code}: ${expected - intervals} of ${expected} intervals are missing ${range}`;
    obstacles.push(obstacle('INTERVALS_MISSING', code, say));
  }
  if (intervals > expected) {
    const say = `${code}: ${intervals} intervals where ${expected} are expected ${range}`;
    obstacles.push(obstacle('INTERVALS_SURPLUS', code, say));
  }
  if (unbillable > 0) {
    const say = `${code}: ${unbillable} of ${expected} intervals may not be billed ${range}`;
    obstacles.push(obstacle('INTERVALS_UNBILLABLE', code, say));
  }
  return obstacles;
}

function obstacle(reason: ObstacleReason, what: string, say: string): Obstacle {
  return { reason, what, say };
}
