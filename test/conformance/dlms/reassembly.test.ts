/** Pushes of real meters: HDLC frames to notifications, and general blocks to one APDU. */
import { describe, expect, test } from 'vitest';
import { decodeApdu } from '../../../gateway/protocols/dlms/apdu.ts';
import { GbtAssembler, type GbtBlock } from '../../../gateway/protocols/dlms/gbt.ts';
import { Deframer } from '../../../gateway/protocols/hdlc/deframer.ts';
import { decodeFrame } from '../../../gateway/protocols/hdlc/frame.ts';
import { NotificationAssembler } from '../../../gateway/protocols/hdlc/notifications.ts';
import { describeApdu } from './describe.ts';
import { bytes, hex, title, vectorsOf } from './vectors.ts';

const framesOf = (text: string) => new Deframer().push(bytes(text)).map(decodeFrame);

describe('hdlc-reassembly', () => {
  const vectors = vectorsOf('hdlc-reassembly');
  test.each(vectors.map((v) => [title(v), v] as const))('%s', (_, vector) => {
    const frames = framesOf(vector.hex);
    expect(frames).toHaveLength(vector.expected.frames);
    expect(frames.map((frame) => frame.segmented)).toEqual(vector.expected.segmentedFlags);
    const assembler = new NotificationAssembler();
    const messages = frames.flatMap((frame) => assembler.push(frame) ?? []);
    expect(messages.map((message) => hex(message.apdu))).toEqual([vector.expected.apdu]);
    const apdu = decodeApdu(bytes(vector.expected.apdu));
    expect(describeApdu(apdu)).toEqual(vector.expected.decoded);
  });
});

/**
 * Blocks 1, 2, 1, 2, 3, 4: the first push was cut off and a second one followed. The vector joins
 * all six, and says itself that the result does not decode (`decodeNote`). A block with number 1
 * begins a new transfer (Green Book, 9.3.13), so the APDU is that of the last four.
 */
const CUT_OFF_PUSH = 'lg_e450 UNENCRYPTED_VALID_DATA';

describe('gbt-reassembly', () => {
  const vectors = vectorsOf('gbt-reassembly');
  test.each(vectors.map((v) => [title(v), v] as const))('%s', (_, vector) => {
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
    const joined = hex(apdus[0] as Uint8Array);
    if (vector.name === CUT_OFF_PUSH) {
      const [first, second] = blocks as [GbtBlock, GbtBlock];
      const lost = hex(first.blockData) + hex(second.blockData);
      expect(lost + joined).toBe(vector.expected.apdu);
      expect(decodeApdu(apdus[0] as Uint8Array).kind).toBe('data-notification');
      return;
    }
    expect(joined).toBe(vector.expected.apdu);
    if (vector.expected.decoded !== undefined) {
      expect(describeApdu(decodeApdu(bytes(joined)))).toEqual(vector.expected.decoded);
    } else {
      expect(joined.startsWith('db')).toBe(true);
    }
  });
});
