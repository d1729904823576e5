/** Octets to and from a meter over TCP: connect and read with a bound on the wait and the memory. */
import { connect, type Socket } from 'node:net';
import { type Clock, describeError, Fault, LIMITS } from '../../../domain/index.ts';

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
  const socket = connect({ host, port, noDelay: true });
  const address = `${host}:${port}`;
  const connected = new Promise<void>((resolve, reject) => {
    socket.once('connect', () => resolve());
    socket.once('error', (error) =>
      reject(new Fault('DLMS_CONNECT', { address, detail: describeError(error) }, error)),
    );
  });
  const timer = new AbortController();
  const late = clock.sleep(timeoutMs, timer.signal).then(
    () => {
      throw new Fault('DLMS_CONNECT', { address, detail: `no answer within ${timeoutMs} ms` });
    },
    () => {}, // connected, or failed, in time
  );
  try {
    await Promise.race([connected, late.then(() => connected)]);
  } catch (error) {
    socket.destroy();
    throw error;
  } finally {
    timer.abort();
  }
  return new TcpLine(clock, socket);
}

class TcpLine implements Line {
  readonly #clock: Clock;
  readonly #socket: Socket;
  #held: Uint8Array[] = [];
  #heldOctets = 0;
  #ended = false;
  #wake: (() => void) | undefined;

  constructor(clock: Clock, socket: Socket) {
    this.#clock = clock;
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
      if (this.#heldOctets < HELD_MAX) this.#socket.resume();
      return first;
    }
    if (this.#ended) throw new Fault('DLMS_CLOSED', { what });
    return undefined;
  }

  close(): void {
    this.#ended = true;
    this.#socket.destroy();
  }

  async #wait(timeoutMs: number): Promise<void> {
    const timer = new AbortController();
    const woken = new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    const late = this.#clock.sleep(Math.max(0, timeoutMs), timer.signal).catch(() => {});
    await Promise.race([woken, late]);
    this.#wake = undefined;
    timer.abort();
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
