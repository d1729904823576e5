/** From rows of the database to what rules and estimators look at. */
import type { DueDay, WindowReading } from '../../db/ledger.ts';
import { LIMITS } from '../../domain/index.ts';
import type { DayContext, GridValue } from '../vee/types.ts';

const EMPTY = { value: undefined, quality: undefined, flags: 0 } as const;

/** How far beyond a day gaps are followed: one interval past the longest that is estimated. */
export function marginMs(day: Pick<DueDay, 'interval_s'>): number {
  const stepMs = day.interval_s * 1_000;
  return (Math.ceil(LIMITS.linearGapMsMax / stepMs) + 2) * stepMs;
}

export function dayContext(
  day: DueDay,
  readings: ReadonlyMap<number, WindowReading>,
  registers: ReadonlyMap<string, bigint>,
): DayContext {
  const stepMs = day.interval_s * 1_000;
  const steps = Math.ceil(marginMs(day) / stepMs);
  const value = (startMs: number): GridValue => {
    const row = readings.get(startMs);
    if (row === undefined) return { startMs, ...EMPTY };
    return { startMs, value: Number(row.value), quality: row.quality, flags: row.flags };
  };
  const range = (fromMs: number, count: number) =>
    Array.from({ length: count }, (_, i) => value(fromMs + i * stepMs));
  const grid = range(day.from_at, day.expected);
  const endMs = day.from_at + day.expected * stepMs;
  return {
    channelId: day.channel_id,
    localDate: day.local_date,
    fromMs: day.from_at,
    toMs: day.to_at,
    intervalS: day.interval_s,
    grid,
    // Daily values have no neighbours on a fixed step: their days are 23 to 25 hours long.
    before: day.interval_s >= 86_400 ? [] : range(day.from_at - steps * stepMs, steps),
    after: day.interval_s >= 86_400 ? [] : range(endMs, steps),
    registers: registerPair(day, registers),
    intervalMax: day.interval_max === null ? undefined : Number(day.interval_max),
  };
}

function registerPair(day: DueDay, registers: ReadonlyMap<string, bigint>) {
  if (day.register_id === null) return undefined;
  const previous = registers.get(`${day.register_id}|${day.from_at}`);
  const next = registers.get(`${day.register_id}|${day.to_at}`);
  if (previous === undefined || next === undefined) return undefined;
  return {
    previous: Number(previous),
    next: Number(next),
    modulus: day.register_modulus === null ? undefined : Number(day.register_modulus),
  };
}
