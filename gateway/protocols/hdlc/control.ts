/**
 * The control field (IEC 62056-46, 6.4.3): bit 4 is poll (from the client) or
 * final (from the server); I frames carry N(S) and N(R), supervisory frames N(R).
 */
import { Fault } from '../../../domain/index.ts';

/** Unnumbered frames: bits without poll/final. */
const UNNUMBERED = {
  SNRM: 0x83,
  DISC: 0x43,
  UA: 0x63,
  DM: 0x0f,
  FRMR: 0x87,
  UI: 0x03,
} as const;

export type UnnumberedKind = keyof typeof UNNUMBERED;

export type Control =
  | { readonly kind: 'I'; readonly ns: number; readonly nr: number; readonly pollFinal: boolean }
  | { readonly kind: 'RR' | 'RNR'; readonly nr: number; readonly pollFinal: boolean }
  | { readonly kind: UnnumberedKind; readonly pollFinal: boolean };

const UNNUMBERED_BY_BITS = new Map<number, UnnumberedKind>(
  Object.entries(UNNUMBERED).map(([kind, bits]) => [bits, kind as UnnumberedKind]),
);
const POLL_FINAL = 0x10;

/** The control octet. Throws HDLC_SEQUENCE for numbers outside 0..7. */
export function encodeControl(control: Control): number {
  const pollFinal = control.pollFinal ? POLL_FINAL : 0;
  switch (control.kind) {
    case 'I':
      return (number(control.nr) << 5) | pollFinal | (number(control.ns) << 1);
    case 'RR':
      return (number(control.nr) << 5) | pollFinal | 0x01;
    case 'RNR':
      return (number(control.nr) << 5) | pollFinal | 0x05;
    default:
      return UNNUMBERED[control.kind] | pollFinal;
  }
}

/** Throws HDLC_CONTROL for patterns DLMS does not use (REJ, SREJ, XID, ...). */
export function decodeControl(octet: number): Control {
  const pollFinal = (octet & POLL_FINAL) !== 0;
  if ((octet & 0x01) === 0) return { kind: 'I', ns: (octet >> 1) & 7, nr: octet >> 5, pollFinal };
  if ((octet & 0x0f) === 0x01) return { kind: 'RR', nr: octet >> 5, pollFinal };
  if ((octet & 0x0f) === 0x05) return { kind: 'RNR', nr: octet >> 5, pollFinal };
  const kind = UNNUMBERED_BY_BITS.get(octet & ~POLL_FINAL);
  if (kind === undefined) throw new Fault('HDLC_CONTROL', { octet: octet.toString(16) });
  return { kind, pollFinal };
}

function number(n: number): number {
  if (!Number.isInteger(n) || n < 0 || n > 7) {
    throw new Fault('HDLC_SEQUENCE', { detail: `number ${n} is outside 0..7` });
  }
  return n;
}
