/** How a channel's unit is shown: energy in thousands with three decimals, the rest as it is. */
import { formatDecimal, shiftPoint } from './decimal.ts';

const IN_THOUSANDS: Readonly<Record<string, string>> = { Wh: 'kWh', varh: 'kvarh', VAh: 'kVAh' };

/** 'Wh' -> 'kWh'; 'none' -> ''. */
export function shownUnit(unit: string): string {
  return IN_THOUSANDS[unit] ?? (unit === 'none' ? '' : unit);
}

/** A decimal string in `unit` as a decimal string in shownUnit(unit). */
export function shownValue(value: string, unit: string): string {
  return IN_THOUSANDS[unit] === undefined ? value : shiftPoint(value, -3);
}

export function formatQuantity(value: string, unit: string, locale: string): string {
  return formatDecimal(shownValue(value, unit), locale);
}
