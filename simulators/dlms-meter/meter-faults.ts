/**
 * What goes wrong between a simulated meter and whoever asks it: drawn from the seed, or told for
 * the next reply by a test.
 */
import type { Random } from '../random.ts';

export type ReplyFault =
  | 'none'
  | 'drop' // the reply is never sent
  | 'slow' // it comes late
  | 'wrong-fcs' // one bit of the frame is wrong (HDLC only)
  | 'close'; // the meter hangs up instead

export interface ReplyFaultRates {
  readonly drop: number;
  readonly slow: number;
  readonly wrongFcs: number;
  readonly close: number;
}

export const GOOD_LINE: ReplyFaultRates = { drop: 0, slow: 0, wrongFcs: 0, close: 0 };
/** A power line on a wet day. */
export const BAD_LINE: ReplyFaultRates = { drop: 0.01, slow: 0.03, wrongFcs: 0.03, close: 0.005 };

const QUEUE_MAX = 1_000;

export class ReplyFaults {
  readonly slowMs: number;
  /** Everything from the meter, repetitions too: lost, or (HDLC) with a bit wrong in each frame. */
  line: 'good' | 'dead' | 'noisy' = 'good';
  readonly #random: Random;
  readonly #rates: ReplyFaultRates;
  readonly #told: ReplyFault[] = [];

  constructor(random: Random, rates: ReplyFaultRates, slowMs: number) {
    this.#random = random;
    this.#rates = rates;
    this.slowMs = slowMs;
  }

  /** The faults of the next replies, in this order, before chance takes over again. */
  tell(...faults: readonly ReplyFault[]): void {
    if (this.#told.length + faults.length > QUEUE_MAX) throw new RangeError('too many faults told');
    this.#told.push(...faults);
  }

  draw(): ReplyFault {
    const told = this.#told.shift();
    if (told !== undefined) return told;
    let roll = this.#random.next();
    const table: readonly [ReplyFault, number][] = [
      ['drop', this.#rates.drop],
      ['slow', this.#rates.slow],
      ['wrong-fcs', this.#rates.wrongFcs],
      ['close', this.#rates.close],
    ];
    for (const [fault, rate] of table) {
      if (roll < rate) return fault;
      roll -= rate;
    }
    return 'none';
  }
}
