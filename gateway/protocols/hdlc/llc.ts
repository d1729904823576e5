/**
 * The LLC header (IEC 62056-46, 5.3.2): `E6 E6 00` before a command, `E6 E7 00` before a
 * response. It stands only in the first segment of a message.
 */
export type LlcKind = 'command' | 'response';

const HEADERS: Readonly<Record<LlcKind, Uint8Array>> = {
  command: Uint8Array.of(0xe6, 0xe6, 0x00),
  response: Uint8Array.of(0xe6, 0xe7, 0x00),
};

export interface LlcMessage {
  /** Absent when the sender left the header out, as some servers do with exceptions. */
  readonly llc: LlcKind | undefined;
  readonly apdu: Uint8Array;
}

export function addLlc(kind: LlcKind, apdu: Uint8Array): Uint8Array {
  return Buffer.concat([HEADERS[kind], apdu]);
}

export function splitLlc(message: Uint8Array): LlcMessage {
  if (message.length >= 3 && message[0] === 0xe6 && message[2] === 0x00) {
    if (message[1] === 0xe6) return { llc: 'command', apdu: message.subarray(3) };
    if (message[1] === 0xe7) return { llc: 'response', apdu: message.subarray(3) };
  }
  return { llc: undefined, apdu: message };
}
