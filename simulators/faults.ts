/**
 * Which faults strike which meter when: a pure function of the seed, so that a run can be repeated
 * and a judge can know what to expect.
 */
import type { Random } from './random.ts';

export type SlotFault =
  | 'none'
  | 'gap-short' // up to eight intervals are never measured: can be estimated
  | 'gap-long' // ten hours are lost
  | 'duplicate' // the message is sent twice
  | 'late' // the slot is sent after the next one: out of order
  | 'clock-ahead' // starts are seven minutes off the grid; given again rightly afterwards
  | 'clock-future' // starts lie two days ahead; given again rightly afterwards
  | 'garbage'; // the message is cut off or noise; the values come again properly afterwards

export interface FaultRates {
  readonly gapShort: number;
  readonly duplicate: number;
  readonly late: number;
  readonly clockAhead: number;
  readonly clockFuture: number;
  readonly garbage: number;
}

/** A month that a head-end would call normal, only with more of everything. */
export const BAD_MONTH: FaultRates = {
  gapShort: 0.004,
  duplicate: 0.01,
  late: 0.01,
  clockAhead: 0.0008,
  clockFuture: 0.0005,
  garbage: 0.002,
};

export function drawFault(random: Random, rates: FaultRates): SlotFault {
  let roll = random.next();
  const table: readonly [SlotFault, number][] = [
    ['gap-short', rates.gapShort],
    ['duplicate', rates.duplicate],
    ['late', rates.late],
    ['clock-ahead', rates.clockAhead],
    ['clock-future', rates.clockFuture],
    ['garbage', rates.garbage],
  ];
  for (const [fault, rate] of table) {
    if (roll < rate) return fault;
    roll -= rate;
  }
  return 'none';
}
