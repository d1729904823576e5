/** The embedded broker on its real port: when it acknowledges, and what it survives. */
import type { Socket } from 'node:net';
import { generate } from 'mqtt-packet';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../cli/clock.ts';
import { Fault, LIMITS, TOPIC } from '../../domain/index.ts';
import { closes, connectMeter, isCut, rawSocket, secretOf } from '../support/mqtt.ts';
import { MqttGateway } from '../support/mqtt-gateway.ts';

const gateway = new MqttGateway();

describe('an acknowledgement', () => {
  it('arrives only after the journal has the message', async () => {
    const order: string[] = [];
    let synced = () => {};
    gateway.append = (envelope) => {
      gateway.journal.push(envelope);
      return new Promise((resolve) => {
        synced = () => {
          order.push('durable');
          resolve();
        };
      });
    };
    const client = await gateway.meter('M1');
    const published = client
      .publishAsync(TOPIC.readings('M1'), '{}', { qos: 1 })
      .then(() => order.push('puback'));
    await expect.poll(() => gateway.journal.length).toBe(1);
    await systemClock.sleep(150);
    expect(order).toEqual([]);
    synced();
    await published;
    expect(order).toEqual(['durable', 'puback']);
    expect(gateway.journal[0]).toMatchObject({
      source: 'mqtt',
      peer: 'M1',
      locator: 'v1/M1/up/readings',
    });
  });

  it('never comes when the journal cannot be trusted: the connection ends', async () => {
    gateway.append = async () => {
      throw new Fault('JOURNAL_FAILED', { detail: 'EIO' });
    };
    const client = await gateway.meter('M1');
    let acknowledged = false;
    client.publish(TOPIC.readings('M1'), '{}', { qos: 1 }, (error) => {
      acknowledged = error === undefined || error === null;
    });
    expect(await closes(client)).toBe(true);
    expect(acknowledged).toBe(false);
  });

  it('is given for garbage too: it is quarantined later, never refused', async () => {
    const client = await gateway.meter('M1');
    await client.publishAsync(TOPIC.readings('M1'), Buffer.from([0xff, 0, 0x7b]), { qos: 1 });
    expect(Buffer.from(gateway.journal[0]?.raw ?? [])).toEqual(Buffer.from([0xff, 0, 0x7b]));
  });
});

describe('replies', () => {
  it('go to the sender of commands; broken ones to the journal', async () => {
    const client = await gateway.meter('M1');
    const reply = { id: 'c1', outcome: 'done', output: 'open', at: '2026-10-01T00:00:00Z' };
    await client.publishAsync(TOPIC.reply('M1'), JSON.stringify(reply), { qos: 1 });
    await client.publishAsync(TOPIC.reply('M1'), '{"id":7}', { qos: 1 });
    expect(gateway.replies).toEqual([['M1', reply]]);
    expect(gateway.journal.map((envelope) => envelope.locator)).toEqual(['v1/M1/up/reply']);
  });
});

describe('a flood', () => {
  it('of one meter is slowed by withheld acknowledgements, without loss', async () => {
    await gateway.reopen({ bounds: { ratePerS: 100, burst: 20 } });
    const client = await gateway.meter('M1');
    const calm = await gateway.meter('M2');
    const started = performance.now();
    const flood = Array.from({ length: 80 }, (_, i) =>
      client.publishAsync(TOPIC.readings('M1'), String(i), { qos: 1 }),
    );
    await calm.publishAsync(TOPIC.readings('M2'), 'calm', { qos: 1 });
    const calmMs = performance.now() - started;
    await Promise.all(flood);
    expect(performance.now() - started).toBeGreaterThan(500);
    expect(calmMs).toBeLessThan(300);
    expect(gateway.journal).toHaveLength(81);
    expect(gateway.broker.stats().throttled).toBeGreaterThan(0);
  });

  it('of in-flight messages waits for the disk', async () => {
    await gateway.reopen({ bounds: { ratePerS: 1e6, burst: 1e6, inflightMax: 5 } });
    let inflight = 0;
    let most = 0;
    gateway.append = async (envelope) => {
      inflight += 1;
      most = Math.max(most, inflight);
      await systemClock.sleep(5);
      inflight -= 1;
      gateway.journal.push(envelope);
    };
    const client = await gateway.meter('M1');
    const topic = TOPIC.readings('M1');
    await Promise.all(
      Array.from({ length: 40 }, (_, i) => client.publishAsync(topic, String(i), { qos: 1 })),
    );
    expect(most).toBe(5);
    expect(gateway.journal).toHaveLength(40);
  });

  it('of new connections is capped', async () => {
    await gateway.reopen({ acceptPerS: 1, acceptBurst: 3 });
    const sockets = await Promise.all([1, 2, 3, 4, 5].map(() => rawSocket(gateway.broker.port)));
    const cut = await Promise.all(sockets.map((socket) => isCut(socket, 300)));
    expect(cut.filter(Boolean)).toHaveLength(2);
    for (const socket of sockets) socket.destroy();
    await gateway.reopen({ clientsMax: 1 });
    await gateway.meter('M1');
    await expect(gateway.meter('M2')).rejects.toThrow();
  });

  it('of silent sockets is dropped', async () => {
    const sockets = await Promise.all(
      Array.from({ length: 50 }, () => rawSocket(gateway.broker.port)),
    );
    const waitMs = LIMITS.mqttConnectTimeoutMs + 2_000;
    expect((await Promise.all(sockets.map((socket) => isCut(socket, waitMs)))).every(Boolean)).toBe(
      true,
    );
  });
});

describe('strange bytes', () => {
  const connectBytes = (clientId: string, more: object = {}) =>
    generate({
      cmd: 'connect',
      clientId,
      username: clientId,
      password: Buffer.from(secretOf(clientId)),
      keepalive: 60,
      clean: true,
      protocolId: 'MQTT',
      protocolVersion: 4,
      ...more,
    });
  /** aedes #612: an out-of-range read once ended the process. */
  const CORPUS = ['101000044d5154540502003c0321001400006202d301e0020020'];

  async function stillServes(): Promise<void> {
    const serial = `P${gateway.journal.length}`;
    const started = performance.now();
    const client = await connectMeter(serial, { port: gateway.broker.port });
    await client.publishAsync(TOPIC.readings(serial), 'ping', { qos: 1 });
    await client.endAsync(true);
    expect(performance.now() - started).toBeLessThan(1_000);
  }

  it.each(CORPUS)('%s: the broker survives', async (hex) => {
    const socket = await rawSocket(gateway.broker.port);
    socket.write(Buffer.from(hex, 'hex'));
    await systemClock.sleep(100);
    socket.destroy();
    await stillServes();
  });

  it.each([
    ['a packet before CONNECT', '30050001412121'],
    ['a CONNECT announced as 256 MB', '10ffffff7f'],
    ['a length of five bytes', '10ffffffff7f'],
    ['an HTTP request', Buffer.from('GET / HTTP/1.1\r\n\r\n').toString('hex')],
  ])('%s is cut off at once', async (_, hex) => {
    const socket = await rawSocket(gateway.broker.port);
    socket.write(Buffer.from(hex, 'hex'));
    expect(await isCut(socket, 1_000)).toBe(true);
  });

  it('a huge publish is cut off by its announced length', async () => {
    const socket = await rawSocket(gateway.broker.port);
    socket.write(connectBytes('M1'));
    await expect.poll(() => gateway.broker.isOnline('M1')).toBe(true);
    socket.write(Buffer.from('32ffffff7f', 'hex'));
    expect(await isCut(socket, 1_000)).toBe(true);
    expect(gateway.journal).toEqual([]);
  });

  it('mutated packets do not end the broker', async () => {
    await gateway.reopen({ acceptPerS: 1e6, acceptBurst: 1e6 });
    const publish = { cmd: 'publish', qos: 1, messageId: 7, dup: false, retain: false } as const;
    const subscriptions = [{ topic: 'v1/M1/down/#', qos: 1 as const }];
    const valid = [
      generate({ ...publish, topic: TOPIC.readings('M1'), payload: 'x' }),
      generate({ cmd: 'subscribe', messageId: 8, subscriptions }),
      generate({ cmd: 'unsubscribe', messageId: 9, unsubscriptions: ['v1/M1/down/#'] }),
      generate({ cmd: 'pubrel', messageId: 7 }),
      generate({ cmd: 'pingreq' }),
      connectBytes('M1', { protocolVersion: 5, properties: { sessionExpiryInterval: 9 } }),
      ...CORPUS.map((hex) => Buffer.from(hex, 'hex')),
    ];
    const seed = Date.now() % 2 ** 31;
    let state = seed | 1;
    const next = (below: number) => {
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      return (state >>> 0) % below;
    };
    const until = performance.now() + 2_000;
    let runs = 0;
    for (; performance.now() < until; runs += 1) {
      const before = next(4) === 0 ? Buffer.alloc(0) : connectBytes('M1');
      const bytes = Buffer.concat([before, valid[next(valid.length)] as Buffer]);
      for (let i = next(4); i > 0; i -= 1) bytes[next(bytes.length)] = next(256);
      const socket: Socket = await rawSocket(gateway.broker.port);
      socket.end(bytes.subarray(0, next(8) === 0 ? next(bytes.length) : bytes.length));
      await isCut(socket, 20);
      socket.destroy();
    }
    expect(runs, `seed ${seed}`).toBeGreaterThan(50);
    await stillServes();
  });
});
