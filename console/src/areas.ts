/** The areas of the console, and the scopes of which one is enough to enter. */
export const AREAS = [
  ['overview', ['readings:read', 'quarantine:read']],
  ['meters', ['master:read']],
  ['bills', ['billing:read']],
  ['collections', ['collections:read']],
  ['commands', ['commands:read']],
] as const;

export type Area = (typeof AREAS)[number][0];

/** What a person may not see is not there. */
export function areasOf(scopes: readonly string[]): Area[] {
  return AREAS.filter(([, any]) => any.some((scope) => scopes.includes(scope))).map(
    ([area]) => area,
  );
}
