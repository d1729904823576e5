/** HDLC vectors: frames, addresses, sessions of segments, pushes joined from UI frames. */
import { describe, expect, test } from 'vitest';
import {
  clientAddress,
  decodeAddress,
  encodeAddress,
} from '../../../gateway/protocols/hdlc/address.ts';
import { HdlcClient } from '../../../gateway/protocols/hdlc/client.ts';
import { encodeControl } from '../../../gateway/protocols/hdlc/control.ts';
import { crc16X25 } from '../../../gateway/protocols/hdlc/crc.ts';
import { Deframer } from '../../../gateway/protocols/hdlc/deframer.ts';
import { decodeFrame, encodeFrame, type HdlcFrame } from '../../../gateway/protocols/hdlc/frame.ts';
import { splitLlc } from '../../../gateway/protocols/hdlc/llc.ts';
import { decodeParameters, encodeParameters } from '../../../gateway/protocols/hdlc/parameters.ts';
import { bytes, type Expected, hex, title, vectorsOf } from './vectors.ts';

function onlyFrame(octets: Uint8Array): HdlcFrame {
  const frames = new Deframer().push(octets);
  expect(frames).toHaveLength(1);
  return decodeFrame(frames[0] as Uint8Array);
}

function describeAddress(encoded: HdlcFrame['source']): Expected {
  return {
    bytes: hex(encodeAddress(encoded)),
    length: encoded.octets,
    upper: encoded.upper,
    lower: encoded.lower ?? null,
  };
}

/** The frame in the words of the vectors, check sequences computed anew. */
function describeFrame(frame: HdlcFrame): Expected {
  const octets = encodeFrame(frame);
  const header = 3 + frame.destination.octets + frame.source.octets;
  const { llc, apdu } = splitLlc(frame.information);
  const hasInfo = frame.information.length > 0;
  const { control } = frame;
  const hasParameters = hex(frame.information).startsWith('8180');
  return {
    segmented: frame.segmented,
    length: octets.length - 2,
    destination: describeAddress(frame.destination),
    source: describeAddress(frame.source),
    control: encodeControl(control).toString(16).padStart(2, '0'),
    pollFinal: control.pollFinal,
    type: control.kind,
    ...('ns' in control ? { ns: control.ns } : {}),
    ...('nr' in control ? { nr: control.nr } : {}),
    ...(hasInfo ? { hcs: hex(octets.subarray(header + 1, header + 3)), hcsValid: true } : {}),
    information: hex(frame.information),
    fcs: hex(octets.subarray(-3, -1)),
    fcsValid: true,
    ...(hasParameters ? { parameters: decodeParameters(frame.information) } : {}),
    ...(llc === undefined ? {} : { llc: llc === 'command' ? 'e6e600' : 'e6e700', apdu: hex(apdu) }),
  };
}

describe('hdlc', () => {
  test.each(vectorsOf('hdlc').map((v) => [title(v), v] as const))('%s', (_, vector) => {
    const frame = onlyFrame(bytes(vector.hex));
    expect(describeFrame(frame)).toEqual(vector.expected);
    expect(hex(encodeFrame(frame))).toBe(vector.hex);
    if (vector.expected.parameters !== undefined) {
      const again = decodeParameters(encodeParameters(decodeParameters(frame.information)));
      expect(again).toEqual(vector.expected.parameters);
    }
  });

  test('the check sequence of the standard: 03 3F', () => {
    expect(crc16X25(bytes('033f'))).toBe(0xec5b);
  });
});

describe('hdlc-address', () => {
  test.each(vectorsOf('hdlc-address').map((v) => [title(v), v] as const))('%s', (_, vector) => {
    const address = decodeAddress(bytes(vector.hex));
    expect({ upper: address.upper, lower: address.lower ?? null }).toEqual(vector.expected);
    expect(hex(encodeAddress(address))).toBe(vector.hex);
  });
});

describe('hdlc-segmented-session', () => {
  const vectors = vectorsOf('hdlc-segmented-session');
  test.each(vectors.map((v) => [title(v), v] as const))('%s', (_, vector) => {
    const frames = vector.expected.frames as Expected[];
    const client = connectedBefore(frames[0]);
    let message: Uint8Array | undefined;
    frames.forEach((expected, i) => {
      if (expected.from !== 'server') return;
      const frame = onlyFrame(bytes(expected.hex));
      const { control } = frame;
      expect(control.kind).toBe(expected.type);
      expect(frame.segmented).toBe(expected.segmented);
      const written = client.receive(bytes(expected.hex), 0);
      const answer = frames[i + 1];
      expect(hex(written)).toBe(answer === undefined ? '' : answer.hex);
      for (let e = client.next(); e !== undefined; e = client.next()) {
        if (e.kind === 'message') message = e.apdu;
      }
    });
    expect(message === undefined ? 'nothing' : hex(message)).toBe(vector.expected.apdu);
  });
});

/** A client whose numbers stand where the captured session begins: requests and answers before. */
function connectedBefore(first: Expected): HdlcClient {
  const one = clientAddress(1);
  const client = new HdlcClient({ address: one, server: one });
  const reply = (control: HdlcFrame['control'], information = bytes('')): void => {
    const frame = { destination: one, source: one, control, segmented: false, information };
    client.receive(encodeFrame(frame), 0);
  };
  client.connect(0);
  reply({ kind: 'UA', pollFinal: true });
  // Unanswered requests first advance our N(S) alone, then answers advance both.
  const before = (first.nr - 1) & 7;
  for (let ns = 0, nr = 0; ns !== first.ns || nr !== before; ) {
    const answer = ns !== first.ns;
    client.send(bytes('c0'), 0, { answer });
    nr = (nr + 1) & 7;
    if (answer) {
      reply({ kind: 'I', ns, nr, pollFinal: true }, bytes('e6e700c4'));
      ns = (ns + 1) & 7;
    } else {
      reply({ kind: 'RR', nr, pollFinal: true });
    }
  }
  client.send(bytes('c0'), 0, { answer: true });
  while (client.next() !== undefined);
  return client;
}
