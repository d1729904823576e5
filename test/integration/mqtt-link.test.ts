/** One contract, two brokers: the embedded one, and Mosquitto with our client behind it. */
import type { MqttClient } from 'mqtt';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../cli/clock.ts';
import { Fault, sha256Hex, TOPIC, type UpKind } from '../../domain/index.ts';
import { EmbeddedBroker } from '../../gateway/broker/embedded.ts';
import { ExternalBroker } from '../../gateway/broker/external.ts';
import type { MeterLink } from '../../gateway/broker/link.ts';
import { connectMeter, directory, secretOf, startMosquitto } from '../support/mqtt.ts';

interface Up {
  readonly serial: string;
  readonly kind: UpKind;
  readonly payload: string;
}

interface Bench {
  readonly link: MeterLink;
  readonly port: number;
  stop(): Promise<void>;
}

const SERIALS = ['M1', 'M2'];

async function embedded(): Promise<Bench> {
  const link = new EmbeddedBroker({
    host: '127.0.0.1',
    port: 0,
    directory,
    clock: systemClock,
    ackTopic: true,
  });
  link.onUp(onUp);
  await link.start();
  return { link, port: link.port, stop: () => link.stop() };
}

async function external(): Promise<Bench> {
  const broker = await startMosquitto(SERIALS);
  const link = new ExternalBroker({
    url: `mqtt://127.0.0.1:${broker.port}`,
    clientId: 'gateway-1',
    username: 'gateway',
    password: secretOf('gateway'),
    clock: systemClock,
  });
  link.onUp(onUp);
  await link.start();
  return {
    link,
    port: broker.port,
    stop: async () => {
      await link.stop();
      await broker.stop();
    },
  };
}

let ups: Up[];
let take: (up: Up) => Promise<void>;
const onUp = (serial: string, kind: UpKind, payload: Uint8Array) =>
  take({ serial, kind, payload: Buffer.from(payload).toString() });

describe.each([
  ['embedded', embedded],
  ['external', external],
] as const)('the %s broker', (name, open) => {
  let bench: Bench;
  let meters: MqttClient[];

  const meter = async (serial: string) => {
    const client = await connectMeter(serial, { port: bench.port });
    meters.push(client);
    return client;
  };
  const heard = async (client: MqttClient, topic: string) => {
    const messages: string[] = [];
    client.on('message', (_, payload) => messages.push(payload.toString()));
    await client.subscribeAsync(topic, { qos: 1 });
    return messages;
  };

  beforeEach(async () => {
    ups = [];
    take = async (up) => {
      ups.push(up);
    };
    meters = [];
    bench = await open();
  });

  afterEach(async () => {
    await Promise.all(meters.map((client) => client.endAsync(true)));
    await bench.stop();
  });

  it('hands over what meters send, with their serial', async () => {
    const [first, second] = [await meter('M1'), await meter('M2')];
    await first.publishAsync(TOPIC.readings('M1'), 'r', { qos: 1 });
    await first.publishAsync(TOPIC.events('M1'), 'e', { qos: 0 });
    await second.publishAsync(TOPIC.reply('M2'), 'c', { qos: 1 });
    await expect.poll(() => ups.length).toBe(3);
    expect(ups).toEqual(
      expect.arrayContaining([
        { serial: 'M1', kind: 'readings', payload: 'r' },
        { serial: 'M1', kind: 'events', payload: 'e' },
        { serial: 'M2', kind: 'reply', payload: 'c' },
      ]),
    );
    await expect.poll(() => bench.link.stats().acknowledged).toBe(3);
  });

  it('acknowledges on the ack topic only after the handler resolved', async () => {
    let durable = () => {};
    take = (up) => {
      ups.push(up);
      return new Promise((resolve) => {
        durable = resolve;
      });
    };
    const client = await meter('M1');
    const acks = await heard(client, TOPIC.ack('M1'));
    const published = client.publishAsync(TOPIC.readings('M1'), 'abc', { qos: 1 });
    await expect.poll(() => ups.length).toBe(1);
    await systemClock.sleep(100);
    expect(acks).toEqual([]);
    durable();
    await published;
    await expect.poll(() => acks.length).toBe(1);
    expect(JSON.parse(acks[0] as string)).toEqual({ received: 'readings', hash: sha256Hex('abc') });
  });

  it('holds a message while the journal is full, and loses none', async () => {
    let refusals = 2;
    take = async (up) => {
      refusals -= 1;
      if (refusals >= 0) throw new Fault('JOURNAL_FULL', { bytes: 1, max: 1 });
      ups.push(up);
    };
    const client = await meter('M1');
    const acks = await heard(client, TOPIC.ack('M1'));
    await client.publishAsync(TOPIC.readings('M1'), 'held', { qos: 1 });
    await expect.poll(() => acks.length, { timeout: 5_000 }).toBe(1);
    expect(ups.map((up) => up.payload)).toEqual(['held']);
    expect(bench.link.stats().stalled).toBe(2);
  });

  it('keeps many messages in flight, and their number', async () => {
    take = async (up) => {
      await systemClock.sleep(20);
      ups.push(up);
    };
    const client = await meter('M1');
    const sent = Array.from({ length: 150 }, (_, i) => String(i));
    const started = performance.now();
    const publishes = sent.map((n) => client.publishAsync(TOPIC.readings('M1'), n, { qos: 1 }));
    await Promise.all(publishes);
    await expect.poll(() => ups.length).toBe(sent.length);
    // One after the other would take 3 s.
    expect(performance.now() - started).toBeLessThan(1_500);
    expect(ups.map((up) => Number(up.payload)).sort((a, b) => a - b)).toEqual(sent.map(Number));
  });

  it('sends down to a meter that listens', async () => {
    const client = await meter('M1');
    const commands = await heard(client, TOPIC.command('M1'));
    const sent = await bench.link.publishDown('M1', TOPIC.command('M1'), Buffer.from('go'));
    expect(sent).toBe(true);
    await expect.poll(() => commands).toEqual(['go']);
    const foreign = await bench.link.publishDown('M1', TOPIC.command('M2'), Buffer.from('go'));
    expect(foreign).toBe(false);
  });

  it('keeps no command for a meter that is away', async () => {
    const options = { port: bench.port, clean: false };
    const before = await connectMeter('M1', options);
    await heard(before, 'v1/M1/down/+');
    await before.endAsync();
    await systemClock.sleep(50);
    const sent = await bench.link.publishDown('M1', TOPIC.command('M1'), Buffer.from('stale'));
    if (name === 'embedded') {
      expect(sent).toBe(false);
      expect(bench.link.isOnline?.('M1')).toBe(false);
    }
    const after = await connectMeter('M1', options);
    meters.push(after);
    const commands = await heard(after, 'v1/M1/down/+');
    await systemClock.sleep(150);
    expect(commands).toEqual([]);
    expect(await bench.link.publishDown('M1', TOPIC.command('M1'), Buffer.from('new'))).toBe(true);
    await expect.poll(() => commands).toEqual(['new']);
  });
});

describe('behind an external broker', () => {
  it('what was not journalled before a stop comes again', async () => {
    const broker = await startMosquitto(SERIALS);
    const open = () =>
      new ExternalBroker({
        url: `mqtt://127.0.0.1:${broker.port}`,
        clientId: 'gateway-1',
        username: 'gateway',
        password: secretOf('gateway'),
        clock: systemClock,
      });
    const client = await connectMeter('M1', { port: broker.port });
    let arrived = 0;
    const first = open();
    first.onUp(() => {
      arrived += 1;
      return new Promise(() => undefined); // the disk never answers
    });
    await first.start();
    for (const n of ['1', '2', '3']) await client.publishAsync(TOPIC.readings('M1'), n, { qos: 1 });
    await expect.poll(() => arrived).toBe(3);
    await first.stop();
    await client.publishAsync(TOPIC.readings('M1'), '4', { qos: 1 });
    const payloads: string[] = [];
    const second = open();
    second.onUp(async (_, __, payload) => {
      payloads.push(Buffer.from(payload).toString());
    });
    await second.start();
    await expect.poll(() => payloads).toEqual(['1', '2', '3', '4']);
    expect(await first.publishDown('M1', TOPIC.command('M1'), Buffer.from('x'))).toBe(false);
    await second.stop();
    await client.endAsync(true);
    await broker.stop();
  });

  it('a broker that is not there is said at the start', async () => {
    const link = new ExternalBroker({
      url: 'mqtt://127.0.0.1:1',
      clientId: 'gateway-1',
      clock: systemClock,
    });
    link.onUp(async () => undefined);
    await expect(link.start()).rejects.toMatchObject({ code: 'BROKER_DOWN' });
    expect(link.stats().connected).toBe(0);
  });
});
