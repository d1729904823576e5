import type { ReadContext } from './format.ts';

/** A source that can be read from its beginning as often as wanted: `open` is called each time. */
export function reiterable(open: () => AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  return { [Symbol.asyncIterator]: () => open()[Symbol.asyncIterator]() };
}

/** A generator would be empty the second time, and the file would look cut off. */
export function requireReiterable(chunks: AsyncIterable<Uint8Array>, context: ReadContext): void {
  if ((chunks as Partial<AsyncIterator<Uint8Array>>).next === undefined) return;
  throw new TypeError(`${context.fileName}: without a survey the source must be readable twice`);
}
