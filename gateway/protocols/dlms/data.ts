/**
 * Data in A-XDR (Green Book, 9.5; IEC 61334-6): a tag, then the value.
 */
import { Fault } from '../../../domain/index.ts';
import { checkCount, checkDepth } from './bounds.ts';
import { readCompactArray, writeCompactArray } from './compact.ts';
import { Reader, Writer } from './cursor.ts';
import { SCALARS, scalarByTag } from './scalars.ts';
import { ARRAY_TAG, COMPACT_ARRAY_TAG, type Data, STRUCTURE_TAG } from './types.ts';

/** One Data and nothing after it. Throws DLMS_TAG, DLMS_TRUNCATED, DLMS_TRAILING, DLMS_LIMIT. */
export function decodeData(bytes: Uint8Array): Data {
  const reader = new Reader(bytes);
  const data = readData(reader);
  reader.end('Data');
  return data;
}

/** Throws DLMS_VALUE when a value does not fit its type, DLMS_LIMIT when it nests too deep. */
export function encodeData(data: Data): Uint8Array {
  const writer = new Writer();
  writeData(writer, data);
  return writer.done();
}

export function readData(reader: Reader): Data {
  return readNested(reader, 1);
}

export function writeData(writer: Writer, data: Data): void {
  writeNested(writer, data, 1);
}

function readNested(reader: Reader, depth: number): Data {
  checkDepth(depth);
  const tag = reader.u8('Data tag');
  if (tag === ARRAY_TAG || tag === STRUCTURE_TAG) {
    const count = readCount(reader);
    const value: Data[] = [];
    for (let i = 0; i < count; i += 1) value.push(readNested(reader, depth + 1));
    return { type: tag === ARRAY_TAG ? 'array' : 'structure', value };
  }
  if (tag === COMPACT_ARRAY_TAG) return readCompactArray(reader, depth);
  const type = scalarByTag(tag);
  if (type === undefined) throw new Fault('DLMS_TAG', { tag, what: 'Data' });
  return SCALARS[type].read(reader);
}

function writeNested(writer: Writer, data: Data, depth: number): void {
  checkDepth(depth);
  if (data.type === 'array' || data.type === 'structure') {
    checkCount(data.value.length);
    writer.u8(data.type === 'array' ? ARRAY_TAG : STRUCTURE_TAG).length(data.value.length);
    for (const element of data.value) writeNested(writer, element, depth + 1);
    return;
  }
  if (data.type === 'compact-array') {
    writer.u8(COMPACT_ARRAY_TAG);
    writeCompactArray(writer, data, depth);
    return;
  }
  writer.u8(SCALARS[data.type].tag);
  SCALARS[data.type].write(writer, data);
}

/** The number of elements that follow; each takes an octet at least, so it cannot exceed them. */
function readCount(reader: Reader): number {
  const count = reader.length('number of elements');
  checkCount(count);
  if (count > reader.remaining) {
    throw new Fault('DLMS_TRUNCATED', {
      what: `${count} elements`,
      needed: count,
      left: reader.remaining,
    });
  }
  reader.spendElements(count);
  return count;
}
