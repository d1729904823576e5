/**
 * HDLC addresses (IEC 62056-46, 6.4.2). Each octet carries seven bits; its lowest
 * bit is 1 on the last octet. Clients always use one octet; servers one (upper only), two
 * (upper, lower) or four (14 bits each). Three octets are not a valid form.
 */
import { Fault } from '../../../domain/index.ts';

export interface HdlcAddress {
  /** Client SAP, or the server's upper address (logical device). */
  readonly upper: number;
  /** The server's lower address (physical device); absent in the one-octet form. */
  readonly lower: number | undefined;
  readonly octets: 1 | 2 | 4;
}

/** All-station values: frames to them are never answered (IEC 62056-46, 6.4.2). */
const ALL_STATION = { short: 0x7f, long: 0x3fff } as const;

/** A client's address, 1..127 (16 = public client). Throws HDLC_ADDRESS. */
export function clientAddress(sap: number): HdlcAddress {
  return checked({ upper: sap, lower: undefined, octets: 1 });
}

/**
 * A server's address. Without `octets` the shortest form that holds both parts is taken; some
 * meters insist on four. Throws HDLC_ADDRESS.
 */
export function serverAddress(logical: number, physical?: number, octets?: 1 | 2 | 4): HdlcAddress {
  if (physical === undefined) {
    return checked({ upper: logical, lower: undefined, octets: octets ?? 1 });
  }
  const shortest = Math.max(logical, physical) > 0x7f ? 4 : 2;
  return checked({ upper: logical, lower: physical, octets: octets ?? shortest });
}

/** The octets on the line. Throws HDLC_ADDRESS when a part does not fit the form. */
export function encodeAddress(address: HdlcAddress): Uint8Array {
  const { upper, lower, octets } = checked(address);
  if (octets === 1) return Uint8Array.of((upper << 1) | 1);
  const low = lower as number;
  if (octets === 2) return Uint8Array.of(upper << 1, (low << 1) | 1);
  return Uint8Array.of(
    (upper >> 7) << 1,
    (upper & 0x7f) << 1,
    (low >> 7) << 1,
    ((low & 0x7f) << 1) | 1,
  );
}

/** How many octets the address at `at` has; undefined when the end comes first or it is no form. */
export function addressOctets(
  bytes: Uint8Array,
  at: number,
  end: number,
): 1 | 2 | 4 | 'short' | 'bad' {
  for (let octets = 1; octets <= 4; octets += 1) {
    if (at + octets > end) return 'short';
    if (((bytes[at + octets - 1] as number) & 1) === 1) {
      return octets === 3 ? 'bad' : (octets as 1 | 2 | 4);
    }
  }
  return 'bad';
}

/** The address that starts at `at`. Throws HDLC_ADDRESS when it is cut off or three octets long. */
export function decodeAddress(bytes: Uint8Array, at = 0, end = bytes.length): HdlcAddress {
  const octets = addressOctets(bytes, at, end);
  if (octets === 'short') throw new Fault('HDLC_ADDRESS', { detail: 'it is cut off' });
  if (octets === 'bad') throw new Fault('HDLC_ADDRESS', { detail: 'it has three or more octets' });
  const seven = (i: number): number => (bytes[at + i] as number) >> 1;
  if (octets === 1) return { upper: seven(0), lower: undefined, octets };
  if (octets === 2) return { upper: seven(0), lower: seven(1), octets };
  return { upper: (seven(0) << 7) | seven(1), lower: (seven(2) << 7) | seven(3), octets };
}

/** Same station: a form without lower address matches whatever lower address the other gives. */
export function sameStation(a: HdlcAddress, b: HdlcAddress): boolean {
  if (a.upper !== b.upper) return false;
  return a.lower === undefined || b.lower === undefined || a.lower === b.lower;
}

/** Addressed to every station on the line. */
export function isAllStation(address: HdlcAddress): boolean {
  const all = address.octets === 4 ? ALL_STATION.long : ALL_STATION.short;
  return address.upper === all || address.lower === all;
}

/** `1/17` or `16`, for logs and fault details. */
export function formatAddress(address: HdlcAddress): string {
  return address.lower === undefined ? `${address.upper}` : `${address.upper}/${address.lower}`;
}

function checked(address: HdlcAddress): HdlcAddress {
  const { upper, lower, octets } = address;
  const max = octets === 4 ? 0x3fff : 0x7f;
  const fits = (part: number): boolean => Number.isInteger(part) && part >= 0 && part <= max;
  if ((lower === undefined) !== (octets === 1)) {
    throw new Fault('HDLC_ADDRESS', { detail: `${octets} octets and lower ${lower}` });
  }
  if (!fits(upper) || (lower !== undefined && !fits(lower))) {
    throw new Fault('HDLC_ADDRESS', { detail: `${formatAddress(address)} in ${octets} octets` });
  }
  return address;
}
