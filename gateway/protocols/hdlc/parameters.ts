/**
 * Link parameters in the information field of SNRM and UA (IEC 62056-46, 6.4.4.4.3.2):
 * `81 80 <octets> { id octets value }`, ids 05 and 06 maximum information field length (transmit,
 * receive), 07 and 08 window size. Each side names them from its own point of view.
 */
import { Fault, LIMITS } from '../../../domain/index.ts';

export interface LinkParameters {
  readonly maxInfoTransmit: number;
  readonly maxInfoReceive: number;
  readonly windowTransmit: number;
  readonly windowReceive: number;
}

/** What holds when nothing is said (same clause). */
export const DEFAULT_PARAMETERS: LinkParameters = {
  maxInfoTransmit: 128,
  maxInfoReceive: 128,
  windowTransmit: 1,
  windowReceive: 1,
};

const FORMAT_ID = 0x81;
const GROUP_ID = 0x80;
const PARAMETER_NAMES = new Map<number, keyof LinkParameters>([
  [0x05, 'maxInfoTransmit'],
  [0x06, 'maxInfoReceive'],
  [0x07, 'windowTransmit'],
  [0x08, 'windowReceive'],
]);
/** A window is sent in four octets, a length in as many as it needs: what meters expect. */
const WINDOW_OCTETS = 4;

/** All four parameters as information field. Throws HDLC_PARAMETERS outside the ranges. */
export function encodeParameters(parameters: LinkParameters): Uint8Array {
  const body: number[] = [];
  for (const [id, name] of PARAMETER_NAMES) {
    const value = checked(name, parameters[name]);
    if (id >= 0x07) body.push(id, WINDOW_OCTETS, 0, 0, 0, value);
    else if (value > 0xff) body.push(id, 2, value >> 8, value & 0xff);
    else body.push(id, 1, value);
  }
  return Uint8Array.from([FORMAT_ID, GROUP_ID, body.length, ...body]);
}

/**
 * What the other side said; left out is the default. Tolerates a missing format or group
 * octet, any order, values of one to four octets, unknown ids and a group length that is wrong:
 * meters send all of these. Throws HDLC_PARAMETERS for values out of range or cut off.
 */
export function decodeParameters(information: Uint8Array): LinkParameters {
  const found: Partial<Record<keyof LinkParameters, number>> = {};
  let at = information[0] === FORMAT_ID ? 1 : 0;
  if (information[at] === GROUP_ID) at += 2;
  while (at + 1 < information.length) {
    const octets = information[at + 1] as number;
    const end = at + 2 + octets;
    if (end > information.length) {
      throw new Fault('HDLC_PARAMETERS', { detail: `parameter ${information[at]} is cut off` });
    }
    const name = PARAMETER_NAMES.get(information[at] as number);
    if (name !== undefined && octets > 0) found[name] = readValue(information, at + 2, end, name);
    at = end;
  }
  return { ...DEFAULT_PARAMETERS, ...found };
}

/** What both sides can do, from the point of view of the one whose proposal is `own`. */
export function negotiateParameters(own: LinkParameters, peer: LinkParameters): LinkParameters {
  return {
    maxInfoTransmit: Math.min(own.maxInfoTransmit, peer.maxInfoReceive),
    maxInfoReceive: Math.min(own.maxInfoReceive, peer.maxInfoTransmit),
    windowTransmit: Math.min(own.windowTransmit, peer.windowReceive),
    windowReceive: Math.min(own.windowReceive, peer.windowTransmit),
  };
}

function readValue(bytes: Uint8Array, at: number, end: number, name: keyof LinkParameters): number {
  if (end - at > 4) throw new Fault('HDLC_PARAMETERS', { detail: `${name} of ${end - at} octets` });
  let value = 0;
  for (let i = at; i < end; i += 1) value = value * 256 + (bytes[i] as number);
  // A meter that offers more than the standard allows still means "as much as you like".
  return checked(name, Math.min(value, maxOf(name)));
}

function maxOf(name: keyof LinkParameters): number {
  return name.startsWith('window') ? LIMITS.hdlcWindowFramesMax : LIMITS.hdlcInfoBytesMax;
}

function checked(name: keyof LinkParameters, value: number): number {
  if (!Number.isInteger(value) || value < 1 || value > maxOf(name)) {
    throw new Fault('HDLC_PARAMETERS', { detail: `${name} is ${value}` });
  }
  return value;
}
