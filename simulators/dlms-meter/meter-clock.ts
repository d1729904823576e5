/**
 * A meter's own clock: it drifts, can be set, and shows local time with the European rule of
 * daylight saving as its class 8 object declares it (last Sunday of March and October, 01:00 UTC).
 */
import { type Clock, DAY_MS, HOUR_MS, MINUTE_MS } from '../../domain/index.ts';
import {
  CLOCK_STATUS,
  type CosemDateTime,
  dateTimeAt,
} from '../../gateway/protocols/dlms/datetime.ts';

export interface MeterClockPlan {
  /** Parts per million the meter runs fast (positive) or slow. */
  readonly driftPpm?: number | undefined;
  /** Wrong by this much at the start, ms. */
  readonly offsetMs?: number | undefined;
  /** Minutes east of Greenwich in winter. */
  readonly zoneMinutes?: number | undefined;
  readonly daylightSaving?: boolean | undefined;
}

const SUMMER_MINUTES = 60;

export class MeterClock {
  readonly zoneMinutes: number;
  readonly daylightSaving: boolean;
  readonly #clock: Clock;
  readonly #rate: number;
  #trueAtSetMs: number;
  #setToMs: number;

  constructor(clock: Clock, plan: MeterClockPlan = {}) {
    this.#clock = clock;
    this.#rate = 1 + (plan.driftPpm ?? 0) / 1e6;
    this.zoneMinutes = plan.zoneMinutes ?? 60;
    this.daylightSaving = plan.daylightSaving ?? true;
    this.#trueAtSetMs = clock.nowMs();
    this.#setToMs = this.#trueAtSetMs + (plan.offsetMs ?? 0);
  }

  /** What the meter takes for the time, epoch ms. */
  nowMs(): number {
    const elapsed = this.#clock.nowMs() - this.#trueAtSetMs;
    return Math.floor(this.#setToMs + elapsed * this.#rate);
  }

  set(ms: number): void {
    this.#trueAtSetMs = this.#clock.nowMs();
    this.#setToMs = ms;
  }

  /** COSEM's sign: minutes to add to local time to get UTC. */
  deviationAt(ms: number): number {
    const summer = this.daylightSaving && isSummer(ms);
    return -(this.zoneMinutes + (summer ? SUMMER_MINUTES : 0));
  }

  dateTimeAt(ms: number): CosemDateTime {
    const summer = this.daylightSaving && isSummer(ms);
    return dateTimeAt(ms, this.deviationAt(ms), summer ? CLOCK_STATUS.daylightSaving : 0);
  }

  isLocalMidnight(ms: number): boolean {
    return (ms - this.deviationAt(ms) * MINUTE_MS) % DAY_MS === 0;
  }

  localHour(ms: number): number {
    return Math.floor(((ms - this.deviationAt(ms) * MINUTE_MS) % DAY_MS) / HOUR_MS);
  }
}

function isSummer(ms: number): boolean {
  const year = new Date(ms).getUTCFullYear();
  return ms >= lastSunday(year, 2) && ms < lastSunday(year, 9);
}

/** 01:00 UTC on the last Sunday of a month (0 = January). */
function lastSunday(year: number, month: number): number {
  const last = Date.UTC(year, month + 1, 0, 1);
  return last - new Date(last).getUTCDay() * DAY_MS;
}
