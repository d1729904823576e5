/**
 * Energy and volume as whole counts of a unit with a power-of-ten exponent.
 * A channel in Wh with exponent 0 counts watt-hours; with exponent 3, kilowatt-hours.
 */
export const UNITS = ['Wh', 'varh', 'VAh', 'L', 'W', 'var', 'VA', 'V', 'A', 'none'] as const;
export type Unit = (typeof UNITS)[number];

const PREFIXES: Readonly<Record<string, number>> = { '': 0, k: 3, M: 6, G: 9, m: -3 };
type Named = { readonly unit: Unit; readonly exponent: number };
/** As spelled, and in lower case. Only the exact milli is one: 'MVARH' and 'mwh' are mega. */
const SPELLED = new Map<string, Named>();
const NAMES = new Map<string, Named>();
for (const [prefix, exponent] of Object.entries(PREFIXES)) {
  for (const unit of UNITS) {
    if (unit === 'none') continue;
    const name = `${prefix}${unit}`;
    SPELLED.set(name, { unit, exponent });
    if (prefix !== 'm') NAMES.set(name.toLowerCase(), { unit, exponent });
  }
}
NAMES.set('m3', { unit: 'L', exponent: 3 });
NAMES.set('m³', { unit: 'L', exponent: 3 });
NAMES.set('pf', { unit: 'none', exponent: 0 });

/** 'kWh' -> {unit: 'Wh', exponent: 3}; case does not matter (NEM12 writes KWH); undefined if unknown. */
export function parseUnit(name: string): { unit: Unit; exponent: number } | undefined {
  return SPELLED.get(name) ?? NAMES.get(name.toLowerCase());
}

const DECIMAL = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,3}))?$/;

/**
 * A decimal string as a whole count of 10^-`decimals`, exactly: ('1.250', 3) -> 1250n. Undefined
 * when it is no decimal or digits would be lost.
 */
export function scaledBigint(text: string, decimals: number): bigint | undefined {
  const match = DECIMAL.exec(text.trim());
  if (match === null) return undefined;
  const [, sign, whole = '', fraction = '', exponent = '0'] = match;
  if (whole === '' && fraction === '') return undefined;
  const shift = decimals + Number(exponent) - fraction.length;
  const digits = BigInt(`${whole}${fraction}` || '0');
  if (shift >= 0) return signed(digits * 10n ** BigInt(shift), sign);
  const divisor = 10n ** BigInt(-shift);
  if (digits % divisor !== 0n) return undefined;
  return signed(digits / divisor, sign);
}

function signed(value: bigint, sign: string | undefined): bigint {
  return sign === '-' ? -value : value;
}

/** A whole count of 10^-`decimals` as a decimal string: (1250, 3) -> '1.250'. */
export function formatScaled(count: number | bigint, decimals: number): string {
  const big = BigInt(count);
  if (decimals <= 0) return (big * 10n ** BigInt(-decimals)).toString();
  const negative = big < 0n;
  const digits = (negative ? -big : big).toString().padStart(decimals + 1, '0');
  const split = digits.length - decimals;
  return `${negative ? '-' : ''}${digits.slice(0, split)}.${digits.slice(split)}`;
}
