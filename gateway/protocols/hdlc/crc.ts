/**
 * CRC-16/X-25, the check sequence of HDLC (ISO/IEC 13239; IEC 62056-46, 6.4.3):
 * polynomial 1021 reflected, initial value and final exclusive-or FFFF, low octet sent first.
 */
const TABLE = Uint16Array.from({ length: 256 }, (_, octet) => {
  let crc = octet;
  for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >>> 1) ^ 0x8408 : crc >>> 1;
  return crc;
});

/** The check sequence over `bytes[from, to)` as a number whose low octet goes out first. */
export function crc16X25(bytes: Uint8Array, from = 0, to = bytes.length): number {
  let crc = 0xffff;
  for (let i = from; i < to; i += 1) {
    crc = (crc >>> 8) ^ (TABLE[(crc ^ (bytes[i] as number)) & 0xff] as number);
  }
  return crc ^ 0xffff;
}
