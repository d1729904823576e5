/** Vocabularies of the Australian metering data file format (MDFF, NEM12). */
import { DAY_MS, daysInMonth, FLAG, HOUR_MS } from '../../domain/index.ts';
import type { StreamDeclaration } from './format.ts';

/** Market time is UTC+10 all year; there is no daylight saving. */
const MARKET_OFFSET_MS = 10 * HOUR_MS;

/**
 * UOM without regard to case -> the domain's spelling. A table of its own because the market knows
 * no milli: its 'mWh' means megawatt-hours.
 */
const UOM = new Map(
  [
    ...['MWh', 'kWh', 'Wh', 'Mvarh', 'kvarh', 'varh', 'Mvar', 'kvar', 'var', 'MW', 'kW', 'W'],
    ...['MVAh', 'kVAh', 'VAh', 'MVA', 'kVA', 'VA', 'kV', 'V', 'kA', 'A', 'pf'],
  ].map((unit) => [unit.toLowerCase(), unit]),
);

export function unitOfUom(uom: string): string | undefined {
  return UOM.get(uom.toLowerCase());
}

/** Decimals at which a value counts the bare unit: 3 for kWh, so that watt-hours are whole. */
export function bareUnitDecimals(unit: string): number {
  if (unit.startsWith('M')) return 6;
  return unit.startsWith('k') ? 3 : 0;
}

/** Minutes: 5, 15 and 30 by the specification; the others occur. */
export const INTERVAL_MINUTES: readonly number[] = [5, 15, 30];
export const INTERVAL_MINUTES_TOLERATED: readonly number[] = [1, 10, 60];

type SuffixMeaning = Pick<StreamDeclaration, 'direction' | 'role'>;

/** First letter of an NMI suffix. E is export from the grid, so import of the customer. */
// biome-ignore format: a table reads best with one row a line
const SUFFIX: Readonly<Record<string, SuffixMeaning>> = {
  E: { direction: 'import', role: 'main' }, D: { direction: 'import', role: 'average' }, F: { direction: 'import', role: 'check' },
  B: { direction: 'export', role: 'main' }, A: { direction: 'export', role: 'average' }, C: { direction: 'export', role: 'check' },
  Q: { direction: 'import', role: 'main' }, P: { direction: 'import', role: 'average' }, R: { direction: 'import', role: 'check' },
  K: { direction: 'export', role: 'main' }, J: { direction: 'export', role: 'average' }, L: { direction: 'export', role: 'check' },
  T: { role: 'main' }, S: { role: 'average' }, U: { role: 'check' },
  N: { direction: 'net', role: 'main' },
};

export function suffixMeaning(suffix: string): SuffixMeaning {
  return SUFFIX[suffix[0]?.toUpperCase() ?? ''] ?? {};
}

const METHODS = new Set([
  ...['11', '12', '13', '14', '15', '16', '17', '18', '19'],
  ...['51', '52', '53', '54', '55', '56', '57', '58'],
  ...['61', '62', '63', '64', '65', '66', '67', '68', '71', '72', '73', '74', '75'],
]);

/** 'bad' shape, a method the specification does not 'list', or 'good'. */
export function judgeQualityMethod(method: string): 'bad' | 'unlisted' | 'good' {
  if (/^[ANV]$/.test(method)) return 'good';
  if (!/^[EFS]\d\d$/.test(method)) return 'bad';
  return METHODS.has(method.slice(1)) ? 'good' : 'unlisted';
}

/** Reason codes that say what happened to the meter, not only why a value was replaced. */
const REASON_FLAGS: Readonly<Record<string, number>> = {
  39: FLAG.REVERSE,
  61: FLAG.TAMPER,
  79: FLAG.OUTAGE,
  89: FLAG.CLOCK_SET,
  90: FLAG.TEST_MODE,
  95: FLAG.OVERFLOW,
};

export function reasonFlags(reason: string): number {
  return reason === '' ? 0 : (REASON_FLAGS[String(Number(reason))] ?? 0);
}

export const TRANS_CODES = 'ACGDENOSR';

const DATE = /^(\d{4})(\d\d)(\d\d)(?:(\d\d)(\d\d)(\d\d)?)?$/;

/** Date8, Date12 or Date14 in market time -> epoch ms; undefined when there is no such moment. */
export function marketInstant(text: string): number | undefined {
  const match = DATE.exec(text);
  if (match === null) return undefined;
  const [year, month, day, hour, minute, second] = [1, 2, 3, 4, 5, 6].map((i) =>
    Number(match[i] ?? 0),
  ) as [number, number, number, number, number, number];
  if (year < 1900 || month < 1 || month > 12 || day < 1 || day > daysInMonth(year, month)) {
    return undefined;
  }
  if (hour > 23 || minute > 59 || second > 59) return undefined;
  return Date.UTC(year, month - 1, day, hour, minute, second) - MARKET_OFFSET_MS;
}

export const MINUTES_A_DAY = DAY_MS / 60_000;
