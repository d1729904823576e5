/** Simulated meters on a TCP port: one alone, or many told apart by their server address. */
import { createServer, type Server, type Socket } from 'node:net';
import type { Clock } from '../../../domain/index.ts';
import type { DlmsMeter } from '../meter.ts';
import { serveHdlc } from './hdlc-line.ts';
import { type LineOptions, serveWrapper } from './wrapper-line.ts';

export interface DlmsHostOptions {
  readonly clock: Clock;
  readonly framing: 'wrapper' | 'hdlc';
  /** One: it answers at every address. More: the first at `firstAddress`, and so on. */
  readonly meters: readonly DlmsMeter[];
  readonly firstAddress?: number | undefined;
  readonly host?: string | undefined;
  /** 0 = any free. */
  readonly port?: number | undefined;
  readonly connectionsMax?: number | undefined;
}

export interface DlmsHost {
  readonly port: number;
  /** wPort, or lower HDLC address. */
  addressOf(serial: string): number;
  /** Connections accepted so far. */
  readonly connections: number;
  close(): Promise<void>;
}

const FIRST_ADDRESS = 17;
const CONNECTIONS_MAX = 10_000;

export async function startDlmsHost(options: DlmsHostOptions): Promise<DlmsHost> {
  const { meters } = options;
  const first = options.firstAddress ?? FIRST_ADDRESS;
  const meterAt = (address: number) => (meters.length === 1 ? meters[0] : meters[address - first]);
  const line: LineOptions = { clock: options.clock, meterAt };
  const sockets = new Set<Socket>();
  const places = new Map(meters.map((meter, i) => [meter.serial, first + i]));
  let connections = 0;
  const server = createServer((socket) => {
    connections += 1;
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    if (options.framing === 'wrapper') serveWrapper(socket, line);
    else serveHdlc(socket, line);
  });
  server.maxConnections = options.connectionsMax ?? CONNECTIONS_MAX;
  await listen(server, options.port ?? 0, options.host ?? '127.0.0.1');
  return {
    port: (server.address() as { port: number }).port,
    get connections() {
      return connections;
    },
    addressOf(serial) {
      const address = places.get(serial);
      if (address === undefined) throw new Error(`no meter ${serial} on this port`);
      return address;
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

function listen(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => resolve());
  });
}
