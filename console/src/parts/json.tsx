/** A document as it is kept, for people who must see exactly that. */
export function Json({ value }: { readonly value: unknown }) {
  if (value === null || value === undefined) return <>—</>;
  return <pre class="json">{JSON.stringify(value, null, 2)}</pre>;
}
