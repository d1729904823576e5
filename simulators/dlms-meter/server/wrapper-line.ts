/** A TCP connection of the wrapper profile (IEC 62056-47): many meters behind one port by wPort. */
import type { Socket } from 'node:net';
import { type Clock, isFault } from '../../../domain/index.ts';
import { encodeWpdu, type Wpdu, WrapperReader } from '../../../gateway/protocols/dlms/wrapper.ts';
import type { DlmsMeter } from '../meter.ts';
import { Association } from './association.ts';

export interface LineOptions {
  readonly clock: Clock;
  /** The meter at a server address (wPort, or lower HDLC address). */
  readonly meterAt: (address: number) => DlmsMeter | undefined;
}

/** Pairs of client and server that may be associated over one connection. */
const ASSOCIATIONS_MAX = 64;

export function serveWrapper(socket: Socket, options: LineOptions): void {
  const reader = new WrapperReader();
  const associations = new Map<string, Association>();
  socket.setNoDelay(true);
  socket.on('error', () => socket.destroy());
  socket.on('data', (chunk) => {
    try {
      for (const wpdu of reader.push(chunk)) answer(wpdu);
    } catch (error) {
      socket.destroy();
      if (!isFault(error)) throw error;
    }
  });

  function answer({ source, destination, apdu }: Wpdu): void {
    const meter = options.meterAt(destination);
    if (meter === undefined) return; // an unknown wPort is dropped
    const key = `${source}/${destination}`;
    let association = associations.get(key);
    if (association === undefined) {
      if (associations.size >= ASSOCIATIONS_MAX) return;
      association = new Association(meter, source, destination);
      associations.set(key, association);
    }
    const reply = association.handle(apdu);
    if (reply === undefined) return;
    const fault = meter.faults.draw();
    const octets = encodeWpdu({ source: destination, destination: source, apdu: reply });
    if (fault === 'drop' || meter.faults.line === 'dead') return;
    if (fault === 'close') {
      socket.destroy();
      return;
    }
    if (fault !== 'slow') {
      socket.write(octets);
      return;
    }
    void options.clock.sleep(meter.faults.slowMs).then(() => {
      if (!socket.destroyed) socket.write(octets);
    });
  }
}
