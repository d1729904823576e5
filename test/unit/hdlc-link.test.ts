/**
 * Client and server wired together over lines that split, lose, garble and repeat. Time is a
 * number the test moves; a lost frame is repaired by the timers alone.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isFault } from '../../domain/index.ts';
import { serverAddress } from '../../gateway/protocols/hdlc/address.ts';
import { HdlcClient } from '../../gateway/protocols/hdlc/client.ts';
import { Deframer } from '../../gateway/protocols/hdlc/deframer.ts';
import { decodeFrame, encodeFrame } from '../../gateway/protocols/hdlc/frame.ts';
import { HdlcServer } from '../../gateway/protocols/hdlc/server.ts';
import {
  CLIENT,
  drain,
  hex,
  kinds,
  type Line,
  messages,
  Pair,
  pattern,
  SERVER,
  WIDE,
} from './hdlc-pair.ts';

describe('a link without trouble', () => {
  test('SNRM negotiates the smaller of both sides', () => {
    const pair = new Pair(
      { parameters: WIDE },
      { parameters: { ...WIDE, maxInfoTransmit: 30, windowReceive: 3 } },
    );
    pair.run(pair.client.connect(0));
    expect(pair.clientEvents).toEqual([
      {
        kind: 'connected',
        parameters: {
          maxInfoTransmit: 40,
          maxInfoReceive: 30,
          windowTransmit: 3,
          windowReceive: 7,
        },
        peer: SERVER,
      },
    ]);
  });

  test.each([1, 2, 5, 7])('segments in windows of %i arrive whole, both ways', (window) => {
    const parameters = { ...WIDE, windowTransmit: window, windowReceive: window };
    const pair = new Pair({ parameters }, { parameters });
    pair.run(pair.client.connect(0));
    const apdu = pattern(3_000);
    pair.run(pair.client.send(apdu, 0));
    expect(messages(pair.serverEvents)).toEqual([hex(apdu)]);
    expect(messages(pair.clientEvents)).toEqual([hex(apdu)]);
    expect(pair.nowMs).toBe(0);
  });

  test('the server keeps the address form the client used', () => {
    const server = new HdlcServer({ address: serverAddress(1) });
    const client = new HdlcClient({ address: CLIENT, server: serverAddress(1, 17, 4) });
    const frames = new Deframer().push(server.receive(client.connect(0), 0));
    expect(decodeFrame(frames[0] as Uint8Array).source).toEqual(serverAddress(1, 17, 4));
  });

  test('an unconfirmed service ends with the acknowledgement', () => {
    const pair = new Pair();
    pair.answer = () => undefined;
    pair.run(pair.client.connect(0));
    pair.run(pair.client.send(pattern(5), 0, { answer: false }), 5_000);
    expect(kinds(pair.clientEvents)).toEqual(['connected', 'delivered']);
    expect(pair.client.deadlineMs).toBeUndefined();
  });

  test('DISC ends it on both sides; a second DISC meets DM', () => {
    const pair = new Pair();
    pair.run(pair.client.connect(0));
    pair.run(pair.client.disconnect(0));
    expect(kinds(pair.clientEvents)).toEqual(['connected', 'disconnected']);
    expect(kinds(pair.serverEvents)).toEqual(['connected', 'disconnected']);
    const disc = encodeFrame({
      destination: SERVER,
      source: CLIENT,
      control: { kind: 'DISC', pollFinal: true },
      segmented: false,
      information: new Uint8Array(0),
    });
    const answer = new Deframer().push(pair.server.receive(disc, 0));
    expect(decodeFrame(answer[0] as Uint8Array).control.kind).toBe('DM');
  });

  test('an application that thinks is polled and answers in the end', () => {
    const pair = new Pair({}, { holdMs: 1_000 });
    pair.run(pair.client.connect(0));
    pair.answer = () => undefined;
    pair.run(pair.client.send(pattern(3), 0), 4_000);
    expect(messages(pair.clientEvents)).toEqual([]);
    pair.server.send(pattern(9), pair.nowMs);
    pair.run(new Uint8Array(0), 8_000);
    expect(messages(pair.clientEvents)).toEqual([hex(pattern(9))]);
  });

  test('a busy server is polled until it has room again', () => {
    const pair = new Pair();
    pair.run(pair.client.connect(0));
    pair.server.setBusy(true);
    pair.run(pair.client.send(pattern(3), 0), 2_000);
    expect(messages(pair.serverEvents)).toEqual([]);
    pair.server.setBusy(false);
    pair.run(new Uint8Array(0), 4_000);
    expect(messages(pair.clientEvents)).toEqual([hex(pattern(3))]);
  });

  test('a push in segmented UI frames comes out as one notification', () => {
    const pair = new Pair();
    const pushed = pair.server.notify(CLIENT, pattern(700));
    pair.client.receive(pushed, 0);
    const event = pair.client.next();
    expect(event).toMatchObject({ kind: 'notification', llc: 'response', source: SERVER });
    expect(event?.kind === 'notification' ? hex(event.apdu) : undefined).toEqual(hex(pattern(700)));
  });
});

describe('messages beyond the bound', () => {
  const endless = (kind: 'I' | 'UI', from: typeof SERVER, to: typeof CLIENT, frames: number) =>
    Array.from({ length: frames }, (_, i) =>
      encodeFrame({
        destination: to,
        source: from,
        control:
          kind === 'I' ? { kind, ns: i & 7, nr: 0, pollFinal: false } : { kind, pollFinal: false },
        segmented: i < frames - 1,
        information: pattern(1_000),
      }),
    );

  test('end the link on either side; no tail is taken for a message', () => {
    const pair = new Pair();
    pair.run(pair.client.connect(0));
    for (const frame of endless('I', SERVER, CLIENT, 140)) pair.client.receive(frame, 0);
    for (const frame of endless('I', CLIENT, SERVER, 140)) pair.server.receive(frame, 0);
    drain(pair.client, pair.clientEvents);
    drain(pair.server, pair.serverEvents);
    for (const events of [pair.clientEvents, pair.serverEvents]) {
      expect(kinds(events)).toEqual(['connected', 'disconnected']);
      const last = events[1];
      expect(last?.kind === 'disconnected' && isFault(last.fault, 'HDLC_LIMIT')).toBe(true);
    }
  });

  test('as pushes cost only themselves', () => {
    const pair = new Pair();
    for (const frame of endless('UI', SERVER, CLIENT, 140)) pair.client.receive(frame, 0);
    pair.client.receive(pair.server.notify(CLIENT, pattern(300)), 0);
    drain(pair.client, pair.clientEvents);
    expect(kinds(pair.clientEvents)).toEqual(['notification']);
  });
});

describe('a link with trouble', () => {
  test('a server that is not there ends in HDLC_TIMEOUT after four tries', () => {
    const pair = new Pair();
    let sent = 0;
    pair.up = () => {
      sent += 1;
      return new Uint8Array(0);
    };
    pair.run(pair.client.connect(0));
    drain(pair.client, pair.clientEvents);
    const [event] = pair.clientEvents;
    expect(event?.kind === 'disconnected' && isFault(event.fault, 'HDLC_TIMEOUT')).toBe(true);
    expect(sent).toBe(4);
    expect(pair.client.state).toBe('disconnected');
  });

  test('a server that rejects ends in HDLC_REFUSED', () => {
    const pair = new Pair();
    pair.client.connect(0);
    const dm = { destination: CLIENT, source: SERVER, segmented: false, information: pattern(0) };
    pair.client.receive(encodeFrame({ ...dm, control: { kind: 'DM', pollFinal: true } }), 0);
    const event = pair.client.next();
    expect(event?.kind === 'disconnected' && isFault(event.fault, 'HDLC_REFUSED')).toBe(true);
  });

  test('the echo of an optical head is dropped', () => {
    const pair = new Pair();
    const snrm = pair.client.connect(0);
    pair.client.receive(snrm, 0);
    expect(pair.client.counts.ignored).toBe(1);
    pair.run(snrm);
    expect(kinds(pair.clientEvents)).toEqual(['connected']);
  });

  test('an unknown control octet in a link meets FRMR', () => {
    const pair = new Pair();
    pair.run(pair.client.connect(0));
    const rr = encodeFrame({
      destination: SERVER,
      source: CLIENT,
      control: { kind: 'RR', nr: 0, pollFinal: true },
      segmented: false,
      information: pattern(0),
    });
    const raw = rr.slice(1, -3);
    raw[raw.length - 1] = 0x19;
    const frame = rebuild(raw);
    const answer = decodeFrame(new Deframer().push(pair.server.receive(frame, 0))[0] as Uint8Array);
    expect(answer.control.kind).toBe('FRMR');
    expect(answer.information[0]).toBe(0x19);
  });

  test('an idle server drops the link after the inactivity time', () => {
    const pair = new Pair({}, { inactivityMs: 10_000 });
    pair.run(pair.client.connect(0), 9_999);
    expect(pair.server.state).toBe('connected');
    pair.server.tick(10_000);
    expect(pair.server.state).toBe('disconnected');
  });

  test('commands out of state are refused', () => {
    const pair = new Pair();
    expect(() => pair.client.send(pattern(1), 0)).toThrow(/connected|disconnected/);
    expect(() => pair.client.disconnect(0)).toThrow();
    expect(() => pair.server.send(pattern(1), 0)).toThrow();
  });

  test('losses and garbling never lose, repeat or reorder a message', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom('pass', 'pass', 'pass', 'drop', 'garble', 'twice'), {
          maxLength: 60,
        }),
        fc.integer({ min: 1, max: 7 }),
        fc.integer({ min: 1, max: 400 }),
        (fates, window, octets) => {
          const parameters = { ...WIDE, windowTransmit: window, windowReceive: window };
          const pair = new Pair({ parameters, retriesMax: 100 }, { parameters, inactivityMs: 1e9 });
          pair.run(pair.client.connect(0), 1e6);
          let turn = 0;
          const line: Line = (out) => mistreat(out, fates[turn++] ?? 'pass');
          pair.up = line;
          pair.down = line;
          const first = pattern(octets);
          const second = pattern(octets + 3);
          pair.run(pair.client.send(first, pair.nowMs), pair.nowMs + 1e6);
          pair.run(pair.client.send(second, pair.nowMs), pair.nowMs + 1e6);
          const wanted = [hex(first), hex(second)];
          expect(messages(pair.serverEvents)).toEqual(wanted);
          expect(messages(pair.clientEvents)).toEqual(wanted);
        },
      ),
      { numRuns: 150 },
    );
  });

  test('any octets at all: neither side throws, buffers stay bounded', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (octets) => {
        const pair = new Pair();
        pair.run(pair.client.connect(0));
        pair.client.receive(octets, 0);
        pair.server.receive(octets, 0);
      }),
      { numRuns: 200 },
    );
  });
});

function rebuild(raw: Uint8Array): Uint8Array {
  let crc = 0xffff;
  for (const octet of raw) {
    crc ^= octet;
    for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >>> 1) ^ 0x8408 : crc >>> 1;
  }
  crc ^= 0xffff;
  return Uint8Array.from([0x7e, ...raw, crc & 0xff, crc >> 8, 0x7e]);
}

function mistreat(octets: Uint8Array, fate: string): Uint8Array {
  if (fate === 'drop') return new Uint8Array(0);
  if (fate === 'twice') return Buffer.concat([octets, octets]);
  if (fate === 'pass' || octets.length === 0) return octets;
  const garbled = octets.slice();
  garbled[garbled.length >> 1] = (garbled[garbled.length >> 1] as number) ^ 0x40;
  return garbled;
}
