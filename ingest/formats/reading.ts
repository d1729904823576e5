/** What readers share in reading a file twice. */
import { Fault } from '../../domain/index.ts';
import type { FormatEvent, ReadContext, Survey } from './format.ts';

/** A source that can be read from its beginning as often as wanted: `open` is called each time. */
export function reiterable(open: () => AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  return { [Symbol.asyncIterator]: () => open()[Symbol.asyncIterator]() };
}

/** A generator would be empty the second time, and the file would look cut off. */
export function requireReiterable(chunks: AsyncIterable<Uint8Array>, context: ReadContext): void {
  if ((chunks as Partial<AsyncIterator<Uint8Array>>).next === undefined) return;
  throw new TypeError(`${context.fileName}: without a survey the source must be readable twice`);
}

/** The end of a file of which nothing is given. */
export function refusedEnd(survey: Survey): FormatEvent {
  return { kind: 'end', summary: { ...survey.summary, blocks: 0, intervals: 0, absent: 0 } };
}

/** What was accepted is not what is being read: whatever was stored of it must be undone. */
export function changedBetween(file: string): Fault {
  return new Fault('FILE_FORMAT', { file, detail: 'the file changed between its two readings' });
}
