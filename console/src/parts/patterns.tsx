/** Fills of SVG charts: estimated and missing are told apart without colour. */
export function Patterns({ prefix }: { readonly prefix: string }) {
  return (
    <defs>
      <pattern
        id={`${prefix}-estimated`}
        width="6"
        height="6"
        patternUnits="userSpaceOnUse"
        patternTransform="rotate(45)"
      >
        <rect width="6" height="6" class="tint-estimated" />
        <rect width="3" height="6" class="fill-estimated" />
      </pattern>
      <pattern
        id={`${prefix}-missing`}
        width="7"
        height="7"
        patternUnits="userSpaceOnUse"
        patternTransform="rotate(-45)"
      >
        <rect width="1.5" height="7" class="fill-missing" />
      </pattern>
    </defs>
  );
}
