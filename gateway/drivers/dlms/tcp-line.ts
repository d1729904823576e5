/** Octets to and from a meter over TCP: connect and read with a bound on the wait and the memory. */
import { connect, type Socket } from 'node:net';
import { type Clock, describeError, Fault, LIMITS } from '../../../domain/index.ts';
import { Watch } from './watch.ts';

/** What a transport needs of a line; TCP here, a serial port or a test elsewhere. */
export interface Line {
  write(octets: Uint8Array): void;
  /** The next octets; undefined when none came in time. Rejects with DLMS_CLOSED. */
  read(timeoutMs: number, what: string): Promise<Uint8Array | undefined>;
  close(): void;
}

/** Octets waiting to be read: two of the largest APDUs. */
const HELD_MAX = 2 * LIMITS.dlmsApduBytesMax;

export async function openTcpLine(
  clock: Clock,
  host: string,
  port: number,
  timeoutMs: number = LIMITS.dlmsConnectMs,
): Promise<Line> {
  const watch = new Watch(clock);
  const socket = connect({ host, port, noDelay: true });
  const address = `${host}:${port}`;
  try {
    await new Promise<void>((resolve, reject) => {
      const refuse = (detail: string) => reject(new Fault('DLMS_CONNECT', { address, detail }));
      socket.once('connect', () => resolve());
      socket.once('error', (error) => refuse(describeError(error)));
      watch.arm(timeoutMs, () => refuse(`no answer within ${timeoutMs} ms`));
    });
  } catch (error) {
    watch.stop();
    socket.destroy();
    throw error;
  }
  watch.disarm();
  return new TcpLine(watch, socket);
}

class TcpLine implements Line {
  readonly #watch: Watch;
  readonly #socket: Socket;
  #held: Uint8Array[] = [];
  #heldOctets = 0;
  #ended = false;
  #wake: (() => void) | undefined;

  constructor(watch: Watch, socket: Socket) {
    this.#watch = watch;
    this.#socket = socket;
    socket.on('data', (chunk) => this.#take(chunk));
    socket.on('error', () => this.#end());
    socket.on('close', () => this.#end());
    socket.on('end', () => this.#end());
  }

  write(octets: Uint8Array): void {
    if (octets.length > 0 && !this.#ended) this.#socket.write(octets);
  }

  async read(timeoutMs: number, what: string): Promise<Uint8Array | undefined> {
    if (this.#held.length === 0 && !this.#ended) await this.#wait(timeoutMs);
    const first = this.#held.shift();
    if (first !== undefined) {
      this.#heldOctets -= first.length;
      if (this.#heldOctets < HELD_MAX && this.#socket.isPaused()) this.#socket.resume();
      return first;
    }
    if (this.#ended) throw new Fault('DLMS_CLOSED', { what });
    return undefined;
  }

  close(): void {
    this.#watch.stop();
    this.#socket.destroy();
    this.#end();
  }

  async #wait(timeoutMs: number): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      this.#watch.arm(timeoutMs, resolve);
    });
    this.#wake = undefined;
    this.#watch.disarm();
  }

  #take(chunk: Uint8Array): void {
    this.#held.push(chunk);
    this.#heldOctets += chunk.length;
    if (this.#heldOctets >= HELD_MAX) this.#socket.pause();
    this.#wake?.();
  }

  #end(): void {
    this.#ended = true;
    this.#wake?.();
  }
}
