/** Decimal strings, exactly: no amount of money or energy becomes a floating-point number here. */

const DECIMAL = /^([+-]?)(\d+)(?:\.(\d+))?$/;

interface Parts {
  readonly negative: boolean;
  readonly whole: string;
  readonly fraction: string;
}

/** Undefined for anything that is not a plain decimal. */
function partsOf(text: string): Parts | undefined {
  const match = DECIMAL.exec(text.trim());
  if (match === null) return undefined;
  return { negative: match[1] === '-', whole: match[2] as string, fraction: match[3] ?? '' };
}

const separatorsByLocale = new Map<string, { group: string; decimal: string }>();

function separators(locale: string) {
  const known = separatorsByLocale.get(locale);
  if (known !== undefined) return known;
  const parts = new Intl.NumberFormat(locale, { useGrouping: 'always' }).formatToParts(12_345.6);
  const part = (type: string, fallback: string) =>
    parts.find((p) => p.type === type)?.value ?? fallback;
  const made = { group: part('group', ','), decimal: part('decimal', '.') };
  separatorsByLocale.set(locale, made);
  return made;
}

/** '-1234567.50' -> '−1,234,567.50' with all its digits; what is no decimal comes back as it is. */
export function formatDecimal(text: string, locale: string): string {
  const parts = partsOf(text);
  if (parts === undefined) return text;
  const { group, decimal } = separators(locale);
  const whole = parts.whole.replace(/\B(?=(?:\d{3})+$)/g, group);
  const fraction = parts.fraction === '' ? '' : `${decimal}${parts.fraction}`;
  return `${parts.negative ? '−' : ''}${whole}${fraction}`;
}

/** A whole count, such as readings. */
export function formatCount(count: number, locale: string): string {
  return formatDecimal(String(count), locale);
}

/** Moves the point: shiftPoint('1250', -3) = '1.250'. Trailing zeros stay: they are precision. */
export function shiftPoint(text: string, places: number): string {
  const parts = partsOf(text);
  if (parts === undefined) return text;
  const sign = parts.negative ? '-' : '';
  const point = parts.whole.length + places;
  const digits = parts.whole + parts.fraction;
  const padded = point <= 0 ? '0'.repeat(1 - point) + digits : digits.padEnd(point, '0');
  const at = Math.max(point, 1);
  const whole = padded.slice(0, at).replace(/^0+(?=\d)/, '');
  const fraction = padded.slice(at);
  return `${sign}${whole}${fraction === '' ? '' : `.${fraction}`}`;
}

/** The exact sum, with as many decimals as the finest term; undefined when one is no decimal. */
export function addDecimals(terms: readonly string[]): string | undefined {
  const parsed = terms.map(partsOf);
  const decimals = Math.max(0, ...parsed.map((p) => p?.fraction.length ?? 0));
  let sum = 0n;
  for (const parts of parsed) {
    if (parts === undefined) return undefined;
    const count = BigInt(parts.whole + parts.fraction.padEnd(decimals, '0'));
    sum += parts.negative ? -count : count;
  }
  const digits = (sum < 0n ? -sum : sum).toString().padStart(decimals + 1, '0');
  const text = decimals === 0 ? digits : `${digits.slice(0, -decimals)}.${digits.slice(-decimals)}`;
  return `${sum < 0n ? '-' : ''}${text}`;
}

/** Same amount, whatever its trailing zeros. */
export function sameDecimal(a: string, b: string): boolean {
  const difference = addDecimals([a, b.startsWith('-') ? b.slice(1) : `-${b.replace(/^\+/, '')}`]);
  return difference !== undefined && /^-?0*\.?0*$/.test(difference);
}

/** A rate as per cent: '0.21' -> '21', '0.0511269632' -> '5.11269632'. */
export function percentOf(rate: string): string {
  const shifted = shiftPoint(rate, 2);
  return shifted.includes('.') ? shifted.replace(/\.?0+$/, '') : shifted;
}
