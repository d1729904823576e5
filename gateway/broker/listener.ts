/** TCP or TLS in front of the embedded broker: caps, accept rate, first-byte guard (T28-T30). */
import { createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type TlsOptions } from 'node:tls';
import { type Clock, LIMITS } from '../../domain/index.ts';
import { TokenBucket } from './gate.ts';
import { PacketGuard } from './packet-guard.ts';

export interface ListenerOptions {
  readonly host: string;
  /** 0 = any free port. */
  readonly port: number;
  readonly tls?: TlsOptions;
  readonly clock: Clock;
  readonly acceptPerS?: number;
  readonly acceptBurst?: number;
  readonly clientsMax?: number;
}

export class Listener {
  readonly #server: Server;
  readonly #options: ListenerOptions;
  readonly #sockets = new Set<Socket>();

  constructor(
    options: ListenerOptions,
    onSocket: (socket: Socket) => void,
    onRefused: (detail: string) => void,
  ) {
    this.#options = options;
    const bucket = new TokenBucket(
      options.clock,
      options.acceptPerS ?? LIMITS.mqttAcceptPerS,
      options.acceptBurst ?? LIMITS.mqttAcceptBurst,
    );
    const clientsMax = options.clientsMax ?? LIMITS.mqttClientsMax;
    const take = (socket: Socket) => {
      const refused = this.#sockets.size >= clientsMax ? 'too many connections' : undefined;
      if (refused !== undefined || !bucket.take()) {
        socket.destroy();
        onRefused(refused ?? 'too many new connections a second');
        return;
      }
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
      socket.setNoDelay(true);
      onSocket(socket);
      guard(socket, onRefused);
    };
    this.#server =
      options.tls === undefined
        ? createServer(take)
        : createTlsServer(
            { handshakeTimeout: LIMITS.mqttConnectTimeoutMs, ...options.tls },
            take,
          ).on('tlsClientError', (error) => onRefused(`TLS: ${error.message}`));
  }

  async start(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen({ host: this.#options.host, port: this.#options.port }, () => {
        this.#server.removeListener('error', reject);
        resolve();
      });
    });
  }

  get port(): number {
    const address = this.#server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  /** No new connections; the open ones are cut. */
  async stop(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }
}

/**
 * The broker reads the socket by read(); Node emits the same bytes as 'data' just before read()
 * returns them, so that the guard sees an announced length before a parser waits for it.
 */
function guard(socket: Socket, onRefused: (detail: string) => void): void {
  const headers = new PacketGuard();
  const onData = (chunk: Buffer) => {
    const refused = headers.feed(chunk);
    if (refused === undefined) return;
    socket.removeListener('data', onData);
    socket.destroy();
    onRefused(refused);
  };
  socket.on('data', onData);
}
