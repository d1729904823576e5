/**
 * Frames of format type 3 (IEC 62056-46, 6.4.3):
 * `7E | format(2) | dst | src | control | [HCS(2) | information] | FCS(2) | 7E`.
 * Only the length field delimits: 7E may stand anywhere inside, nothing is escaped. The HCS is
 * there exactly when there is information; the FCS covers it too.
 */
import { Fault, LIMITS } from '../../../domain/index.ts';
import { addressOctets, decodeAddress, encodeAddress, type HdlcAddress } from './address.ts';
import { type Control, decodeControl, encodeControl } from './control.ts';
import { crc16X25 } from './crc.ts';

export const FLAG = 0x7e;
const FORMAT_TYPE = 0xa0;
const SEGMENTED = 0x08;
/** Format, two one-octet addresses, control, FCS. */
const FRAME_BYTES_MIN = 7;

export interface HdlcFrame {
  readonly destination: HdlcAddress;
  readonly source: HdlcAddress;
  readonly control: Control;
  /** More segments of the same message follow. */
  readonly segmented: boolean;
  readonly information: Uint8Array;
}

/** Where the parts of a frame lie, as far as they can be told from the octets so far. */
export interface FrameShape {
  readonly octets: number;
  readonly destinationAt: number;
  readonly sourceAt: number;
  readonly controlAt: number;
  readonly informationAt: number;
  readonly informationEnd: number;
}

/** `short`: more octets are needed. The others say which part cannot be that of a frame. */
export type ShapeFlaw = 'short' | 'format' | 'length' | 'address' | 'hcs';

/** The frame with both flags. Throws HDLC_LIMIT when it is longer than the format field can say. */
export function encodeFrame(frame: HdlcFrame): Uint8Array {
  const destination = encodeAddress(frame.destination);
  const source = encodeAddress(frame.source);
  const header = 2 + destination.length + source.length + 1;
  const info = frame.information;
  const octets = header + (info.length > 0 ? info.length + 2 : 0) + 2;
  if (octets > LIMITS.hdlcFrameBytesMax) {
    throw new Fault('HDLC_LIMIT', { what: 'frame', given: octets, max: LIMITS.hdlcFrameBytesMax });
  }
  const out = Buffer.alloc(octets + 2);
  out[0] = FLAG;
  out.writeUInt16BE(((FORMAT_TYPE | (frame.segmented ? SEGMENTED : 0)) << 8) | octets, 1);
  out.set(destination, 3);
  out.set(source, 3 + destination.length);
  out[header] = encodeControl(frame.control);
  if (info.length > 0) {
    out.writeUInt16LE(crc16X25(out, 1, header + 1), header + 1);
    out.set(info, header + 3);
  }
  out.writeUInt16LE(crc16X25(out, 1, octets - 1), octets - 1);
  out[octets + 1] = FLAG;
  return out;
}

/**
 * The frame in the octets between two flags. The information is a view of them.
 * Throws HDLC_FRAME, HDLC_CHECK, HDLC_ADDRESS or HDLC_CONTROL.
 */
export function decodeFrame(octets: Uint8Array): HdlcFrame {
  const shape = frameShape(octets, 0, octets.length);
  if (typeof shape === 'string') throw shapeFault(shape, octets);
  if (shape.octets !== octets.length) {
    throw new Fault('HDLC_FRAME', {
      detail: `length says ${shape.octets}, frame has ${octets.length} octets`,
    });
  }
  checkFcs(octets, shape.octets - 2);
  return {
    destination: decodeAddress(octets, shape.destinationAt),
    source: decodeAddress(octets, shape.sourceAt),
    control: decodeControl(octets[shape.controlAt] as number),
    segmented: ((octets[0] as number) & SEGMENTED) !== 0,
    information: octets.subarray(shape.informationAt, shape.informationEnd),
  };
}

/** What stands in `bytes[at, end)` read as format field and header; checks the HCS, not the FCS. */
export function frameShape(bytes: Uint8Array, at: number, end: number): FrameShape | ShapeFlaw {
  if (at >= end) return 'short';
  const first = bytes[at] as number;
  if ((first & 0xf0) !== FORMAT_TYPE) return 'format';
  if (at + 2 > end) return 'short';
  const octets = ((first & 0x07) << 8) | (bytes[at + 1] as number);
  if (octets < FRAME_BYTES_MIN) return 'length';
  const frameEnd = at + octets;
  const seen = Math.min(end, frameEnd);
  const destination = addressOctets(bytes, at + 2, seen);
  if (typeof destination === 'string') return cutOrBad(destination, seen < frameEnd);
  const sourceAt = at + 2 + destination;
  const source = addressOctets(bytes, sourceAt, seen);
  if (typeof source === 'string') return cutOrBad(source, seen < frameEnd);
  const controlAt = sourceAt + source;
  const informationAt = controlAt + 3;
  const parts = { octets, destinationAt: at + 2, sourceAt, controlAt };
  if (frameEnd === controlAt + 3) {
    return { ...parts, informationAt: controlAt + 1, informationEnd: controlAt + 1 };
  }
  if (frameEnd <= informationAt + 2) return 'length';
  if (informationAt > end) return 'short';
  const hcs = (bytes[controlAt + 1] as number) | ((bytes[controlAt + 2] as number) << 8);
  if (hcs !== crc16X25(bytes, at, controlAt + 1)) return 'hcs';
  return { ...parts, informationAt, informationEnd: frameEnd - 2 };
}

/** The FCS of the frame at `at` is right. The whole frame must be there. */
export function fcsMatches(bytes: Uint8Array, at: number, octets: number): boolean {
  const given = readCheck(bytes, at + octets - 2);
  return given === crc16X25(bytes, at, at + octets - 2);
}

function cutOrBad(flaw: 'short' | 'bad', moreToCome: boolean): ShapeFlaw {
  return flaw === 'short' && moreToCome ? 'short' : 'address';
}

function readCheck(bytes: Uint8Array, at: number): number {
  return (bytes[at] as number) | ((bytes[at + 1] as number) << 8);
}

function checkFcs(bytes: Uint8Array, at: number): void {
  const given = readCheck(bytes, at);
  const expected = crc16X25(bytes, 0, at);
  if (given === expected) return;
  throw new Fault('HDLC_CHECK', {
    sequence: 'FCS',
    given: given.toString(16).padStart(4, '0'),
    expected: expected.toString(16).padStart(4, '0'),
  });
}

function shapeFault(flaw: ShapeFlaw, octets: Uint8Array): Fault {
  switch (flaw) {
    case 'address':
      return new Fault('HDLC_ADDRESS', { detail: 'it is cut off or has three octets' });
    case 'hcs':
      return new Fault('HDLC_CHECK', { sequence: 'HCS', given: 'other', expected: 'header' });
    case 'short':
      return new Fault('HDLC_FRAME', { detail: `cut off after ${octets.length} octets` });
    default:
      return new Fault('HDLC_FRAME', { detail: `${flaw} field is not that of a frame` });
  }
}
