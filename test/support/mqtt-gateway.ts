/** The embedded broker with its driver on a free port, and meters that are closed with it. */
import type { MqttClient } from 'mqtt';
import { afterEach, beforeEach } from 'vitest';
import { systemClock } from '../../cli/clock.ts';
import type { Envelope, MeterReply } from '../../domain/index.ts';
import { EmbeddedBroker, type EmbeddedOptions } from '../../gateway/broker/embedded.ts';
import { attachMqttDriver } from '../../gateway/drivers/mqtt/driver.ts';
import { connectMeter, directory } from './mqtt.ts';

/** A fresh one before each test of the calling suite. */
export class MqttGateway {
  broker!: EmbeddedBroker;
  journal: Envelope[] = [];
  replies: [string, MeterReply][] = [];
  append!: (envelope: Envelope) => Promise<void>;
  readonly #clients: MqttClient[] = [];

  constructor() {
    beforeEach(async () => {
      this.journal = [];
      this.replies = [];
      this.append = async (envelope) => {
        this.journal.push(envelope);
      };
      await this.#open({});
    });
    afterEach(async () => {
      await Promise.all(this.#clients.splice(0).map((client) => client.endAsync(true)));
      await this.broker.stop();
    });
  }

  /** Starts again with other options. */
  async reopen(options: Partial<EmbeddedOptions>): Promise<void> {
    await this.broker.stop();
    await this.#open(options);
  }

  async meter(serial: string, options: object = {}): Promise<MqttClient> {
    const client = await connectMeter(serial, { port: this.broker.port, ...options });
    this.#clients.push(client);
    return client;
  }

  async #open(options: Partial<EmbeddedOptions>): Promise<void> {
    const fixed = { host: '127.0.0.1', port: 0, directory, clock: systemClock };
    this.broker = new EmbeddedBroker({ ...fixed, ...options });
    attachMqttDriver({
      link: this.broker,
      journal: { append: (envelope) => this.append(envelope) },
      onReply: async (serial, reply) => {
        this.replies.push([serial, reply]);
      },
    });
    await this.broker.start();
  }
}
