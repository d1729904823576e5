/** A TCP proxy that remembers what the client said, for saying it again. */
import { connect, createServer, type Socket } from 'node:net';

export interface WireTap {
  readonly port: number;
  /** Chunks from client to server, in order. */
  readonly said: readonly Buffer[];
  close(): Promise<void>;
}

export async function wireTap(port: number): Promise<WireTap> {
  const said: Buffer[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const meter = connect({ host: '127.0.0.1', port, noDelay: true });
    for (const socket of [client, meter]) {
      sockets.add(socket);
      socket.on('error', () => {});
    }
    client.on('data', (chunk) => {
      said.push(Buffer.from(chunk));
      meter.write(chunk);
    });
    meter.on('data', (chunk) => client.write(chunk));
    client.on('close', () => meter.destroy());
    meter.on('close', () => client.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as { port: number }).port,
    said,
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
