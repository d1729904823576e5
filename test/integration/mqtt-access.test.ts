/** Who may do what on the embedded broker (threats T04, T26, T27), on its real port. */
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../cli/clock.ts';
import { Fault, LIMITS, TOPIC } from '../../domain/index.ts';
import { closes, secretOf } from '../support/mqtt.ts';
import { MqttGateway } from '../support/mqtt-gateway.ts';

const gateway = new MqttGateway();

describe('a connection is refused', () => {
  it.each([
    ['without credential', { username: undefined, password: undefined }],
    ['with a wrong secret', { password: 'guess' }],
    ['with the secret of another meter', { password: secretOf('M2') }],
    ['with a client id that is not its user name', { clientId: 'M2' }],
    ['without a client id', { clientId: '' }],
    ['with MQTT 5', { protocolVersion: 5 }],
    ['with a keepalive beyond the bound', { keepalive: LIMITS.mqttKeepaliveSMax + 1 }],
    [
      'with a will on a command topic',
      { will: { topic: TOPIC.command('M1'), payload: 'x', qos: 1 } },
    ],
    ['with a will of another meter', { will: { topic: TOPIC.events('M2'), payload: 'x', qos: 0 } }],
    [
      'with a retained will',
      { will: { topic: TOPIC.events('M1'), payload: 'x', qos: 0, retain: true } },
    ],
    ['with a will in $SYS', { will: { topic: '$SYS/x', payload: 'x', qos: 0 } }],
  ])('%s', async (_, options) => {
    await expect(gateway.meter('M1', options)).rejects.toThrow();
    expect(gateway.broker.isOnline('M1')).toBe(false);
    expect(gateway.journal).toEqual([]);
  });

  it.each(['#', '+', 'M1/#', 'a/b', '$SYS', 'M 1', 'x'.repeat(65), '__proto__/'])(
    'with the id %j',
    async (serial) => {
      await expect(gateway.meter(serial)).rejects.toThrow();
    },
  );

  it('when the directory fails, and it is said that later may help', async () => {
    await gateway.reopen({
      directory: {
        authenticate: async () => {
          throw new Fault('DATABASE_DOWN', { detail: 'test' });
        },
      },
    });
    await expect(gateway.meter('M1')).rejects.toMatchObject({ code: 3 });
  });
});

describe('a meter (T04)', () => {
  it.each([
    ['its command topic', TOPIC.command('M1'), {}],
    ['its ack topic', TOPIC.ack('M1'), {}],
    ['readings of another meter', TOPIC.readings('M2'), {}],
    ['a command of another meter', TOPIC.command('M2'), {}],
    ['$SYS', '$SYS/broker/new/clients', {}],
    ['a deeper topic', `${TOPIC.readings('M1')}/x`, {}],
    ['a retained message', TOPIC.readings('M1'), { retain: true }],
    ['QoS 2', TOPIC.readings('M1'), { qos: 2 }],
    ['too many levels', `v1/M1/${'x/'.repeat(200)}`, {}],
  ])('may not publish %s', async (_, topic, options) => {
    const victim = await gateway.meter('M2');
    const got: string[] = [];
    victim.on('message', (heard) => got.push(heard));
    await victim.subscribeAsync('v1/M2/down/#');
    const client = await gateway.meter('M1');
    client.publish(topic, 'x', { qos: 1, ...(options as object) });
    expect(await closes(client)).toBe(true);
    expect(gateway.journal).toEqual([]);
    expect(got).toEqual([]);
    expect(victim.connected).toBe(true);
  });

  it('hears its own down topics and nothing else', async () => {
    const client = await gateway.meter('M1');
    for (const filter of ['v1/M1/down/#', 'v1/M1/down/+', TOPIC.command('M1'), TOPIC.ack('M1')]) {
      expect(await client.subscribeAsync(filter)).toMatchObject([{ qos: 0 }]);
    }
    const closed = ['#', '+', '+/#', 'v1/+/up/+', 'v1/+/down/#', TOPIC.command('M2'), '$SYS/#'];
    for (const filter of [...closed, 'v1/M1/up/readings', 'v1/#', '$share/g/v1/M1/down/#', '/#']) {
      await expect(client.subscribeAsync(filter), filter).rejects.toThrow();
    }
    const spy = await gateway.meter('M2');
    const got: string[] = [];
    client.on('message', (topic) => got.push(topic));
    await spy.publishAsync(TOPIC.readings('M2'), 'x', { qos: 1 });
    await spy.endAsync();
    await systemClock.sleep(100);
    expect(got).toEqual([]);
    expect(gateway.broker.stats().denied).toBeGreaterThanOrEqual(closed.length);
  });

  it('is cut off after too many refused subscriptions', async () => {
    const client = await gateway.meter('M1');
    const filters = Array.from({ length: LIMITS.mqttDeniedMax }, (_, i) => `v1/M${i + 2}/down/#`);
    client.subscribe(filters);
    expect(await closes(client)).toBe(true);
  });

  it('leaves its will as an event of its own when it is cut off', async () => {
    const will = { topic: TOPIC.events('M1'), payload: Buffer.from('gone'), qos: 1 as const };
    const client = await gateway.meter('M1', { will });
    client.stream.destroy();
    await expect
      .poll(() => gateway.journal.map((e) => Buffer.from(e.raw).toString()))
      .toEqual(['gone']);
  });

  it('is disconnected when its credential is revoked', async () => {
    const client = await gateway.meter('M1');
    const closed = closes(client);
    client.publish(TOPIC.readings('M1'), 'late', { qos: 1 });
    await gateway.broker.disconnect('M1');
    const taken = gateway.journal.length;
    expect(await closed).toBe(true);
    expect(gateway.broker.isOnline('M1')).toBe(false);
    await systemClock.sleep(50);
    expect(gateway.journal).toHaveLength(taken);
  });

  it('that connects twice takes over, and it is counted', async () => {
    const first = await gateway.meter('M1');
    const closed = closes(first);
    const second = await gateway.meter('M1');
    expect(await closed).toBe(true);
    await expect.poll(() => gateway.broker.isOnline('M1')).toBe(true);
    await second.publishAsync(TOPIC.readings('M1'), 'x', { qos: 1 });
    expect(gateway.broker.stats()).toMatchObject({ takeovers: 1, connected: 1 });
  });
});
