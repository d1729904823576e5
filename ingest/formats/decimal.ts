import { LIMITS } from '../../domain/index.ts';

const POWERS = Array.from({ length: 16 }, (_, power) => 10 ** power);
const SLOW = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,2}))?$/;
/** Longer texts are no measurement; keeps the exact arithmetic small. */
const CHARS_MAX = 64;
/** Digits after the point at which binary floating point leaves its traces, see below. */
const NOISE_DECIMALS = 12;
const DIGITS_EXACT = 15;

export type DecimalVerdict = 'exact' | 'noise' | 'not-a-number' | 'too-fine' | 'too-large';

/**
 * One decimal text at a time, as a whole count of 10^-decimals without trailing zeros: '1.250' is
 * mantissa 125, decimals 2. A reader keeps one of these, because files hold millions of values.
 *
 * More than LIMITS.importDecimalsMax digits after the point are refused ('too-fine'), except for
 * the traces of binary floating point: when the text differs from that many digits by less than
 * 10^-12 (0.028999999999999998), the nearest count is what was measured ('noise'; vee.md 4.13).
 */
export class DecimalReader {
  mantissa = 0;
  decimals = 0;

  read(text: string): DecimalVerdict {
    return this.#fast(text) ? 'exact' : this.#slow(text.trim());
  }

  /** Unsigned plain digits that surely fit; everything else is left to the slow way. */
  #fast(text: string): boolean {
    let mantissa = 0;
    let digits = 0;
    let point = -1;
    for (let i = 0; i < text.length; i += 1) {
      const code = text.charCodeAt(i);
      if (code === 0x2e && point === -1) point = i;
      else if (code < 0x30 || code > 0x39) return false;
      else {
        mantissa = mantissa * 10 + (code - 0x30);
        digits += 1;
      }
    }
    if (digits === 0 || digits > DIGITS_EXACT) return false;
    let decimals = point === -1 ? 0 : text.length - point - 1;
    while (decimals > 0 && mantissa % 10 === 0) {
      mantissa /= 10;
      decimals -= 1;
    }
    if (decimals > LIMITS.importDecimalsMax) return false;
    this.mantissa = mantissa;
    this.decimals = decimals;
    return true;
  }

  #slow(text: string): DecimalVerdict {
    const match = text.length > CHARS_MAX ? null : SLOW.exec(text);
    if (match === null) return 'not-a-number';
    const [, sign, whole = '', fraction = '', exponent = '0'] = match;
    if (whole === '' && fraction === '') return 'not-a-number';
    let count = BigInt(`${whole}${fraction}`);
    let decimals = fraction.length - Number(exponent);
    const noisy = decimals > LIMITS.importDecimalsMax;
    if (noisy) {
      const rounded = roundTo(count, decimals, LIMITS.importDecimalsMax);
      if (rounded === undefined) return 'too-fine';
      const exact = rounded * 10n ** BigInt(decimals - LIMITS.importDecimalsMax) === count;
      count = rounded;
      decimals = LIMITS.importDecimalsMax;
      return this.#keep(sign === '-' ? -count : count, decimals, exact ? 'exact' : 'noise');
    }
    return this.#keep(sign === '-' ? -count : count, decimals, 'exact');
  }

  #keep(count: bigint, decimals: number, verdict: DecimalVerdict): DecimalVerdict {
    let mantissa = count;
    let left = decimals;
    while (left > 0 && mantissa % 10n === 0n) {
      mantissa /= 10n;
      left -= 1;
    }
    if (left < 0) {
      mantissa *= 10n ** BigInt(-left);
      left = 0;
    }
    this.mantissa = Number(mantissa);
    this.decimals = left;
    return Number.isSafeInteger(this.mantissa) ? verdict : 'too-large';
  }
}

/** Nearest count at `to` decimals, or undefined when more than noise would be lost. */
function roundTo(count: bigint, from: number, to: number): bigint | undefined {
  const divisor = 10n ** BigInt(from - to);
  const rounded = (count + divisor / 2n) / divisor;
  const lost = rounded * divisor - count;
  const tolerated = from > NOISE_DECIMALS ? 10n ** BigInt(from - NOISE_DECIMALS) : 0n;
  const size = lost < 0n ? -lost : lost;
  return size <= tolerated ? rounded : undefined;
}

/** mantissa x 10^-decimals as a whole count of 10^-target; target >= decimals. May be unsafe. */
export function rescale(mantissa: number, decimals: number, target: number): number {
  return mantissa * (POWERS[target - decimals] as number);
}
