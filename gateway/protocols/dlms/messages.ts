/**
 * The other xDLMS APDUs (Green Book, 9.5): initiate (9.3.2), access (9.3.9), notifications
 * (9.3.10, 9.3.11), exception and service error, general block transfer (9.4.6.13).
 */
import {
  accessResult,
  attribute,
  longInvoke,
  method,
  optionalDateTime,
  selectedAttribute,
} from './fields.ts';
import {
  apdu,
  choice,
  data,
  type Field,
  i8,
  invalid,
  list,
  octets,
  optional,
  u8,
  u16,
} from './schema.ts';

/**
 * Conformance, 24 bits, first bit highest. Tagged 5F 1F; some old stacks leave the 1F out. In BER
 * inside A-XDR: length 4, no unused bits, three octets.
 */
const conformance: Field<number> = {
  read: (reader) => {
    const tag = reader.u8('conformance tag');
    if (tag !== 0x5f) throw invalid('conformance tag', tag.toString(16));
    if (reader.peek() === 0x1f) reader.u8();
    const header = reader.u16('conformance length');
    if (header !== 0x0400) throw invalid('conformance', `length and unused bits ${header}`);
    return (reader.u8('conformance') << 16) | reader.u16('conformance');
  },
  write: (writer, value) => {
    if (!Number.isInteger(value) || value < 0 || value > 0xffffff) {
      throw invalid('conformance', `${value}`);
    }
    writer
      .u16(0x5f1f)
      .u16(0x0400)
      .u8(value >> 16)
      .u16(value & 0xffff);
  },
};

/** BOOLEAN DEFAULT TRUE: left out when true. */
const trueUnlessSaid: Field<boolean> = {
  read: (reader) => (reader.u8('usage flag') === 0 ? true : reader.u8('boolean') !== 0),
  write: (writer, value) => void (value ? writer.u8(0) : writer.u8(1).u8(0)),
};

export const InitiateRequest = apdu('initiate-request', 0x01, undefined, {
  dedicatedKey: optional(octets),
  responseAllowed: trueUnlessSaid,
  proposedQualityOfService: optional(i8),
  proposedDlmsVersion: u8,
  proposedConformance: conformance,
  /** Of the complete, ciphered APDU; 0 means no bound. */
  clientMaxReceivePduSize: u16,
});
export const InitiateResponse = apdu('initiate-response', 0x08, undefined, {
  negotiatedQualityOfService: optional(i8),
  negotiatedDlmsVersion: u8,
  negotiatedConformance: conformance,
  serverMaxReceivePduSize: u16,
  /** 0007 for logical names, FA00 for short names. */
  vaaName: u16,
});

/** service: 1 initiate, 5 read, 6 write; errorClass and value see Green Book, 9.5. */
export const ConfirmedServiceError = apdu('confirmed-service-error', 0x0e, undefined, {
  service: u8,
  errorClass: u8,
  errorValue: u8,
});

export const EXCEPTION_STATES = { notAllowed: 1, unknown: 2 } as const;
export const EXCEPTION_SERVICES = {
  operationNotPossible: 1,
  serviceNotSupported: 2,
  otherReason: 3,
  pduTooLong: 4,
  decipheringError: 5,
  invocationCounterError: 6,
} as const;

/** The counter the server expects comes only with invocationCounterError. */
const serviceError: Field<{
  readonly code: number;
  readonly invocationCounter: number | undefined;
}> = {
  read: (reader) => {
    const code = reader.u8('service error');
    const withCounter = code === EXCEPTION_SERVICES.invocationCounterError;
    return { code, invocationCounter: withCounter ? reader.u32('invocation counter') : undefined };
  },
  write: (writer, { code, invocationCounter }) => {
    const withCounter = code === EXCEPTION_SERVICES.invocationCounterError;
    if (withCounter !== (invocationCounter !== undefined)) {
      throw invalid('service error', `${code} and counter ${invocationCounter}`);
    }
    writer.u8(code);
    if (invocationCounter !== undefined) writer.u32(invocationCounter);
  },
};
export const ExceptionResponse = apdu('exception-response', 0xd8, undefined, {
  stateError: u8,
  serviceError,
});

/** The time in front of a pushed body. `tagged`: some meters send it as 09 0C instead of 0C. */
const notificationTime: Field<{
  readonly octets: Uint8Array | undefined;
  readonly tagged: boolean;
}> = {
  read: (reader) => {
    const tagged = reader.peek() === 0x09 && reader.peek(1) === 0x0c;
    if (tagged) reader.u8();
    return { octets: optionalDateTime.read(reader), tagged };
  },
  write: (writer, time) => {
    if (time.tagged && time.octets === undefined) throw invalid('date-time', 'tagged and absent');
    if (time.tagged) writer.u8(0x09);
    optionalDateTime.write(writer, time.octets);
  },
};
export const DataNotification = apdu('data-notification', 0x0f, undefined, {
  invoke: longInvoke,
  dateTime: notificationTime,
  body: data,
});

const optionalOctetTime: Field<Uint8Array | undefined> = optional(octets);
export const EventNotificationRequest = apdu('event-notification-request', 0xc2, undefined, {
  dateTime: optionalOctetTime,
  attribute,
  value: data,
});

/** Access-Request-Specification. */
const accessRequest = choice('access request specification', {
  get: [1, attribute],
  set: [2, attribute],
  action: [3, method],
  getSelected: [4, selectedAttribute],
  setSelected: [5, selectedAttribute],
});
/** Access-Response-Specification. */
const accessResponse = choice('access response specification', {
  get: [1, accessResult],
  set: [2, accessResult],
  action: [3, accessResult],
});
export const AccessRequest = apdu('access-request', 0xd9, undefined, {
  invoke: longInvoke,
  dateTime: optionalDateTime,
  specifications: list(accessRequest),
  data: list(data),
});
export const AccessResponse = apdu('access-response', 0xda, undefined, {
  invoke: longInvoke,
  dateTime: optionalDateTime,
  specifications: optional(list(accessRequest)),
  data: list(data),
  results: list(accessResponse),
});
export type AccessRequestSpecification = ReturnType<typeof accessRequest.read>;

/** Block-Control: bit 7 last block, 6 streaming, 0-5 window of the sender as receiver. */
const blockControl: Field<{
  readonly lastBlock: boolean;
  readonly streaming: boolean;
  readonly window: number;
}> = {
  read: (reader) => {
    const octet = reader.u8('block control');
    const lastBlock = (octet & 0x80) !== 0;
    return { lastBlock, streaming: (octet & 0x40) !== 0, window: octet & 0x3f };
  },
  write: (writer, { lastBlock, streaming, window }) => {
    if (!Number.isInteger(window) || window < 0 || window > 63)
      throw invalid('window', `${window}`);
    writer.u8((lastBlock ? 0x80 : 0) | (streaming ? 0x40 : 0) | window);
  },
};
export const GeneralBlockTransfer = apdu('general-block-transfer', 0xe0, undefined, {
  control: blockControl,
  blockNumber: u16,
  blockNumberAck: u16,
  blockData: octets,
});
