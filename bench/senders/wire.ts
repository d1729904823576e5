/**
 * Just enough of MQTT 3.1.1 to publish at QoS 1 without a client library, so that the publishers
 * take as little of the machine as they can from the broker that is measured.
 */
import { connect, type Socket } from 'node:net';

const CONNACK_BYTES = 4;
const PUBACK_BYTES = 4;
const PACKET_ID_MAX = 65_535;

function lengthPrefixed(text: string): Buffer {
  const bytes = Buffer.from(text);
  const out = Buffer.allocUnsafe(2 + bytes.length);
  out.writeUInt16BE(bytes.length);
  bytes.copy(out, 2);
  return out;
}

/** Fixed header with the remaining length (2.2.3). */
function fixedHeader(type: number, remaining: number): Buffer {
  const bytes = [type];
  let left = remaining;
  do {
    const more = left >= 128;
    bytes.push((left % 128) + (more ? 128 : 0));
    left = Math.floor(left / 128);
  } while (left > 0);
  return Buffer.from(bytes);
}

function connectPacket(clientId: string, secret: string): Buffer {
  const body = Buffer.concat([
    lengthPrefixed('MQTT'),
    // Level 4, clean session with user name and password, keep-alive of 300 s.
    Buffer.from([4, 0xc2, 1, 0x2c]),
    lengthPrefixed(clientId),
    lengthPrefixed(clientId),
    lengthPrefixed(secret),
  ]);
  return Buffer.concat([fixedHeader(0x10, body.length), body]);
}

/** PUBLISH at QoS 1; the packet id is written in when it is sent. */
export function publishPacket(topic: string, payload: string): { bytes: Buffer; idAt: number } {
  const name = lengthPrefixed(topic);
  const body = Buffer.from(payload);
  const header = fixedHeader(0x32, name.length + 2 + body.length);
  const idAt = header.length + name.length;
  return { bytes: Buffer.concat([header, name, Buffer.alloc(2), body]), idAt };
}

export type Packet = ReturnType<typeof publishPacket>;

export class WireClient {
  readonly #socket: Socket;
  #packetId = 0;
  /** Bytes of a PUBACK that came in part. */
  #rest = 0;
  onAcks: (count: number) => void = () => {};
  onClosed: () => void = () => {};

  private constructor(socket: Socket) {
    this.#socket = socket;
  }

  static connect(port: number, clientId: string, secret: string): Promise<WireClient> {
    return new Promise((resolve, reject) => {
      const socket = connect({ host: '127.0.0.1', port, noDelay: true });
      socket.once('error', reject);
      socket.once('connect', () => socket.write(connectPacket(clientId, secret)));
      socket.once('data', (chunk: Buffer) => {
        if (chunk.length !== CONNACK_BYTES || chunk[0] !== 0x20 || chunk[3] !== 0) {
          reject(new Error(`${clientId} was not let in: ${chunk.toString('hex')}`));
          return;
        }
        const client = new WireClient(socket);
        socket.on('data', (data: Buffer) => client.#take(data));
        socket.on('close', () => client.onClosed());
        resolve(client);
      });
    });
  }

  /** One write for all of them. */
  send(packets: readonly Packet[]): void {
    for (const { bytes, idAt } of packets) {
      this.#packetId = (this.#packetId % PACKET_ID_MAX) + 1;
      bytes.writeUInt16BE(this.#packetId, idAt);
    }
    const [only] = packets;
    if (packets.length === 1 && only !== undefined) this.#socket.write(only.bytes);
    else this.#socket.write(Buffer.concat(packets.map((packet) => packet.bytes)));
  }

  end(): void {
    this.onClosed = () => {};
    this.#socket.destroy();
  }

  /** The broker sends nothing but PUBACKs: nothing is subscribed. */
  #take(data: Buffer): void {
    const bytes = this.#rest + data.length;
    this.#rest = bytes % PUBACK_BYTES;
    const acks = (bytes - this.#rest) / PUBACK_BYTES;
    if (acks > 0) this.onAcks(acks);
  }
}
