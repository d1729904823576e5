/**
 * The one error table. A fault has a stable code (used in problem+json, logs, metrics and the
 * quarantine), a sentence, whether trying again can help, whom it concerns and its HTTP status.
 */
export interface FaultSpec {
  readonly say: string;
  readonly retry: boolean;
  readonly blame: 'sender' | 'meter' | 'line' | 'operator' | 'system';
  readonly status: number;
}

// biome-ignore format: a table reads best with one row a line
export const FAULTS = {
  // Messages and readings
  PAYLOAD_SYNTAX: { say: 'payload is not valid JSON: {detail}', retry: false, blame: 'sender', status: 400 },
  PAYLOAD_SCHEMA: { say: 'payload breaks the schema: {detail}', retry: false, blame: 'sender', status: 400 },
  PAYLOAD_TOO_LARGE: { say: 'payload of {bytes} bytes exceeds {max}', retry: false, blame: 'sender', status: 413 },
  NO_GOOD_RECORD: { say: 'none of {count} records can be accepted; each problem is listed', retry: false, blame: 'sender', status: 422 },
  IDENTITY_MISMATCH: { say: 'message of {peer} speaks for meter {meter}', retry: false, blame: 'sender', status: 403 },
  METER_UNKNOWN: { say: 'meter {meter} is not known', retry: false, blame: 'sender', status: 404 },
  CHANNEL_UNKNOWN: { say: 'meter {meter} has no channel {channel}', retry: false, blame: 'sender', status: 404 },
  UNIT_MISMATCH: { say: 'unit {given} does not fit channel {channel} ({expected})', retry: false, blame: 'sender', status: 422 },
  INTERVAL_LENGTH: { say: 'interval length {given} s is not the channel’s {expected} s', retry: false, blame: 'sender', status: 422 },
  OFF_GRID: { say: 'start {start} is not on the {intervalS} s grid', retry: false, blame: 'meter', status: 422 },
  FUTURE: { say: 'interval {start} ends in the future', retry: false, blame: 'meter', status: 422 },
  TOO_OLD: { say: 'interval {start} is older than the acceptance window', retry: false, blame: 'sender', status: 422 },
  NEGATIVE: { say: 'value {value} is negative on a one-way channel', retry: false, blame: 'meter', status: 422 },
  NOT_INTEGER: { say: 'value {value} is not a whole number of {unit}', retry: false, blame: 'sender', status: 422 },
  VALUE_RANGE: { say: 'value {value} is beyond the range of exact integers', retry: false, blame: 'sender', status: 422 },
  CONFLICT: { say: 'interval {start} already has value {existing} from {origin}; got {value}', retry: false, blame: 'sender', status: 409 },
  EDITED_KEPT: { say: 'interval {start} was edited by a person and is kept', retry: false, blame: 'operator', status: 409 },
  LOWER_RANK: { say: 'interval {start} already has {existing} of higher quality; got {value}', retry: false, blame: 'sender', status: 409 },
  OLDER_VERSION: { say: 'interval {start} already has a newer version of the source; got {value}', retry: false, blame: 'sender', status: 409 },
  SUPERSEDED: { say: 'interval {start} came with another value later in the same batch; got {value}', retry: false, blame: 'sender', status: 409 },
  REGISTER_DECREASE: { say: 'register {channel} fell from {previous} to {value}, which no rollover explains', retry: false, blame: 'meter', status: 422 },
  // Files
  FILE_FORMAT: { say: '{file}: {detail}', retry: false, blame: 'sender', status: 422 },
  FILE_LINE: { say: '{file}:{line}: {detail}', retry: false, blame: 'sender', status: 422 },
  // Journal and stores
  JOURNAL_FULL: { say: 'journal is full ({bytes} of {max} bytes)', retry: true, blame: 'system', status: 503 },
  JOURNAL_FAILED: { say: 'journal cannot be trusted any more: {detail}', retry: false, blame: 'system', status: 503 },
  JOURNAL_CORRUPT: { say: 'journal segment {segment} is damaged at byte {offset}: {detail}', retry: false, blame: 'system', status: 500 },
  JOURNAL_LOCKED: { say: 'journal {directory} is in use by process {owner}', retry: true, blame: 'operator', status: 503 },
  DATABASE_DOWN: { say: 'database does not answer: {detail}', retry: true, blame: 'system', status: 503 },
  QUEUE_DOWN: { say: 'queue does not answer: {detail}', retry: true, blame: 'system', status: 503 },
  BROKER_DOWN: { say: 'MQTT broker does not answer: {detail}', retry: true, blame: 'system', status: 503 },
  UNSAFE_DURABILITY: { say: '{engine} runs with {setting} = {value}; needs {needed}', retry: false, blame: 'operator', status: 500 },
  MIGRATION_CHANGED: { say: 'migration {name} was changed after it ran', retry: false, blame: 'operator', status: 500 },
  // Commands
  COMMAND_UNKNOWN: { say: 'command {id} is not known', retry: false, blame: 'sender', status: 404 },
  COMMAND_STATE: { say: 'command {id} is {state}; {wanted} is not possible', retry: false, blame: 'sender', status: 409 },
  COMMAND_STALE: { say: 'command {id} is past its deadline', retry: false, blame: 'sender', status: 409 },
  COMMAND_SIGNATURE: { say: 'command {id} carries no valid approval: {detail}', retry: false, blame: 'sender', status: 403 },
  COMMAND_GUARD: { say: 'command {id} is blocked: {detail}', retry: false, blame: 'operator', status: 409 },
  COMMAND_REQUEST: { say: 'this command cannot be requested: {detail}', retry: false, blame: 'sender', status: 422 },
  SECOND_PERSON: { say: '{what} needs a second person; {actor} may not do it', retry: false, blame: 'sender', status: 403 },
  // Billing
  TARIFF_INVALID: { say: 'tariff {code} is invalid: {detail}', retry: false, blame: 'operator', status: 422 },
  TARIFF_MISSING: { say: 'account {account} has no tariff on {date}', retry: false, blame: 'operator', status: 422 },
  BILL_BLOCKED: { say: 'account {account} cannot be billed: {detail}', retry: false, blame: 'operator', status: 409 },
  INVOICE_UNKNOWN: { say: 'invoice {invoice} is not known', retry: false, blame: 'sender', status: 404 },
  ACCOUNT_UNKNOWN: { say: 'account {account} is not known', retry: false, blame: 'sender', status: 404 },
  PLAN_INVALID: { say: 'collection plan {code} is invalid: {detail}', retry: false, blame: 'operator', status: 422 },
  // HTTP
  UNAUTHENTICATED: { say: 'no valid API key', retry: false, blame: 'sender', status: 401 },
  FORBIDDEN: { say: 'this key lacks the scope {scope}', retry: false, blame: 'sender', status: 403 },
  NOT_FOUND: { say: '{what} is not known', retry: false, blame: 'sender', status: 404 },
  IDEMPOTENCY_REQUIRED: { say: 'the header Idempotency-Key is required', retry: false, blame: 'sender', status: 400 },
  IDEMPOTENCY_REUSED: { say: 'Idempotency-Key {key} was used with another body', retry: false, blame: 'sender', status: 422 },
  CONTENT_TYPE: { say: 'content {given} is not one of {expected}', retry: false, blame: 'sender', status: 415 },
  BAD_REQUEST: { say: '{detail}', retry: false, blame: 'sender', status: 400 },
  INTERNAL: { say: 'internal error', retry: true, blame: 'system', status: 500 },
  // HDLC line (IEC 62056-46)
  HDLC_FRAME: { say: 'HDLC frame is malformed: {detail}', retry: true, blame: 'line', status: 502 },
  HDLC_CHECK: { say: 'HDLC {sequence} does not match: got {given}, computed {expected}', retry: true, blame: 'line', status: 502 },
  HDLC_ADDRESS: { say: 'HDLC address is not valid: {detail}', retry: false, blame: 'sender', status: 422 },
  HDLC_CONTROL: { say: 'HDLC control octet {octet} is not in use', retry: false, blame: 'meter', status: 502 },
  HDLC_PARAMETERS: { say: 'HDLC link parameters are not valid: {detail}', retry: false, blame: 'meter', status: 422 },
  HDLC_SEQUENCE: { say: 'HDLC sequence is broken: {detail}', retry: true, blame: 'meter', status: 502 },
  HDLC_STATE: { say: 'HDLC link is {state}; {wanted} is not possible', retry: false, blame: 'sender', status: 409 },
  HDLC_TIMEOUT: { say: 'HDLC station {station} does not answer ({tries} tries)', retry: true, blame: 'line', status: 504 },
  HDLC_REFUSED: { say: 'HDLC station {station} refused the link: {detail}', retry: true, blame: 'meter', status: 502 },
  HDLC_LIMIT: { say: 'HDLC {what} of {given} exceeds {max}', retry: false, blame: 'sender', status: 413 },
  // DLMS/COSEM (IEC 62056-5-3, IEC 62056-47)
  DLMS_TRUNCATED: { say: 'DLMS {what} needs {needed} octets, {left} are left', retry: false, blame: 'sender', status: 422 },
  DLMS_TRAILING: { say: 'DLMS {what} is followed by {octets} octets that belong to nothing', retry: false, blame: 'sender', status: 422 },
  DLMS_TAG: { say: 'DLMS tag {tag} is not known in {what}', retry: false, blame: 'sender', status: 422 },
  DLMS_VALUE: { say: 'DLMS {what} is not valid: {detail}', retry: false, blame: 'sender', status: 422 },
  DLMS_LIMIT: { say: 'DLMS {what} of {given} exceeds {max}', retry: false, blame: 'sender', status: 413 },
  DLMS_WRAPPER: { say: 'DLMS wrapper header is not valid: {detail}', retry: false, blame: 'line', status: 502 },
  DLMS_BLOCK: { say: 'DLMS block transfer is broken: {detail}', retry: true, blame: 'meter', status: 502 },
  DLMS_SECURITY: { say: 'DLMS protection is not possible: {detail}', retry: false, blame: 'operator', status: 422 },
  DLMS_AUTHENTICITY: { say: 'DLMS {what} is not authentic', retry: false, blame: 'sender', status: 403 },
  DLMS_REPLAY: { say: 'DLMS invocation counter {given} is not above {last}', retry: false, blame: 'sender', status: 409 },
  DLMS_COUNTER_SPENT: { say: 'DLMS invocation counter of this key is spent; change the key', retry: false, blame: 'operator', status: 409 },
  DLMS_CONNECT: { say: 'meter at {address} cannot be reached: {detail}', retry: true, blame: 'line', status: 502 },
  DLMS_TIMEOUT: { say: 'meter did not answer {what} within {timeoutMs} ms', retry: true, blame: 'line', status: 504 },
  DLMS_CLOSED: { say: 'meter closed the connection during {what}', retry: true, blame: 'meter', status: 502 },
  DLMS_REFUSED: { say: 'meter refused the association: {detail}', retry: false, blame: 'operator', status: 502 },
  DLMS_COUNTER: { say: 'meter expects invocation counter {expected}; {given} was sent', retry: true, blame: 'operator', status: 502 },
  DLMS_EXCEPTION: { say: 'meter answered {what} with an exception: {detail}', retry: false, blame: 'meter', status: 502 },
  DLMS_ACCESS: { say: 'meter refused {what}: {result}', retry: false, blame: 'meter', status: 502 },
  DLMS_ANSWER: { say: 'meter answered {what} with {got}', retry: true, blame: 'meter', status: 502 },
  DLMS_PROFILE: { say: 'profile {instance} cannot be read as readings: {detail}', retry: false, blame: 'meter', status: 502 },
  // Local stack
  STACK: { say: '{detail}', retry: false, blame: 'operator', status: 500 },
} as const satisfies Record<string, FaultSpec>;

export type FaultCode = keyof typeof FAULTS;

export type FaultDetail = Readonly<Record<string, string | number | bigint | boolean | undefined>>;

/** The only error type thrown on purpose; anything else is a bug. */
export class Fault extends Error {
  readonly code: FaultCode;
  readonly detail: FaultDetail;

  constructor(code: FaultCode, detail: FaultDetail = {}, cause?: unknown) {
    super(sayFault(code, detail), cause === undefined ? undefined : { cause });
    this.name = 'Fault';
    this.code = code;
    this.detail = detail;
  }

  get spec(): FaultSpec {
    return FAULTS[this.code];
  }
}

/** The sentence of a fault with its details filled in. */
export function sayFault(code: FaultCode, detail: FaultDetail): string {
  return FAULTS[code].say.replace(/\{(\w+)\}/g, (_, key: string) => String(detail[key] ?? '?'));
}

export function isFault(error: unknown, code?: FaultCode): error is Fault {
  return error instanceof Fault && (code === undefined || error.code === code);
}

/** What is known of any thrown thing, in one line, for logs and fault details. */
export function describeError(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
