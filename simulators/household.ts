/**
 * Load of a household as a pure function of (seed, interval): any simulator, test or judge that
 * knows the seed knows the truth without asking anyone.
 */
import { hash32 } from './random.ts';

export interface Household {
  readonly seed: string;
  /** Watt-hours of a 15-minute interval at rest. */
  readonly baseWh: number;
  readonly morningWh: number;
  readonly eveningWh: number;
  /** Whole-hour offset of the household's habits from UTC. */
  readonly offsetH: number;
}

const QUARTER_MS = 900_000;

export function household(seed: string): Household {
  return {
    seed,
    baseWh: 25 + (hash32(`${seed}/base`) % 60),
    morningWh: 40 + (hash32(`${seed}/morning`) % 160),
    eveningWh: 90 + (hash32(`${seed}/evening`) % 300),
    offsetH: 1,
  };
}

/** Watt-hours of [startMs, startMs + intervalS), a sum of its quarter hours. */
export function loadWh(home: Household, startMs: number, intervalS: number): number {
  let sum = 0;
  for (let at = startMs; at < startMs + intervalS * 1_000; at += QUARTER_MS) {
    sum += quarterWh(home, at);
  }
  return sum;
}

function quarterWh(home: Household, startMs: number): number {
  const hour = (((startMs / 3_600_000 + home.offsetH) % 24) + 24) % 24;
  const shape =
    bump(hour, 7.5, 1.5) * home.morningWh +
    bump(hour, 20, 2.5) * home.eveningWh +
    bump(hour, 14, 3) * home.morningWh * 0.4;
  const noise = hash32(`${home.seed}/${startMs}`) % (home.baseWh + 20);
  return Math.floor(home.baseWh + shape + noise);
}

/** A bell of height 1 around `centre`, `width` hours wide. */
function bump(hour: number, centre: number, width: number): number {
  const distance = (hour - centre) / width;
  return Math.exp(-distance * distance);
}
