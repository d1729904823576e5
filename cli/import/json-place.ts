/** Where an element of a list stands in the bytes of a JSON object, so that it can be shown as sent. */
export interface ByteRange {
  readonly from: number;
  /** Exclusive. */
  readonly to: number;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const OPENING = new Set([0x7b, 0x5b]);
const CLOSING = new Set([0x7d, 0x5d]);
const BLANK = new Set([0x20, 0x09, 0x0a, 0x0d]);

/**
 * Bytes of element `index` of the list `member` of the object in `json`. The bytes are JSON that
 * was parsed before; undefined when there is no such element. As in JSON.parse the last of equal
 * members counts.
 */
export function elementRange(json: Buffer, member: string, index: number): ByteRange | undefined {
  let found: ByteRange | undefined;
  for (const { from, to } of partsOf(json, skipBlank(json, 0))) {
    const keyEnd = valueEnd(json, from);
    if (JSON.parse(json.toString('utf8', from, keyEnd)) !== member) continue;
    const colon = skipBlank(json, keyEnd);
    found = { from: skipBlank(json, colon + 1), to };
  }
  if (found === undefined) return undefined;
  let at = 0;
  for (const part of partsOf(json, found.from)) {
    if (at === index) return part;
    at += 1;
  }
  return undefined;
}

/** Elements of the list, or members of the object, that opens at `at`. */
function* partsOf(json: Buffer, at: number): Generator<ByteRange> {
  let from = skipBlank(json, at + 1);
  while (from < json.length && !CLOSING.has(json[from] as number)) {
    let to = from;
    let end = from;
    while (to < json.length && json[to] !== COMMA && !CLOSING.has(json[to] as number)) {
      to = valueEnd(json, to);
      end = to;
      to = skipBlank(json, to);
    }
    yield { from, to: end };
    from = json[to] === COMMA ? skipBlank(json, to + 1) : to;
  }
}

/** Behind the value, or the colon, that begins at `at`. */
function valueEnd(json: Buffer, at: number): number {
  if (json[at] === QUOTE) return stringEnd(json, at);
  if (!OPENING.has(json[at] as number)) return scalarEnd(json, at);
  let depth = 0;
  let i = at;
  while (i < json.length) {
    const byte = json[i] as number;
    if (byte === QUOTE) {
      i = stringEnd(json, i);
      continue;
    }
    if (OPENING.has(byte)) depth += 1;
    if (CLOSING.has(byte)) depth -= 1;
    i += 1;
    if (depth === 0) return i;
  }
  return i;
}

function stringEnd(json: Buffer, at: number): number {
  let i = at + 1;
  while (i < json.length && json[i] !== QUOTE) i += json[i] === BACKSLASH ? 2 : 1;
  return i + 1;
}

function scalarEnd(json: Buffer, at: number): number {
  let i = at + 1;
  for (; i < json.length; i += 1) {
    const byte = json[i] as number;
    if (byte === COMMA || byte === QUOTE || BLANK.has(byte)) break;
    if (OPENING.has(byte) || CLOSING.has(byte)) break;
  }
  return i;
}

function skipBlank(json: Buffer, at: number): number {
  let i = at;
  while (i < json.length && BLANK.has(json[i] as number)) i += 1;
  return i;
}
