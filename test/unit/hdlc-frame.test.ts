/** Frames, addresses, control octets and the deframer, as properties. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isFault, LIMITS } from '../../domain/index.ts';
import {
  decodeAddress,
  encodeAddress,
  type HdlcAddress,
  serverAddress,
} from '../../gateway/protocols/hdlc/address.ts';
import {
  type Control,
  decodeControl,
  encodeControl,
} from '../../gateway/protocols/hdlc/control.ts';
import { Deframer } from '../../gateway/protocols/hdlc/deframer.ts';
import { decodeFrame, encodeFrame, type HdlcFrame } from '../../gateway/protocols/hdlc/frame.ts';
import { decodeParameters, encodeParameters } from '../../gateway/protocols/hdlc/parameters.ts';
import { normal } from '../fuzz/dlms-arbitrary-data.ts';

const seven = fc.integer({ min: 0, max: 0x7f });
const fourteen = fc.integer({ min: 0, max: 0x3fff });
const number = fc.integer({ min: 0, max: 7 });
const address: fc.Arbitrary<HdlcAddress> = fc.oneof(
  seven.map((upper) => ({ upper, lower: undefined, octets: 1 as const })),
  fc.record({ upper: seven, lower: seven, octets: fc.constant(2 as const) }),
  fc.record({ upper: fourteen, lower: fourteen, octets: fc.constant(4 as const) }),
);
const control: fc.Arbitrary<Control> = fc.oneof(
  fc.record({ kind: fc.constant('I' as const), ns: number, nr: number, pollFinal: fc.boolean() }),
  fc.record({
    kind: fc.constantFrom('RR' as const, 'RNR' as const),
    nr: number,
    pollFinal: fc.boolean(),
  }),
  fc.record({
    kind: fc.constantFrom('SNRM', 'DISC', 'UA', 'DM', 'FRMR', 'UI' as const),
    pollFinal: fc.boolean(),
  }) as fc.Arbitrary<Control>,
);
const flagHeavy = fc.array(fc.oneof(fc.constant(0x7e), fc.integer({ min: 0, max: 255 })), {
  maxLength: 90,
});
const frame: fc.Arbitrary<HdlcFrame> = fc.record({
  destination: address,
  source: address,
  control,
  segmented: fc.boolean(),
  information: flagHeavy.map((octets) => Uint8Array.from(octets)),
});

function collect(chunks: Uint8Array[]): { frames: HdlcFrame[]; heldMax: number } {
  const deframer = new Deframer();
  const frames: HdlcFrame[] = [];
  let heldMax = 0;
  for (const chunk of chunks) {
    frames.push(...deframer.push(chunk).map(decodeFrame));
    heldMax = Math.max(heldMax, deframer.heldOctets);
  }
  return { frames, heldMax };
}

function cut(octets: Uint8Array, places: number[]): Uint8Array[] {
  const at = [
    0,
    ...places.map((p) => p % (octets.length + 1)).sort((a, b) => a - b),
    octets.length,
  ];
  return at.slice(1).map((end, i) => octets.subarray(at[i] as number, end));
}

describe('round trips', () => {
  test('addresses of every form', () => {
    fc.assert(
      fc.property(address, (a) => {
        expect(decodeAddress(encodeAddress(a))).toEqual(a);
      }),
    );
  });
  test('control octets', () => {
    fc.assert(
      fc.property(control, (c) => {
        expect(decodeControl(encodeControl(c))).toEqual(c);
      }),
    );
  });
  test('frames', () => {
    fc.assert(
      fc.property(frame, (f) => {
        const octets = encodeFrame(f);
        expect(normal(decodeFrame(octets.subarray(1, -1)))).toEqual(normal(f));
      }),
    );
  });
  test('parameters', () => {
    const info = fc.integer({ min: 1, max: LIMITS.hdlcInfoBytesMax });
    const window = fc.integer({ min: 1, max: 7 });
    const parameters = fc.record({
      maxInfoTransmit: info,
      maxInfoReceive: info,
      windowTransmit: window,
      windowReceive: window,
    });
    fc.assert(
      fc.property(parameters, (p) => {
        expect(decodeParameters(encodeParameters(p))).toEqual(p);
      }),
    );
  });
});

describe('deframer', () => {
  test('split anywhere, the same frames come out', () => {
    fc.assert(
      fc.property(
        fc.array(frame, { maxLength: 4 }),
        fc.array(fc.nat(), { maxLength: 12 }),
        (frames, places) => {
          const stream = Buffer.concat(frames.map(encodeFrame));
          const whole = collect([stream]);
          expect(normal(whole.frames)).toEqual(normal(frames));
          expect(collect(cut(stream, places)).frames).toEqual(whole.frames);
          expect(collect([...stream].map((octet) => Uint8Array.of(octet))).frames).toEqual(
            whole.frames,
          );
        },
      ),
      { numRuns: 60 },
    );
  });

  test('frames that share their flags', () => {
    fc.assert(
      fc.property(fc.array(frame, { minLength: 1, maxLength: 4 }), (frames) => {
        const shared = Buffer.concat([
          ...frames.map((f) => encodeFrame(f).subarray(0, -1)),
          Uint8Array.of(0x7e),
        ]);
        expect(collect([shared]).frames).toHaveLength(frames.length);
      }),
    );
  });

  test('noise before, between and after, and storms of 7E, cost no frame', () => {
    const noise = fc.array(fc.oneof(fc.constant(0x7e), fc.integer({ min: 0, max: 0x9f })), {
      maxLength: 40,
    });
    fc.assert(
      fc.property(
        fc.array(fc.tuple(noise, frame), { maxLength: 4 }),
        fc.array(fc.nat(), { maxLength: 9 }),
        (parts, places) => {
          const stream = Buffer.concat(
            parts.flatMap(([n, f]) => [Uint8Array.from(n), encodeFrame(f)]),
          );
          const { frames } = collect(cut(stream, places));
          expect(frames).toHaveLength(parts.length);
        },
      ),
    );
  });

  test('the frame after a damaged one is found', () => {
    fc.assert(
      fc.property(frame, frame, fc.nat(), (first, second, place) => {
        const damaged = encodeFrame(first).slice();
        const at = 1 + (place % (damaged.length - 2));
        damaged[at] = (damaged[at] as number) ^ 0x21;
        const good = encodeFrame(second);
        // A damaged length may claim octets beyond the second frame: idle flags let time pass.
        const idle = new Uint8Array(LIMITS.hdlcFrameBytesMax + 2).fill(0x7e);
        const { frames } = collect([Buffer.concat([damaged, good, idle])]);
        expect(frames.some((f) => Buffer.compare(encodeFrame(f), good) === 0)).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  test('what is kept never exceeds one frame', () => {
    const storm = Buffer.alloc(100_000, Uint8Array.of(0x7e, 0xa7, 0xff, 0x03, 0x21));
    expect(collect(cut(storm, [13, 999, 4_000, 77_777])).heldMax).toBeLessThanOrEqual(2_049);
    const flags = Buffer.alloc(100_000, 0x7e);
    expect(collect([flags]).heldMax).toBeLessThanOrEqual(2_049);
  });
});

describe('refusals', () => {
  test('any octets decode to a frame or a Fault', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (octets) => {
        try {
          decodeFrame(octets);
        } catch (error) {
          expect(isFault(error)).toBe(true);
        }
      }),
    );
  });
  test('three-octet addresses, addresses that do not fit, frames too long', () => {
    expect(() => decodeAddress(Uint8Array.of(0x02, 0x04, 0x05))).toThrow(/three/);
    expect(() => serverAddress(0x80, 1, 2)).toThrow();
    expect(() => serverAddress(1, undefined, 2)).toThrow();
    const f = {
      destination: serverAddress(1),
      source: serverAddress(1),
      segmented: false,
    } as const;
    const information = new Uint8Array(2_040);
    expect(() =>
      encodeFrame({ ...f, control: { kind: 'UI', pollFinal: true }, information }),
    ).toThrow(/exceeds/);
  });
  test('parameters: zero is refused, tolerated forms are read', () => {
    expect(() => decodeParameters(Uint8Array.of(0x81, 0x80, 3, 5, 1, 0))).toThrow();
    expect(() => decodeParameters(Uint8Array.of(0x81, 0x80, 3, 5, 9, 0))).toThrow(/cut off/);
    const read = decodeParameters(Uint8Array.of(0x81, 0x80, 0xff, 8, 1, 3, 99, 1, 7, 6, 2, 2, 0));
    expect(read).toEqual({
      maxInfoTransmit: 128,
      maxInfoReceive: 512,
      windowTransmit: 1,
      windowReceive: 3,
    });
    expect(decodeParameters(new Uint8Array(0)).windowTransmit).toBe(1);
  });
});
