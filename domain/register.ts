/** The difference of two register reads is judged, never just subtracted (vee.md 4.5). */
export type RegisterDelta =
  | { readonly kind: 'normal' | 'rollover'; readonly delta: number }
  | { readonly kind: 'decrease' };

/**
 * @param modulus the register counts 0 .. modulus-1; absent = it never rolls over
 * @param plausibleMax the most that can have flowed between the two reads
 */
export function registerDelta(
  previous: number,
  next: number,
  modulus: number | undefined,
  plausibleMax: number,
): RegisterDelta {
  const difference = next - previous;
  if (difference >= 0) return { kind: 'normal', delta: difference };
  if (modulus === undefined) return { kind: 'decrease' };
  const rolled = difference + modulus;
  return rolled >= 0 && rolled <= plausibleMax
    ? { kind: 'rollover', delta: rolled }
    : { kind: 'decrease' };
}
