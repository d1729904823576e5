/**
 * From one message as it arrived to blocks of readings. Pure and total: whatever the bytes are,
 * every reading in them ends in `blocks` or is counted by a refusal (promises 2 and 8).
 */
import {
  describeError,
  type Envelope,
  LIMITS,
  type ReadingBlock,
  type Refusal,
} from '../../domain/index.ts';
import { checkInstant, checkRecord, checkSerial, recordsIn } from './checks.ts';
import { checkEvent, type MeterEvent, parseReply } from './events.ts';
import { excerpt, isRecord, parseExactJson } from './json.ts';
import { Notes, RefusalList } from './notes.ts';

export interface Decoded {
  readonly blocks: readonly ReadingBlock[];
  readonly refusals: readonly Refusal[];
  /** Events are kept with the batch's raw bytes; they are no readings and are not counted. */
  readonly events: readonly MeterEvent[];
}

/** `at` of a refusal that concerns the whole message. */
export const WHOLE_MESSAGE = 'message';

export const PUSH_CONTENT_TYPES = ['application/json', 'application/x-ndjson'] as const;
export type PushContentType = (typeof PUSH_CONTENT_TYPES)[number];

/** Records decoded between two yields of a push: a few milliseconds of work. */
const RECORDS_A_STEP = 512;

/** Who may replace whose values: 'mqtt', 'http:KEYNAME', 'file:NAME'. */
export function originOf(envelope: Pick<Envelope, 'source' | 'peer'>): string {
  const { source, peer } = envelope;
  return source === 'http' || source === 'file' || source === 'edge' ? `${source}:${peer}` : source;
}

/** What a push was found to hold while it was answered; the journal asks again soon after. */
const answered = new WeakMap<Envelope, Decoded>();

/** Spares the second decoding of an envelope; `decoded` must be what decode() would give. */
export function rememberDecoded(envelope: Envelope, decoded: Decoded): void {
  answered.set(envelope, decoded);
}

/** `message` of every refusal is 0: a batch renumbers it. Never throws. */
export function decode(envelope: Envelope): Decoded {
  const before = answered.get(envelope);
  if (before !== undefined) {
    answered.delete(envelope);
    return before;
  }
  if (envelope.blocks !== undefined) {
    return { blocks: envelope.blocks, refusals: [], events: [] };
  }
  if (envelope.source === 'mqtt') return decodeMqtt(envelope);
  if (envelope.source === 'http') {
    const steps = decodePush(envelope.raw, envelope.contentType);
    for (;;) {
      const step = steps.next();
      if (step.done === true) return step.value;
    }
  }
  return refuseWhole('PAYLOAD_SCHEMA', `no payload is defined for source ${envelope.source}`, 1);
}

/**
 * A head-end push, a step at a time, so that a large one does not hold up everybody else.
 * @param contentType one of PUSH_CONTENT_TYPES
 */
export function* decodePush(
  raw: Uint8Array,
  contentType: string,
): Generator<undefined, Decoded, undefined> {
  const text = utf8(raw);
  if (contentType === 'application/x-ndjson') return yield* decodeLines(text);
  const parsed = parse(text);
  if ('refusal' in parsed) return parsed.refusal;
  const { value } = parsed;
  const readings = isRecord(value) ? value['readings'] : undefined;
  if (!Array.isArray(readings) || readings.length === 0) {
    return refuseWhole('PAYLOAD_SCHEMA', 'the body is {"readings": [..]} with at least one', 1);
  }
  const strange = Object.keys(value as object).filter((key) => key !== 'readings');
  if (strange.length > 0) {
    const reason = `unknown member ${excerpt(strange[0])}`;
    return refuseWhole('PAYLOAD_SCHEMA', reason, countAll(readings));
  }
  const reader = new Reader(undefined, LIMITS.pushReadingsMax);
  for (let i = 0; i < readings.length; i += 1) {
    reader.read(readings[i], `readings/${i}`);
    if (i % RECORDS_A_STEP === RECORDS_A_STEP - 1) yield;
  }
  return reader.result();
}

function* decodeLines(text: string): Generator<undefined, Decoded, undefined> {
  const reader = new Reader(undefined, LIMITS.pushReadingsMax);
  let line = 0;
  for (let from = 0; from < text.length; ) {
    const newline = text.indexOf('\n', from);
    const end = newline === -1 ? text.length : newline;
    const record = text.slice(from, end).trim();
    line += 1;
    from = end + 1;
    if (line % RECORDS_A_STEP === 0) yield;
    if (record === '') continue;
    const place = `line ${line}`;
    const parsed = parse(record);
    if ('value' in parsed) reader.read(parsed.value, place);
    else for (const refusal of parsed.refusal.refusals) reader.refuse({ ...refusal, at: place });
  }
  const decoded = reader.result();
  if (decoded.blocks.length > 0 || decoded.refusals.length > 0) return decoded;
  return refuseWhole('PAYLOAD_SYNTAX', 'the body is empty', 1);
}

function decodeMqtt(envelope: Envelope): Decoded {
  if (envelope.locator.endsWith('/up/reply')) return decodeReply(envelope.raw);
  const parsed = parse(utf8(envelope.raw));
  if ('refusal' in parsed) return parsed.refusal;
  const message = parsed.value;
  const list = envelope.locator.endsWith('/up/events') ? 'events' : 'readings';
  const entries = isRecord(message) ? message[list] : undefined;
  if (!isRecord(message) || !Array.isArray(entries) || entries.length === 0) {
    return refuseWhole('PAYLOAD_SCHEMA', `a message is {"${list}": [..]} with at least one`, 1);
  }
  const refused = checkMessage(message, envelope.peer, list, entries);
  if (refused !== undefined) return refused;
  if (list === 'events') return readEvents(entries, envelope.peer);
  const reader = new Reader(envelope.peer, LIMITS.messageReadingsMax);
  for (let i = 0; i < entries.length; i += 1) reader.read(entries[i], `readings/${i}`);
  return reader.result();
}

/** Only replies that break the schema are journalled, so that they end in the quarantine. */
function decodeReply(raw: Uint8Array): Decoded {
  const checked = parseReply(raw);
  if ('reason' in checked) return refuseWhole('PAYLOAD_SCHEMA', checked.reason, 1);
  return { blocks: [], refusals: [], events: [] };
}

function readEvents(entries: readonly unknown[], meter: string): Decoded {
  const events: MeterEvent[] = [];
  const refusals = new RefusalList();
  const notes = new Notes();
  for (let i = 0; i < entries.length; i += 1) {
    const place = `events/${i}`;
    if (i >= LIMITS.messageReadingsMax) {
      notes.schema(place, `more than ${LIMITS.messageReadingsMax} events in one message`);
    }
    const event = checkEvent(entries[i], meter, place, notes);
    if (event !== undefined) events.push(event);
    else refusals.add(notes.take(place, 1));
  }
  return { blocks: [], refusals: refusals.all(), events };
}

/** What concerns a meter's message as a whole: identity, members, time of sending. */
function checkMessage(
  message: Record<string, unknown>,
  peer: string,
  list: 'readings' | 'events',
  entries: readonly unknown[],
): Decoded | undefined {
  const notes = new Notes();
  const meter = message['meter'];
  if (meter !== undefined && meter !== peer) {
    if (checkSerial(meter)) notes.add('IDENTITY_MISMATCH', { peer, meter }, 'meter');
    else notes.schema('meter', 'is no meter serial');
  }
  if (message['sent_at'] !== undefined) {
    checkInstant(message['sent_at'], WHOLE_MESSAGE, 'sent_at', notes);
  }
  for (const key in message) {
    if (key === list || key === 'meter' || key === 'sent_at') continue;
    notes.schema(WHOLE_MESSAGE, `unknown member ${excerpt(key)}`);
  }
  if (notes.clean) return undefined;
  const refusal = notes.take(WHOLE_MESSAGE, countAll(entries));
  return { blocks: [], refusals: [refusal], events: [] };
}

/** Reads record after record; keeps what is good and counts what is not. */
class Reader {
  readonly #owner: string | undefined;
  readonly #blocks: ReadingBlock[] = [];
  readonly #refusals = new RefusalList();
  readonly #notes = new Notes();
  readonly #max: number;
  #room: number;

  constructor(owner: string | undefined, readingsMax: number) {
    this.#owner = owner;
    this.#max = readingsMax;
    this.#room = readingsMax;
  }

  read(value: unknown, place: string): void {
    const block = checkRecord(value, this.#owner, place, this.#notes);
    if (block !== undefined && block.values.length <= this.#room) {
      this.#room -= block.values.length;
      this.#blocks.push(block);
      return;
    }
    if (block !== undefined) {
      this.#notes.schema(place, `more than ${this.#max} readings in one message`);
    }
    this.#refusals.add(this.#notes.take(place, recordsIn(value)));
  }

  refuse(refusal: Refusal): void {
    this.#refusals.add(refusal);
  }

  result(): Decoded {
    return { blocks: this.#blocks, refusals: this.#refusals.all(), events: [] };
  }
}

type Parsed = { readonly value: unknown } | { readonly refusal: Decoded };

function parse(text: string): Parsed {
  try {
    return { value: parseExactJson(text) };
  } catch (error) {
    const detail = excerptError(describeError(error));
    return { refusal: refuseWhole('PAYLOAD_SYNTAX', `payload is not valid JSON: ${detail}`, 1) };
  }
}

/** V8 quotes the payload in its message; keep it short and printable. */
function excerptError(message: string): string {
  return message.slice(0, 120).replace(/[^\x20-\x7e]/g, '?');
}

function utf8(raw: Uint8Array): string {
  return Buffer.from(raw.buffer, raw.byteOffset, raw.byteLength).toString('utf8');
}

function countAll(entries: readonly unknown[]): number {
  let count = 0;
  for (const entry of entries) count += recordsIn(entry);
  return count;
}

function refuseWhole(code: string, reason: string, records: number): Decoded {
  const refusal: Refusal = { code, reason, message: 0, at: WHOLE_MESSAGE, records };
  return { blocks: [], refusals: [refusal], events: [] };
}
