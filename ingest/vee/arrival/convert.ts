/**
 * Values of a block as whole counts in the channel's unit and exponent, exactly, the CT/VT ratio
 * applied once. Integers stay numbers; everything else goes through exact decimals. NaN of any kind
 * does not exist here: a value converts without loss or is refused.
 */
import {
  type Channel,
  type FaultCode,
  type IntervalValue,
  parseUnit,
  type ReadingBlock,
  scaledBigint,
} from '../../../domain/index.ts';

export interface Scale {
  /** Power of ten from the block's counts to the channel's. */
  readonly shift: number;
  readonly numerator: number;
  readonly denominator: number;
  /** Whole multiplier when one does; 0 when exact decimals are needed. */
  readonly factor: number;
}

/**
 * Undefined = the declared unit is not the channel's, or names another size without `decimals`:
 * then nobody can know what the counts are of.
 */
export function scaleOf(block: ReadingBlock, channel: Channel): Scale | undefined {
  let exponent = channel.exponent;
  if (block.unit !== undefined) {
    const unit = parseUnit(block.unit);
    if (unit?.unit !== channel.unit) return undefined;
    exponent = unit.exponent;
    if (block.decimals === undefined && exponent !== channel.exponent) return undefined;
  } else if (block.decimals !== undefined) {
    // Decimals without a unit are decimals of the channel's plain unit.
    exponent = 0;
  }
  const shift = exponent - (block.decimals ?? 0) - channel.exponent;
  const applied = block.multiplierApplied === true;
  const numerator = applied ? 1 : channel.ratioNumerator;
  const denominator = applied ? 1 : channel.ratioDenominator;
  const simple = shift >= 0 && shift <= 9 && numerator % denominator === 0;
  const factor = simple ? 10 ** shift * (numerator / denominator) : 0;
  return { shift, numerator, denominator, factor };
}

export interface ValueProblem {
  readonly index: number;
  readonly code: FaultCode;
}

export interface Converted {
  /** The block's own list when nothing had to change. Refused values are null. */
  readonly values: readonly (number | null)[];
  readonly problems: readonly ValueProblem[];
}

const NO_PROBLEMS: readonly ValueProblem[] = [];

export function convertValues(
  given: readonly IntervalValue[],
  scale: Scale,
  mayBeNegative: boolean,
): Converted {
  if (scale.factor === 1 && allPlain(given, mayBeNegative)) {
    return { values: given as readonly (number | null)[], problems: NO_PROBLEMS };
  }
  const values: (number | null)[] = [];
  const problems: ValueProblem[] = [];
  given.forEach((value, index) => {
    const converted = value === null ? null : convertValue(value, scale);
    if (typeof converted === 'string') {
      problems.push({ index, code: converted });
      values.push(null);
    } else if (converted !== null && converted < 0 && !mayBeNegative) {
      problems.push({ index, code: 'NEGATIVE' });
      values.push(null);
    } else {
      values.push(converted);
    }
  });
  return { values, problems };
}

function allPlain(values: readonly IntervalValue[], mayBeNegative: boolean): boolean {
  for (const value of values) {
    if (value === null) continue;
    if (!Number.isSafeInteger(value)) return false;
    if ((value as number) < 0 && !mayBeNegative) return false;
  }
  return true;
}

/** The count in the channel's terms, or why there is none. */
export function convertValue(value: number | string, scale: Scale): number | FaultCode {
  if (typeof value === 'number' && scale.factor !== 0 && Number.isSafeInteger(value)) {
    const product = value * scale.factor;
    if (Number.isSafeInteger(product)) return product;
    return 'VALUE_RANGE';
  }
  if (typeof value !== 'number' && typeof value !== 'string') return 'PAYLOAD_SCHEMA';
  return convertExactly(String(value), scale);
}

const PLAUSIBLE_CHARS_MAX = 40;
const DECIMAL = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,2})?$/;

function convertExactly(text: string, scale: Scale): number | FaultCode {
  const trimmed = text.trim();
  if (trimmed.length > PLAUSIBLE_CHARS_MAX) return 'VALUE_RANGE';
  if (!DECIMAL.test(trimmed)) return 'PAYLOAD_SCHEMA';
  // Ratio first, on digits that can lose nothing; the power of ten last.
  const spare = 60;
  const digits = scaledBigint(trimmed, scale.shift + spare);
  if (digits === undefined) return 'NOT_INTEGER';
  const divisor = 10n ** BigInt(spare) * BigInt(scale.denominator);
  const product = digits * BigInt(scale.numerator);
  if (product % divisor !== 0n) return 'NOT_INTEGER';
  const count = Number(product / divisor);
  return Number.isSafeInteger(count) ? count : 'VALUE_RANGE';
}
