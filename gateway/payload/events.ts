/** What meters say beside readings: events, and replies to commands. */
import { LIMITS, type MeterReply } from '../../domain/index.ts';
import { checkInstant } from './checks.ts';
import { excerpt, isRecord, parseExactJson } from './json.ts';
import { Notes } from './notes.ts';
import { EVENT_CODE_PATTERN } from './schema.ts';

export interface MeterEvent {
  readonly meter: string;
  readonly atMs: number;
  /** 'TAMPER', 'POWER_UP', ...: the source's word. */
  readonly code: string;
  readonly detail?: string;
}

const EVENT_CODE = new RegExp(EVENT_CODE_PATTERN, 'u');
const EVENT_KEYS = new Set(['at', 'code', 'detail']);
const REPLY_KEYS = new Set(['id', 'outcome', 'output', 'control', 'reason', 'at']);
const OUTCOMES = new Set<unknown>(['accepted', 'done', 'refused', 'expired', 'duplicate']);
const RELAY_STATES = new Set<unknown>(['open', 'closed', 'ready', 'unknown']);

/** One entry of `events`, or undefined with the reasons in `notes`. */
export function checkEvent(
  value: unknown,
  meter: string,
  place: string,
  notes: Notes,
): MeterEvent | undefined {
  if (!isRecord(value)) {
    notes.schema(place, 'an event is an object');
    return undefined;
  }
  checkKeys(value, EVENT_KEYS, place, notes);
  const { code, detail, at } = value as { code?: unknown; detail?: unknown; at?: unknown };
  const atMs = checkInstant(at, place, 'at', notes);
  if (typeof code !== 'string' || !EVENT_CODE.test(code)) {
    notes.schema(`${place}/code`, 'is an upper-case word');
  }
  checkText(detail, `${place}/detail`, notes);
  if (!notes.clean) return undefined;
  const event = { meter, atMs, code: code as string };
  return detail === undefined ? event : { ...event, detail: detail as string };
}

export type CheckedReply = { readonly reply: MeterReply } | { readonly reason: string };

/** A meter's answer to a command, checked against ReplySchema; never throws. */
export function parseReply(raw: Uint8Array): CheckedReply {
  const notes = new Notes();
  let value: unknown;
  try {
    value = parseExactJson(Buffer.from(raw).toString('utf8'));
  } catch {
    return { reason: 'reply is not valid JSON' };
  }
  if (!isRecord(value)) return { reason: 'a reply is an object' };
  checkKeys(value, REPLY_KEYS, 'reply', notes);
  const { id, outcome, output, control, reason, at } = value as Partial<
    Record<keyof MeterReply, unknown>
  >;
  if (typeof id !== 'string' || id === '' || [...id].length > LIMITS.serialCharsMax) {
    notes.schema('reply/id', `is 1..${LIMITS.serialCharsMax} characters`);
  }
  if (!OUTCOMES.has(outcome)) notes.schema('reply/outcome', `${excerpt(outcome)} is none`);
  checkRelay(output, 'reply/output', notes);
  checkRelay(control, 'reply/control', notes);
  checkText(reason, 'reply/reason', notes);
  checkInstant(at, 'reply', 'at', notes);
  if (!notes.clean) return { reason: notes.take('reply', 1).reason };
  return { reply: value as unknown as MeterReply };
}

function checkRelay(value: unknown, place: string, notes: Notes): void {
  if (value !== undefined && !RELAY_STATES.has(value)) {
    notes.schema(place, `${excerpt(value)} is no relay state`);
  }
}

function checkText(value: unknown, place: string, notes: Notes): void {
  if (value === undefined) return;
  const max = LIMITS.eventDetailCharsMax;
  if (typeof value !== 'string' || (value.length > max && [...value].length > max)) {
    notes.schema(place, `is a text of at most ${max} characters`);
  }
}

function checkKeys(
  record: Record<string, unknown>,
  allowed: ReadonlySet<string>,
  place: string,
  notes: Notes,
): void {
  for (const key in record) {
    if (!allowed.has(key)) notes.schema(place, `unknown member ${excerpt(key)}`);
  }
}
