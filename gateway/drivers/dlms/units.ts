/** Units of COSEM registers (Blue Book, table 4) in the project's words, and values for people. */
import { formatScaled, type Unit } from '../../../domain/index.ts';

interface UnitSpec {
  /** For people. */
  readonly symbol: string;
  /** For readings; absent = readings of it are not taken. */
  readonly unit?: Unit;
  /** Power of ten between the two: a cubic metre is a thousand litres. */
  readonly exponent?: number;
}

// biome-ignore format: a table reads best with one row a line
const UNITS: Readonly<Record<number, UnitSpec>> = {
  6: { symbol: 'min' },
  7: { symbol: 's' },
  9: { symbol: '°C' },
  13: { symbol: 'm³', unit: 'L', exponent: 3 },
  14: { symbol: 'm³', unit: 'L', exponent: 3 },
  27: { symbol: 'W', unit: 'W' },
  28: { symbol: 'VA', unit: 'VA' },
  29: { symbol: 'var', unit: 'var' },
  30: { symbol: 'Wh', unit: 'Wh' },
  31: { symbol: 'VAh', unit: 'VAh' },
  32: { symbol: 'varh', unit: 'varh' },
  33: { symbol: 'A', unit: 'A' },
  35: { symbol: 'V', unit: 'V' },
  44: { symbol: 'Hz' },
  255: { symbol: '' },
};

export interface ScalerUnit {
  readonly scaler: number;
  readonly unit: number;
}

/** What a block declares: `unit`, and counts of 10^-decimals of it. */
export function readingUnit({
  scaler,
  unit,
}: ScalerUnit): { readonly unit: Unit; readonly decimals: number } | undefined {
  const spec = UNITS[unit];
  if (spec?.unit === undefined) return undefined;
  return { unit: spec.unit, decimals: 0 - scaler - (spec.exponent ?? 0) };
}

export function unitSymbol(unit: number): string {
  return UNITS[unit]?.symbol ?? `unit ${unit}`;
}

/** 23051 with scaler -1 and unit 35 -> '2305.1 V'. */
export function sayScaled(raw: number | bigint, { scaler, unit }: ScalerUnit): string {
  return `${formatScaled(raw, -scaler)} ${unitSymbol(unit)}`.trimEnd();
}
