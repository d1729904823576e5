/** From a supply (agreement, place, channels over time) to what must be summed and how. */

import type { Supply, SupplyChannel } from '../../db/supplies.ts';
import { Fault, type Unit } from '../../domain/index.ts';
import { localMidnightMs } from '../calendar/local.ts';
import { type Channels, makeRatingPlan, type RatingPlan } from '../rating/plan.ts';
import type { ChannelDirection, Tariff } from '../tariffs/schema.ts';

export interface KnownTariff {
  readonly tariff: Tariff;
  readonly revision: number;
  readonly hash: string;
}

export interface ChannelWindow {
  readonly channel: SupplyChannel;
  readonly direction: ChannelDirection;
  readonly fromMs: number;
  readonly toMs: number;
}

export interface PlannedSupply {
  readonly supply: Supply;
  readonly tariff: KnownTariff;
  readonly plan: RatingPlan;
  readonly windows: readonly ChannelWindow[];
}

/** Plans by everything they depend on: a bill run makes each once for thousands of accounts. */
export class PlanCache {
  readonly #plans = new Map<string, RatingPlan>();

  planFor(supply: Supply, tariff: KnownTariff, channels: Channels): RatingPlan {
    const { time_zone: zone, from_date: from, to_date: to } = supply;
    const key = JSON.stringify([tariff.hash, zone, from, to, channels]);
    const known = this.#plans.get(key);
    if (known !== undefined) return known;
    const plan = makeRatingPlan(tariff.tariff, zone, [from, to], channels);
    this.#plans.set(key, plan);
    return plan;
  }
}

/** Throws BILL_BLOCKED or TARIFF_MISSING when the supply cannot be planned. */
export function planSupply(
  supply: Supply,
  tariffs: ReadonlyMap<string, KnownTariff>,
  cache: PlanCache,
): PlannedSupply {
  const tariff = tariffs.get(supply.tariff_code);
  if (tariff === undefined) {
    throw new Fault('TARIFF_MISSING', { account: supply.account_number, date: supply.from_date });
  }
  if (tariff.tariff.currency !== supply.currency) {
    throw blocked(supply, `tariff is in ${tariff.tariff.currency}, account in ${supply.currency}`);
  }
  const fromMs = localMidnightMs(supply.time_zone, supply.from_date);
  const toMs = localMidnightMs(supply.time_zone, supply.to_date);
  const windows = windowsOf(supply, fromMs, toMs);
  const plan = cache.planFor(supply, tariff, shapesOf(supply, windows));
  return { supply, tariff, plan, windows };
}

function windowsOf(supply: Supply, fromMs: number, toMs: number): ChannelWindow[] {
  const windows = supply.channels.flatMap((channel) => {
    if (channel.direction === 'net') return [];
    const from = Math.max(fromMs, channel.fromMs);
    const to = Math.min(toMs, channel.toMs ?? toMs);
    return from < to ? [{ channel, direction: channel.direction, fromMs: from, toMs: to }] : [];
  });
  for (const [i, a] of windows.entries()) {
    const b = windows.slice(i + 1).find((w) => w.direction === a.direction && overlap(w, a));
    if (b === undefined) continue;
    const names = [a, b].map((w) => `${w.channel.meter}/${w.channel.code}`).join(' and ');
    throw blocked(supply, `two ${a.direction} channels measure at the same time: ${names}`);
  }
  return energyOnly(windows);
}

/** Reactive energy has no charge kind yet and must not be summed with active energy. */
function energyOnly(windows: readonly ChannelWindow[]): ChannelWindow[] {
  return windows.filter((w) => w.channel.unit === 'Wh' || w.channel.unit === 'L');
}

function overlap(a: ChannelWindow, b: ChannelWindow): boolean {
  return a.channel.unit === b.channel.unit && a.fromMs < b.toMs && b.fromMs < a.toMs;
}

function shapesOf(supply: Supply, windows: readonly ChannelWindow[]): Channels {
  const shapes: Partial<Record<ChannelDirection, Channels[ChannelDirection]>> = {};
  for (const { channel, direction } of windows) {
    const shape = {
      unit: channel.unit as Unit,
      exponent: channel.exponent,
      intervalS: channel.intervalS,
    };
    const known = shapes[direction];
    if (known !== undefined && JSON.stringify(known) !== JSON.stringify(shape)) {
      throw blocked(supply, `${direction} channels differ in unit, resolution or interval length`);
    }
    shapes[direction] = shape;
  }
  return shapes as Channels;
}

function blocked(supply: Supply, detail: string): Fault {
  return new Fault('BILL_BLOCKED', { account: supply.account_number, detail });
}
