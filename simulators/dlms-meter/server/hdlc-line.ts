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
const PARAMETERS = {
  maxInfoTransmit: HDLC_INFO_OCTETS,
  maxInfoReceive: HDLC_INFO_OCTETS,
  windowTransmit: 1,
  windowReceive: 1,
};
const LINKS_MAX = 64;

interface Link {
  readonly meter: DlmsMeter;
  readonly server: HdlcServer;
  association: Association | undefined;
  timer: NodeJS.Timeout | undefined;
}

export function serveHdlc(socket: Socket, options: LineOptions): void {
  const line = new HdlcLine(socket, options);
  socket.setNoDelay(true);
  socket.on('error', () => socket.destroy());
  socket.on('close', () => line.stop());
  socket.on('data', (chunk) => line.receive(chunk));
}

class HdlcLine {
  readonly #socket: Socket;
  readonly #options: LineOptions;
  readonly #deframer = new Deframer();
  readonly #links = new Map<number, Link>();

  constructor(socket: Socket, options: LineOptions) {
    this.#socket = socket;
    this.#options = options;
  }

  receive(chunk: Uint8Array): void {
    for (const raw of this.#deframer.push(chunk)) {
      const link = this.#linkOf(raw);
      if (link === undefined) continue;
      const frame = Buffer.concat([Uint8Array.of(FLAG), raw, Uint8Array.of(FLAG)]);
      this.#send(link, link.server.receive(frame, this.#now()));
      this.#handle(link);
      this.#arm(link);
    }
  }

  stop(): void {
    for (const link of this.#links.values()) clearTimeout(link.timer);
  }

  #now(): number {
    return this.#options.clock.monotonicMs();
  }

  #linkOf(raw: Uint8Array): Link | undefined {
    const address = lowerAddress(raw);
    if (address === undefined) return undefined;
    const known = this.#links.get(address);
    if (known !== undefined) return known;
    const meter = this.#options.meterAt(address);
    if (meter === undefined || this.#links.size >= LINKS_MAX) return undefined;
    const server = new HdlcServer({
      address: serverAddress(LOGICAL_DEVICE, address),
      parameters: PARAMETERS,
    });
    const link: Link = { meter, server, association: undefined, timer: undefined };
    this.#links.set(address, link);
    return link;
  }

  #handle(link: Link): void {
    for (let e = link.server.next(); e !== undefined; e = link.server.next()) {
      if (e.kind === 'connected') {
        link.association = new Association(link.meter, e.peer.upper, LOGICAL_DEVICE);
      } else if (e.kind === 'disconnected') {
        link.association = undefined;
      } else if (e.kind === 'message') {
        this.#answer(link, e.apdu);
      }
    }
  }

  #answer(link: Link, apdu: Uint8Array): void {
    const reply = link.association?.handle(apdu);
    const fault = link.meter.faults.draw();
    if (fault === 'close') {
      this.#socket.destroy();
    } else if (fault === 'slow' && reply !== undefined) {
      void this.#options.clock.sleep(link.meter.faults.slowMs).then(() => {
        if (this.#socket.destroyed || link.server.state !== 'connected') return;
        this.#send(link, link.server.send(reply, this.#now()));
        this.#arm(link);
      });
    } else {
      const { server } = link;
      const now = this.#now();
      const octets = reply === undefined ? server.noAnswer(now) : server.send(reply, now);
      if (fault === 'drop') return; // lost on the line; the client asks again
      this.#send(link, fault === 'wrong-fcs' ? flipped(octets) : octets);
    }
  }

  #send({ meter }: Link, octets: Uint8Array): void {
    const { line } = meter.faults;
    if (octets.length === 0 || this.#socket.destroyed || line === 'dead') return;
    this.#socket.write(line === 'noisy' ? flipped(octets) : octets);
  }

  #arm(link: Link): void {
    clearTimeout(link.timer);
    const { deadlineMs } = link.server;
    if (deadlineMs === undefined || this.#socket.destroyed) return;
    link.timer = setTimeout(
      () => {
        this.#send(link, link.server.tick(this.#now()));
        this.#handle(link);
        this.#arm(link);
      },
      Math.max(0, deadlineMs - this.#now()) + 1,
    );
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
