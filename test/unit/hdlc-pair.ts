/** A client and a server with a line between them that the test controls, and its own time. */
import { clientAddress, serverAddress } from '../../gateway/protocols/hdlc/address.ts';
import { type ClientOptions, HdlcClient } from '../../gateway/protocols/hdlc/client.ts';
import { HdlcServer, type ServerOptions } from '../../gateway/protocols/hdlc/server.ts';
import type { LinkEvent, Station } from '../../gateway/protocols/hdlc/station.ts';

export const CLIENT = clientAddress(16);
export const SERVER = serverAddress(1, 17);
export const WIDE = {
  maxInfoTransmit: 40,
  maxInfoReceive: 40,
  windowTransmit: 7,
  windowReceive: 7,
};

/** What happens to the octets of one transmission; the default passes them on. */
export type Line = (octets: Uint8Array) => Uint8Array;
const clean: Line = (octets) => octets;

export class Pair {
  readonly client: HdlcClient;
  readonly server: HdlcServer;
  readonly clientEvents: LinkEvent[] = [];
  readonly serverEvents: LinkEvent[] = [];
  nowMs = 0;
  transmissions = 0;
  up: Line = clean;
  down: Line = clean;
  /** What the application at the server answers. */
  answer: (apdu: Uint8Array) => Uint8Array | undefined = (apdu) => apdu;

  constructor(client: Partial<ClientOptions> = {}, server: Partial<ServerOptions> = {}) {
    this.client = new HdlcClient({ address: CLIENT, server: SERVER, ...client });
    this.server = new HdlcServer({ address: SERVER, ...server });
  }

  /** Carries octets to and fro until both are silent, then lets time pass, up to `untilMs`. */
  run(first: Uint8Array, untilMs = 60_000): void {
    let toServer = first;
    for (let rounds = 0; rounds < 5_000; rounds += 1) {
      if (toServer.length > 0) {
        this.transmissions += 1;
        toServer = this.exchange(toServer);
        continue;
      }
      const due = Math.min(this.client.deadlineMs ?? Infinity, this.server.deadlineMs ?? Infinity);
      if (due > untilMs) return;
      this.nowMs = Math.max(this.nowMs, due);
      const late = this.server.tick(this.nowMs);
      toServer = Buffer.concat([this.deliver(late), this.client.tick(this.nowMs)]);
    }
    throw new Error('the link never came to rest');
  }

  private exchange(toServer: Uint8Array): Uint8Array {
    const out = [this.server.receive(this.up(toServer), this.nowMs)];
    for (let e = this.server.next(); e !== undefined; e = this.server.next()) {
      this.serverEvents.push(e);
      if (e.kind !== 'message') continue;
      const reply = this.answer(e.apdu);
      if (reply !== undefined) out.push(this.server.send(reply, this.nowMs));
    }
    return this.deliver(Buffer.concat(out));
  }

  private deliver(octets: Uint8Array): Uint8Array {
    if (octets.length === 0) return octets;
    const back = this.client.receive(this.down(octets), this.nowMs);
    drain(this.client, this.clientEvents);
    return back;
  }
}

export function drain(station: Station, into: LinkEvent[]): void {
  for (let e = station.next(); e !== undefined; e = station.next()) into.push(e);
}

export const kinds = (events: LinkEvent[]): string[] => events.map((e) => e.kind);
/** The APDUs of the messages among the events, as hex. */
export const messages = (events: LinkEvent[]): string[] =>
  events.flatMap((e) => (e.kind === 'message' ? [hex(e.apdu)] : []));
export const hex = (octets: Uint8Array): string => Buffer.from(octets).toString('hex');
export const pattern = (octets: number): Uint8Array =>
  Uint8Array.from({ length: octets }, (_, i) => i & 0xff);
