/** Pushes of real meters: HDLC frames to notifications, and general blocks to one APDU. */
import { expect } from 'vitest';
import { decodeApdu } from '../../../gateway/protocols/dlms/apdu.ts';
import { GbtAssembler, type GbtBlock } from '../../../gateway/protocols/dlms/gbt.ts';
import { Deframer } from '../../../gateway/protocols/hdlc/deframer.ts';
import { decodeFrame } from '../../../gateway/protocols/hdlc/frame.ts';
import { NotificationAssembler } from '../../../gateway/protocols/hdlc/notifications.ts';
import { describeApdu } from './describe.ts';
import { bytes, eachVector, expectContents, hex, type Vector } from './vectors.ts';

const framesOf = (text: string) => new Deframer().push(bytes(text)).map(decodeFrame);

eachVector('hdlc-reassembly', (vector) => {
  const frames = framesOf(vector.hex);
  expect(frames).toHaveLength(vector.expected.frames);
  expect(frames.map((frame) => frame.segmented)).toEqual(vector.expected.segmentedFlags);
  const assembler = new NotificationAssembler();
  const messages = frames.flatMap((frame) => assembler.push(frame) ?? []);
  expect(messages.map((message) => hex(message.apdu))).toEqual([vector.expected.apdu]);
  expectDecoded(messages[0]?.apdu ?? bytes(''), vector);
});

/**
 * Where a block with number 1 comes again, the push before was cut off and another began (Green
 * Book, 9.4.6.13). The vector `lg_e450 UNENCRYPTED_VALID_DATA` joins all six blocks 1, 2, 1, 2, 3, 4
 * and says itself that the result does not decode (`decodeNote`): there the standard outranks it,
 * the APDU is that of the blocks from the last 1 on, and it does decode.
 */
eachVector('gbt-reassembly', (vector) => {
  const frames = framesOf(vector.hex);
  expect(frames).toHaveLength(vector.expected.frames);
  const notifications = new NotificationAssembler();
  const blocks = frames
    .flatMap((frame) => notifications.push(frame) ?? [])
    .map((message) => decodeApdu(message.apdu) as GbtBlock);
  const described = blocks.map(({ control, blockNumber, blockNumberAck }) => ({
    ...control,
    blockNumber,
    blockNumberAck,
  }));
  expect(described).toEqual(vector.expected.gbtBlocks);
  const assembler = new GbtAssembler();
  const apdus = blocks.flatMap((block) => assembler.push(block) ?? []);
  expect(apdus).toHaveLength(1);
  const apdu = apdus[0] as Uint8Array;
  const restart = blocks.findLastIndex((block) => block.blockNumber === 1);
  const cutOff = blocks.slice(0, restart).map((block) => hex(block.blockData));
  expect(cutOff.join('') + hex(apdu)).toBe(vector.expected.apdu);
  if (restart > 0) expect(decodeApdu(apdu).kind).toBe('data-notification');
  expectDecoded(apdu, vector);
});

function expectDecoded(apdu: Uint8Array, vector: Vector): void {
  if (vector.expected.decoded !== undefined) {
    expectContents(describeApdu(decodeApdu(apdu)), vector.expected.decoded);
  }
}
