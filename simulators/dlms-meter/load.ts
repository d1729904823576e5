/** What flows at a service point in an interval: pure functions of the meter's seed. */
import { type Household, household, loadWh } from '../household.ts';
import { hash32 } from '../random.ts';

export interface SupplyPoint {
  readonly home: Household;
  /** Peak of the panels on the roof, W; 0 = none. */
  readonly panelsW: number;
}

export interface Flow {
  readonly importWh: number;
  readonly exportWh: number;
  readonly reactiveVarh: number;
}

const QUARTER_MS = 900_000;
const QUARTER_H = 4;

export function supplyPoint(seed: string): SupplyPoint {
  const roofs = hash32(`${seed}/roof`) % 3;
  return { home: household(seed), panelsW: roofs === 0 ? 2_000 + (hash32(seed) % 4_000) : 0 };
}

/** Energy of [startMs, startMs + intervalS); import is exactly the household's load. */
export function flowOf(point: SupplyPoint, startMs: number, intervalS: number): Flow {
  const importWh = loadWh(point.home, startMs, intervalS);
  let exportWh = 0;
  for (let at = startMs; at < startMs + intervalS * 1_000; at += QUARTER_MS) {
    exportWh += sunWh(point, at);
  }
  return { importWh, exportWh, reactiveVarh: Math.floor(importWh / 5) };
}

function sunWh({ panelsW, home }: SupplyPoint, startMs: number): number {
  if (panelsW === 0) return 0;
  const hour = (((startMs / 3_600_000 + home.offsetH) % 24) + 24) % 24;
  const distance = (hour - 12.5) / 3;
  return Math.floor((panelsW * Math.exp(-distance * distance)) / QUARTER_H / 2);
}
