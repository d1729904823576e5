/** JSON text to a value without letting a fraction pass as a whole number. */

/** A number token with a point or an exponent, where JSON allows a number to stand. */
const FRACTIONAL = /(?:"\s*:|[[,])\s*-?\d+(?:\.|[eE])/;
const STRING_OR_FRACTION = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+(?:[eE][+-]?\d+)?|[eE][+-]?\d+)/g;

/** Stands for a number token with a point or an exponent; no schema of ours accepts one. */
const FRACTION_KEY = '$fraction';

/**
 * As JSON.parse (throws SyntaxError), but number tokens with a point or an exponent come back as
 * objects (see fractionOf): a double would turn 0.99999999999999999999 into 1 and 1e400 into
 * Infinity. Whole numbers beyond 2^53 stay numbers and fail the safe-integer check, since rounding
 * keeps them beyond it.
 */
export function parseExactJson(text: string): unknown {
  const value: unknown = JSON.parse(text);
  if (!FRACTIONAL.test(text)) return value;
  const quoted = text.replace(STRING_OR_FRACTION, (token) =>
    token.startsWith('"') ? token : `{"${FRACTION_KEY}":"${token}"}`,
  );
  return JSON.parse(quoted);
}

/** The token, as it was written, of a number that parseExactJson did not take for a whole one. */
export function fractionOf(value: unknown): string | undefined {
  if (!isRecord(value)) return undefined;
  const token = value[FRACTION_KEY];
  return typeof token === 'string' ? token : undefined;
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Any value in a few characters, for a problem text. */
export function excerpt(value: unknown): string {
  const text = typeof value === 'string' ? value : (fractionOf(value) ?? shortJson(value));
  return text.length > 40 ? `${text.slice(0, 40)}…` : text;
}

function shortJson(value: unknown): string {
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === 'object' && value !== null) return 'an object';
  return String(value);
}
