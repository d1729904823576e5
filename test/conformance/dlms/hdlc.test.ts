/** HDLC vectors: frames, addresses, sessions of segments, pushes joined from UI frames. */
import { expect, test } from 'vitest';
import { decodeCiphered } from '../../../gateway/protocols/dlms/security/ciphered.ts';
import { openApdu } from '../../../gateway/protocols/dlms/security/protection.ts';
import { decodeAddress, encodeAddress } from '../../../gateway/protocols/hdlc/address.ts';
import { HdlcClient } from '../../../gateway/protocols/hdlc/client.ts';
import { encodeControl } from '../../../gateway/protocols/hdlc/control.ts';
import { crc16X25 } from '../../../gateway/protocols/hdlc/crc.ts';
import { Deframer } from '../../../gateway/protocols/hdlc/deframer.ts';
import { decodeFrame, encodeFrame, type HdlcFrame } from '../../../gateway/protocols/hdlc/frame.ts';
import { splitLlc } from '../../../gateway/protocols/hdlc/llc.ts';
import { decodeParameters, encodeParameters } from '../../../gateway/protocols/hdlc/parameters.ts';
import { bytes, type Expected, eachVector, expectContents, hex, type Vector } from './vectors.ts';

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

eachVector('hdlc', (vector) => {
  const frame = onlyFrame(bytes(vector.hex));
  expectContents(describeFrame(frame), vector.expected);
  expect(hex(encodeFrame(frame))).toBe(vector.hex);
  if (vector.expected.parameters !== undefined) {
    const again = decodeParameters(encodeParameters(decodeParameters(frame.information)));
    expect(again).toEqual(vector.expected.parameters);
  }
});

test('the check sequence of the standard: 03 3F', () => {
  expect(crc16X25(bytes('033f'))).toBe(0xec5b);
});

eachVector('hdlc-address', (vector) => {
  const address = decodeAddress(bytes(vector.hex));
  expectContents({ upper: address.upper, lower: address.lower }, vector.expected);
  expect(hex(encodeAddress(address))).toBe(vector.hex);
});

/** The client must write exactly the RRs of the capture and hand out the joined APDU. */
eachVector('hdlc-segmented-session', (vector) => {
  const frames = vector.expected.frames as Expected[];
  const client = connectedBefore(onlyFrame(bytes(frames[0].hex)));
  let message: Uint8Array | undefined;
  frames.forEach((expected, i) => {
    if (expected.from !== 'server') return;
    const frame = onlyFrame(bytes(expected.hex));
    const { control } = frame;
    const numbers = {
      ns: 'ns' in control ? control.ns : null,
      nr: 'nr' in control ? control.nr : null,
    };
    expect({ type: control.kind, segmented: frame.segmented, ...numbers }).toMatchObject({
      type: expected.type,
      segmented: expected.segmented,
      ns: expected.ns,
      nr: expected.nr,
    });
    const written = client.receive(bytes(expected.hex), 0);
    expect(hex(written)).toBe(frames[i + 1]?.hex ?? '');
    for (let e = client.next(); e !== undefined; e = client.next()) {
      if (e.kind === 'message') message = e.apdu;
    }
  });
  expect(message === undefined ? 'nothing' : hex(message)).toBe(vector.expected.apdu);
  expectPlain(vector, message as Uint8Array);
});

/** The sessions are ciphered with the public test keys of all captures in the file. */
function expectPlain(vector: Vector, message: Uint8Array): void {
  if (vector.expected.plain === undefined) return;
  const ciphered = decodeCiphered(message);
  if (!('body' in ciphered)) throw new Error(`${ciphered.kind} holds no ciphered body`);
  const keys = {
    encryption: bytes(vector.keys?.['encryptionKey'] ?? '000102030405060708090a0b0c0d0e0f'),
    authentication: bytes(vector.keys?.['authenticationKey'] ?? 'd0d1d2d3d4d5d6d7d8d9dadbdcdddedf'),
  };
  const systemTitle = bytes(vector.keys?.['systemTitle'] ?? '');
  expect(hex(openApdu(ciphered, { keys, systemTitle }).plain)).toBe(vector.expected.plain);
}

/** A client whose numbers stand where the capture begins: its requests and their answers before. */
function connectedBefore(first: HdlcFrame): HdlcClient {
  const { destination: address, source: server, control } = first;
  if (control.kind !== 'I') throw new Error('the capture does not begin with information');
  const client = new HdlcClient({ address, server });
  const reply = (answer: HdlcFrame['control'], information = bytes('')): void => {
    const frame = { destination: address, source: server, segmented: false, information };
    client.receive(encodeFrame({ ...frame, control: answer }), 0);
  };
  client.connect(0);
  reply({ kind: 'UA', pollFinal: true });
  // Unanswered requests advance our N(S) alone, answered ones both.
  const before = (control.nr - 1) & 7;
  for (let ns = 0, nr = 0; ns !== control.ns || nr !== before; ) {
    const answer = ns !== control.ns;
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
