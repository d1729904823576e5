/** Meters that publish one interval a message, with a bounded number on their way. */
import { formatInstant, OBIS, TOPIC } from '../../domain/index.ts';
import { QUARTER_MS, SECRET, serialOf, wattHours } from '../load.ts';
import type { ConnectOrder, PublishOrder, PublishReport } from './protocol.ts';
import { type Packet, publishPacket, WireClient } from './wire.ts';

const CONNECTING_AT_ONCE = 20;

export function readingPacket(meter: number, startMs: number): Packet {
  const reading = {
    channel: OBIS.importActive,
    start: formatInstant(startMs),
    interval_s: 900,
    values: [wattHours(meter, startMs)],
  };
  return publishPacket(TOPIC.readings(serialOf(meter)), JSON.stringify({ readings: [reading] }));
}

export class Publishers {
  /** Connected meters by the broker's port. */
  readonly #clients = new Map<number, WireClient[]>();
  #order: PublishOrder | undefined;
  #packets: Packet[][] = [];

  async connect({ port, meters }: ConnectOrder): Promise<void> {
    const clients: WireClient[] = new Array(meters);
    let next = 0;
    const connectSome = async () => {
      while (next < meters) {
        const n = next;
        next += 1;
        clients[n] = await WireClient.connect(port, serialOf(n), SECRET);
      }
    };
    await Promise.all(Array.from({ length: CONNECTING_AT_ONCE }, connectSome));
    this.#clients.set(port, clients);
  }

  at(port: number): readonly WireClient[] {
    return this.#clients.get(port) ?? [];
  }

  prepare(order: PublishOrder): void {
    this.#order = order;
    this.#packets = this.at(order.port).map((_, meter) =>
      Array.from({ length: order.slots }, (_none, n) =>
        readingPacket(meter, order.startMs + (order.fromSlot + n) * QUARTER_MS),
      ),
    );
  }

  /** Resolves at the last PUBACK. */
  async publish(): Promise<PublishReport> {
    const { port, inflight } = this.#order as PublishOrder;
    const started = performance.now();
    await Promise.all(
      this.at(port).map((client, meter) =>
        sendAll(client, this.#packets[meter] as Packet[], inflight),
      ),
    );
    const elapsedMs = performance.now() - started;
    return { messages: this.#packets.reduce((sum, own) => sum + own.length, 0), elapsedMs };
  }
}

function sendAll(client: WireClient, packets: readonly Packet[], inflight: number): Promise<void> {
  return new Promise((resolve, reject) => {
    let sent = Math.min(inflight, packets.length);
    let acked = 0;
    client.onClosed = () => reject(new Error('a connection was closed'));
    client.onAcks = (count) => {
      acked += count;
      if (acked === packets.length) resolve();
      const more = Math.min(packets.length, acked + inflight);
      if (more <= sent) return;
      const next = packets.slice(sent, more);
      sent = more;
      client.send(next);
    };
    client.send(packets.slice(0, sent));
  });
}
