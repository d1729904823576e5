/**
 * What a meter measures and remembers: registers that count on, and profiles captured at the end
 * of each period of the meter's own clock. It catches up with its clock whenever it is asked.
 */
import { DAY_MS } from '../../domain/index.ts';
import type { MeterLog } from '../meter-log.ts';
import { type Flow, flowOf, type SupplyPoint } from './load.ts';
import type { MeterClock } from './meter-clock.ts';
import { Ring } from './ring.ts';

/** Bits of the AMR profile status (IDIS package 2, "profile status"). */
export const PROFILE_STATUS = {
  criticalError: 0x01,
  clockInvalid: 0x02,
  dataInvalid: 0x04,
  daylightSaving: 0x08,
  clockAdjusted: 0x20,
  powerDown: 0x80,
} as const;

export const EVENT = { clockSet: 5, disconnected: 62, connected: 63, limiter: 65 } as const;

export interface MeteringOptions {
  readonly clock: MeterClock;
  readonly point: SupplyPoint;
  readonly log: MeterLog;
  readonly periodS: number;
  readonly loadEntries: number;
  readonly startWh: number;
  readonly modulusWh: number;
  /** How far back the meter has been running, days. */
  readonly historyDays: number;
  readonly closed: () => boolean;
}

/** Order of the values in the load profile's ring. */
export const LOAD_COLUMNS = ['importWh', 'exportWh', 'importOfPeriod', 'exportOfPeriod'] as const;
const DAILY_ENTRIES = 62;
const EVENT_ENTRIES = 128;
const HISTORY_DAYS_MAX = 400;

export interface Totals {
  importWh: number;
  peakWh: number;
  offPeakWh: number;
  exportWh: number;
  reactiveVarh: number;
}

export class Metering {
  readonly load: Ring;
  /** Values: peak, off-peak, export. */
  readonly daily: Ring;
  /** Values: event code. */
  readonly events: Ring;
  readonly periodS: number;
  readonly #options: MeteringOptions;
  readonly #totals: Totals;
  /** Of the period under way: its start and how long the contact was closed so far. */
  #periodStartMs: number;
  #accruedToMs: number;
  #closedMs = 0;
  #capturedImport: number;
  #capturedExport = 0;
  #status = 0;
  #maxDemand = { powerW: 0, atMs: 0 };
  /** Told at the end of each period; it may open the contact. */
  onPeriod: (powerW: number, endMs: number) => void = () => {};

  constructor(options: MeteringOptions) {
    this.#options = options;
    this.periodS = options.periodS;
    this.load = new Ring(options.loadEntries, LOAD_COLUMNS.length);
    this.daily = new Ring(DAILY_ENTRIES, 3);
    this.events = new Ring(EVENT_ENTRIES, 1);
    const back = Math.min(options.historyDays, HISTORY_DAYS_MAX) * DAY_MS;
    this.#periodStartMs = this.#floor(options.clock.nowMs() - back);
    this.#accruedToMs = this.#periodStartMs;
    const { startWh } = options;
    this.#totals = {
      importWh: startWh,
      peakWh: Math.floor(startWh / 2),
      offPeakWh: Math.ceil(startWh / 2),
      exportWh: 0,
      reactiveVarh: 0,
    };
    this.#capturedImport = startWh;
  }

  /** Counts and captures up to the present. */
  advance(): void {
    const now = this.#options.clock.nowMs();
    const periodMs = this.periodS * 1_000;
    for (
      let end = this.#periodStartMs + periodMs;
      end <= now;
      end = this.#periodStartMs + periodMs
    ) {
      this.#accrue(end);
      this.#settle();
      const powerW = this.#capture(end);
      this.#periodStartMs = end;
      this.#accruedToMs = end;
      this.onPeriod(powerW, end);
    }
    this.#accrue(now);
  }

  /** Registers as they show now, without what the modulus has cut off. */
  totals(): Totals {
    this.advance();
    const part = this.#partOfPeriod();
    return this.#plus(part);
  }

  /** Register face. */
  shown(wh: number): number {
    return wh % this.#options.modulusWh;
  }

  /** Power of the period under way, W; nothing flows through an open contact. */
  powerW(): { readonly importW: number; readonly exportW: number } {
    this.advance();
    if (!this.#options.closed()) return { importW: 0, exportW: 0 };
    const flow = this.#flow();
    const perHour = 3_600 / this.periodS;
    return { importW: flow.importWh * perHour, exportW: flow.exportWh * perHour };
  }

  get maxDemand(): { readonly powerW: number; readonly atMs: number } {
    return this.#maxDemand;
  }

  resetMaxDemand(): void {
    this.#maxDemand = { powerW: 0, atMs: this.#options.clock.nowMs() };
  }

  /** The clock moves: what was counted stays, the next capture says that the period is odd. */
  setClock(ms: number): void {
    this.advance();
    this.#settle();
    this.event(EVENT.clockSet);
    this.#options.clock.set(ms);
    this.#periodStartMs = this.#floor(ms);
    this.#accruedToMs = ms;
    this.#status |= PROFILE_STATUS.clockAdjusted;
  }

  event(code: number, atMs: number = this.#options.clock.nowMs()): void {
    this.events.push({ timeS: Math.floor(atMs / 1_000), status: 0, values: [code] });
  }

  /** Intervals measured so far are kept, later ones say what the meter could not. */
  mark(statusBits: number): void {
    this.#status |= statusBits;
  }

  #accrue(toMs: number): void {
    if (toMs <= this.#accruedToMs) return;
    if (this.#options.closed()) this.#closedMs += toMs - this.#accruedToMs;
    this.#accruedToMs = toMs;
  }

  #flow(): Flow {
    return flowOf(this.#options.point, this.#periodStartMs, this.periodS);
  }

  #partOfPeriod(): Flow {
    if (this.#closedMs === 0) return { importWh: 0, exportWh: 0, reactiveVarh: 0 };
    const flow = this.#flow();
    const share = this.#closedMs / (this.periodS * 1_000);
    const of = (wh: number) => Math.floor(wh * share);
    return {
      importWh: of(flow.importWh),
      exportWh: of(flow.exportWh),
      reactiveVarh: of(flow.reactiveVarh),
    };
  }

  #plus(flow: Flow): Totals {
    const t = this.#totals;
    const hour = this.#options.clock.localHour(this.#periodStartMs);
    const peak = hour >= 7 && hour < 21;
    return {
      importWh: t.importWh + flow.importWh,
      peakWh: t.peakWh + (peak ? flow.importWh : 0),
      offPeakWh: t.offPeakWh + (peak ? 0 : flow.importWh),
      exportWh: t.exportWh + flow.exportWh,
      reactiveVarh: t.reactiveVarh + flow.reactiveVarh,
    };
  }

  /** What flowed since the period began enters the registers. */
  #settle(): void {
    Object.assign(this.#totals, this.#plus(this.#partOfPeriod()));
    this.#closedMs = 0;
  }

  #capture(endMs: number): number {
    const { clock, log } = this.#options;
    const { importWh, exportWh, peakWh, offPeakWh } = this.#totals;
    const [ofImport, ofExport] = [importWh - this.#capturedImport, exportWh - this.#capturedExport];
    const summer = clock.deviationAt(endMs) !== -clock.zoneMinutes;
    const status = this.#status | (summer ? PROFILE_STATUS.daylightSaving : 0);
    const timeS = endMs / 1_000;
    const shown = [this.shown(importWh), this.shown(exportWh)];
    this.load.push({ timeS, status, values: [...shown, ofImport, ofExport] });
    log.append({ kind: 'emitted', start: endMs - this.periodS * 1_000, value: ofImport });
    this.#capturedImport = importWh;
    this.#capturedExport = exportWh;
    this.#status = 0;
    if (clock.isLocalMidnight(endMs)) {
      const values = [this.shown(peakWh), this.shown(offPeakWh), this.shown(exportWh)];
      this.daily.push({ timeS, status, values });
    }
    const powerW = (ofImport * 3_600) / this.periodS;
    if (powerW > this.#maxDemand.powerW) this.#maxDemand = { powerW, atMs: endMs };
    return powerW;
  }

  #floor(ms: number): number {
    const periodMs = this.periodS * 1_000;
    return Math.floor(ms / periodMs) * periodMs;
  }
}
