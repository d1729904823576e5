/**
 * A TCP connection that carries HDLC, as behind a modem or a serial server: one link for each
 * physical address on the line, each to the association of its client.
 */
import type { Socket } from 'node:net';
import { isFault } from '../../../domain/index.ts';
import { serverAddress } from '../../../gateway/protocols/hdlc/address.ts';
import { Deframer } from '../../../gateway/protocols/hdlc/deframer.ts';
import { decodeFrame, FLAG } from '../../../gateway/protocols/hdlc/frame.ts';
import { HdlcServer } from '../../../gateway/protocols/hdlc/server.ts';
import type { DlmsMeter } from '../meter.ts';
import { HDLC_INFO_OCTETS } from '../objects/all.ts';
import { Association } from './association.ts';
import type { LineOptions } from './wrapper-line.ts';

const LOGICAL_DEVICE = 1;
const WINDOW = 1;
const LINKS_MAX = 64;

interface Link {
  readonly meter: DlmsMeter;
  readonly server: HdlcServer;
  association: Association | undefined;
  timer: NodeJS.Timeout | undefined;
}

export function serveHdlc(socket: Socket, options: LineOptions): void {
  const deframer = new Deframer();
  const links = new Map<number, Link>();
  socket.setNoDelay(true);
  socket.on('error', () => socket.destroy());
  socket.on('close', () => {
    for (const link of links.values()) clearTimeout(link.timer);
  });
  socket.on('data', (chunk) => {
    for (const raw of deframer.push(chunk)) route(raw);
  });

  function route(raw: Uint8Array): void {
    const link = linkOf(raw);
    if (link === undefined) return;
    const now = options.clock.monotonicMs();
    const frame = Buffer.concat([Uint8Array.of(FLAG), raw, Uint8Array.of(FLAG)]);
    send(link, link.server.receive(frame, now));
    handle(link);
    arm(link);
  }

  function linkOf(raw: Uint8Array): Link | undefined {
    const address = lowerAddress(raw);
    if (address === undefined) return undefined;
    const known = links.get(address);
    if (known !== undefined) return known;
    const meter = options.meterAt(address);
    if (meter === undefined || links.size >= LINKS_MAX) return undefined;
    const parameters = {
      maxInfoTransmit: HDLC_INFO_OCTETS,
      maxInfoReceive: HDLC_INFO_OCTETS,
      windowTransmit: WINDOW,
      windowReceive: WINDOW,
    };
    const server = new HdlcServer({ address: serverAddress(LOGICAL_DEVICE, address), parameters });
    const link: Link = { meter, server, association: undefined, timer: undefined };
    links.set(address, link);
    return link;
  }

  function handle(link: Link): void {
    for (let e = link.server.next(); e !== undefined; e = link.server.next()) {
      if (e.kind === 'connected') {
        link.association = new Association(link.meter, e.peer.upper, LOGICAL_DEVICE);
      } else if (e.kind === 'disconnected') {
        link.association = undefined;
      } else if (e.kind === 'message') {
        answer(link, e.apdu);
      }
    }
  }

  function answer(link: Link, apdu: Uint8Array): void {
    const reply = link.association?.handle(apdu);
    const fault = link.meter.faults.draw();
    if (fault === 'close') {
      socket.destroy();
    } else if (fault === 'slow' && reply !== undefined) {
      void options.clock.sleep(link.meter.faults.slowMs).then(() => {
        if (socket.destroyed || link.server.state !== 'connected') return;
        send(link, link.server.send(reply, options.clock.monotonicMs()));
        arm(link);
      });
    } else {
      const now = options.clock.monotonicMs();
      const octets = reply === undefined ? link.server.noAnswer(now) : link.server.send(reply, now);
      if (fault === 'drop') return; // lost on the line; the client asks again
      send(link, fault === 'wrong-fcs' ? flipped(octets) : octets);
    }
  }

  function send({ meter }: Link, octets: Uint8Array): void {
    const { line } = meter.faults;
    if (octets.length === 0 || socket.destroyed || line === 'dead') return;
    socket.write(line === 'noisy' ? flipped(octets) : octets);
  }

  function arm(link: Link): void {
    clearTimeout(link.timer);
    const { deadlineMs } = link.server;
    if (deadlineMs === undefined || socket.destroyed) return;
    const wait = Math.max(0, deadlineMs - options.clock.monotonicMs());
    link.timer = setTimeout(() => {
      send(link, link.server.tick(options.clock.monotonicMs()));
      handle(link);
      arm(link);
    }, wait + 1);
    link.timer.unref();
  }
}

/** One-octet addressing names no physical device: the meter at address 0 then answers. */
function lowerAddress(raw: Uint8Array): number | undefined {
  try {
    const { destination } = decodeFrame(raw);
    return destination.upper === LOGICAL_DEVICE ? (destination.lower ?? 0) : undefined;
  } catch (error) {
    if (!isFault(error)) throw error;
    return undefined;
  }
}

function flipped(octets: Uint8Array): Uint8Array {
  const wrong = Uint8Array.from(octets);
  const at = wrong.length - 2;
  if (at >= 0) wrong[at] = (wrong[at] as number) ^ 0x10;
  return wrong;
}
