/** Meters and a head-end through the real broker, route and journal to sealed batches. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Fastify from 'fastify';
import { expect, it } from 'vitest';
import { systemClock } from '../../cli/clock.ts';
import { cryptoRandom, offeredValues, type SealedBatch, TOPIC } from '../../domain/index.ts';
import { EmbeddedBroker } from '../../gateway/broker/embedded.ts';
import { attachMqttDriver } from '../../gateway/drivers/mqtt/driver.ts';
import { pushPlugin } from '../../gateway/http/push.ts';
import { nodeFiles } from '../../gateway/journal/files.ts';
import { Journal } from '../../gateway/journal/journal.ts';
import { decode, originOf } from '../../gateway/payload/decode.ts';
import { MemoryIdempotency } from '../support/idempotency.ts';
import { connectMeter, directory } from '../support/mqtt.ts';

const interval = (values: unknown[]) => ({
  channel: '1-0:1.8.0',
  start: '2026-10-01T00:00:00Z',
  interval_s: 900,
  values,
});

it('every acknowledged reading, good or bad, is in one batch of its origin', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'journal-'));
  const journal = await Journal.open({
    directory: folder,
    files: nodeFiles,
    clock: systemClock,
    random: cryptoRandom,
  });
  const batches = new Map<string, SealedBatch>();
  const outlet = {
    offer: async (batch: SealedBatch) => {
      batches.set(batch.uid, batch);
    },
    committed: async (uids: readonly string[]) => new Set(uids.filter((uid) => batches.has(uid))),
  };
  const link = new EmbeddedBroker({ host: '127.0.0.1', port: 0, directory, clock: systemClock });
  attachMqttDriver({ link, journal, onReply: async () => undefined });
  journal.forward({ decode, originOf, outlet });
  await link.start();
  const app = Fastify();
  const principal = { name: 'head-end-1', scopes: new Set(['readings:push']) };
  const idempotency = new MemoryIdempotency();
  const deps = { journal, idempotency, clock: systemClock, principalOf: () => principal };
  await app.register(pushPlugin(deps));

  const client = await connectMeter('M1', { port: link.port });
  const messages = [
    JSON.stringify({ readings: [interval([1, 2, null, 4])] }), // 3 good
    JSON.stringify({ readings: [interval([5]), interval([0.5, 6])] }), // 1 good, 2 refused
    JSON.stringify({ meter: 'M2', readings: [interval([7, 8])] }), // 2 refused
    'garbage', // 1 refused
  ];
  for (const text of messages) await client.publishAsync(TOPIC.readings('M1'), text, { qos: 1 });
  const response = await app.inject({
    method: 'POST',
    url: '/v1/readings',
    headers: { 'content-type': 'application/json', 'idempotency-key': 'k' },
    payload: {
      readings: [
        { meter: 'M1', ...interval([9]) },
        { meter: 'M1', ...interval(['x']) },
      ],
    },
  });
  expect(response.json()).toMatchObject({ offered: 2, accepted: 1, refused: 1 });
  await client.endAsync(true);
  await link.stop();
  await app.close();
  await journal.close();

  const count = (origin: string) => {
    const mine = [...batches.values()].filter((batch) => batch.origin === origin);
    const sum = (of: (batch: SealedBatch) => number) => mine.reduce((n, b) => n + of(b), 0);
    return {
      offered: sum((batch) => batch.offered),
      values: sum((batch) => batch.blocks.reduce((n, block) => n + offeredValues(block), 0)),
      refused: sum((batch) => batch.refusals.reduce((n, refusal) => n + refusal.records, 0)),
    };
  };
  expect(count('mqtt')).toEqual({ offered: 9, values: 4, refused: 5 });
  expect(count('http:head-end-1')).toEqual({ offered: 2, values: 1, refused: 1 });
  await rm(folder, { recursive: true, force: true });
});
