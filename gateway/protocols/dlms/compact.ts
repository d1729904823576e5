/**
 * compact-array (Blue Book, 4.1.5; Green Book, 9.5): `13 | type description | octets of contents |
 * contents`, the values packed without tags; values of variable length keep their length octet.
 * Values come out as ordinary Data, so that a reader need not know how they travelled.
 */
import { Fault } from '../../../domain/index.ts';
import { checkCount, checkDepth } from './bounds.ts';
import { Reader, Writer } from './cursor.ts';
import { SCALARS, scalarByTag } from './scalars.ts';
import {
  ARRAY_TAG,
  type Data,
  type ScalarType,
  STRUCTURE_TAG,
  type TypeDescription,
} from './types.ts';

type CompactArray = Extract<Data, { type: 'compact-array' }>;

/** What follows the tag. `depth` is that of the compact-array itself. */
export function readCompactArray(reader: Reader, depth: number): CompactArray {
  const description = readDescription(reader, depth + 1);
  const contents = new Reader(reader.octets('compact-array contents'), reader);
  const value: Data[] = [];
  while (contents.remaining > 0) {
    const before = contents.remaining;
    checkCount(value.length + 1);
    reader.spendElements(1);
    value.push(readPacked(contents, description));
    if (contents.remaining === before) {
      throw new Fault('DLMS_VALUE', { what: 'compact-array', detail: 'its element has no octets' });
    }
  }
  return { type: 'compact-array', description, value };
}

export function writeCompactArray(writer: Writer, data: CompactArray, depth: number): void {
  checkCount(data.value.length);
  writeDescription(writer, data.description, depth + 1);
  const contents = new Writer();
  for (const element of data.value) writePacked(contents, data.description, element);
  const packed = contents.done();
  if (packed.length === 0 && data.value.length > 0) {
    throw new Fault('DLMS_VALUE', { what: 'compact-array', detail: 'its element has no octets' });
  }
  writer.octets(packed);
}

function readDescription(reader: Reader, depth: number): TypeDescription {
  checkDepth(depth);
  reader.spendElements(1);
  const tag = reader.u8('type description');
  if (tag === ARRAY_TAG) {
    const count = reader.u16('number of elements');
    return { type: 'array', count, element: readDescription(reader, depth + 1) };
  }
  if (tag === STRUCTURE_TAG) {
    const count = reader.length('number of elements');
    checkCount(count);
    const elements: TypeDescription[] = [];
    for (let i = 0; i < count; i += 1) elements.push(readDescription(reader, depth + 1));
    return { type: 'structure', elements };
  }
  const type = scalarByTag(tag);
  if (type === undefined) throw new Fault('DLMS_TAG', { tag, what: 'type description' });
  return { type };
}

function writeDescription(writer: Writer, description: TypeDescription, depth: number): void {
  checkDepth(depth);
  if (description.type === 'array') {
    writer.u8(ARRAY_TAG).u16(description.count);
    writeDescription(writer, description.element, depth + 1);
  } else if (description.type === 'structure') {
    checkCount(description.elements.length);
    writer.u8(STRUCTURE_TAG).length(description.elements.length);
    for (const element of description.elements) writeDescription(writer, element, depth + 1);
  } else {
    writer.u8(SCALARS[description.type].tag);
  }
}

function readPacked(reader: Reader, description: TypeDescription): Data {
  if (description.type === 'array') {
    reader.spendElements(description.count);
    const value: Data[] = [];
    for (let i = 0; i < description.count; i += 1) {
      value.push(readPacked(reader, description.element));
    }
    return { type: 'array', value };
  }
  if (description.type === 'structure') {
    reader.spendElements(description.elements.length);
    return { type: 'structure', value: description.elements.map((e) => readPacked(reader, e)) };
  }
  return SCALARS[description.type].read(reader);
}

function writePacked(writer: Writer, description: TypeDescription, data: Data): void {
  if (data.type !== description.type) throw mismatch(description.type, data.type);
  if (description.type === 'array' && data.type === 'array') {
    if (data.value.length !== description.count) throw mismatch('count', 'another count');
    for (const element of data.value) writePacked(writer, description.element, element);
  } else if (description.type === 'structure' && data.type === 'structure') {
    if (data.value.length !== description.elements.length) throw mismatch('count', 'another count');
    data.value.forEach((element, i) => {
      writePacked(writer, description.elements[i] as TypeDescription, element);
    });
  } else {
    SCALARS[description.type as ScalarType].write(writer, data);
  }
}

function mismatch(expected: string, given: string): Fault {
  return new Fault('DLMS_VALUE', {
    what: 'compact-array',
    detail: `${given} where the description says ${expected}`,
  });
}
