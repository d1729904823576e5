/** Goal: from any stored reading back to the very record it came in, byte for byte. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deflateRawSync } from 'node:zlib';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { findRaw } from '../../cli/import/raw.ts';
import { rawOf } from '../../db/batches.ts';
import {
  cryptoRandom,
  type Envelope,
  encodeEnvelope,
  type SealedBatch,
  sha256Hex,
  uuidV7,
} from '../../domain/index.ts';
import { encodePart } from '../../gateway/journal/parts.ts';
import { decode, originOf } from '../../gateway/payload/decode.ts';
import { offeredOf, processBatch } from '../../ingest/pipeline/process-batch.ts';
import { type ImportWorld, importWorld } from '../support/imports.ts';
import { addChannel, pipelineAt } from '../support/ingest.ts';
import { dayOf, nem12Text } from '../support/nem12.ts';

const T0 = Date.parse('2026-03-02T00:00:00Z');
const QUARTER = 900_000;
let folder: string;
let world: ImportWorld;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'import-raw-'));
  world = await importWorld('raw');
});
afterAll(async () => {
  await world.remove();
  await rm(folder, { recursive: true, force: true });
});

async function file(name: string, text: string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, text);
  return path;
}

async function batchOf(serial: string, code: string, startMs: number): Promise<number> {
  const [row] = await world.db.query<{ id: number }>(
    `SELECT r.batch_id::float8 AS id FROM reading r JOIN channel c ON c.id = r.channel_id
     JOIN meter m ON m.id = c.meter_id
     WHERE m.serial = $1 AND c.code = $2 AND r.start_at = to_timestamp($3::float8 / 1000)`,
    [serial, code, startMs],
  );
  if (row === undefined) throw new Error(`${serial} ${code} has no reading then`);
  return row.id;
}

async function raw(serial: string, channelCode: string, startMs: number) {
  const id = await batchOf(serial, channelCode, startMs);
  const found = await findRaw(world.db, id, { serial, channelCode, startMs });
  if (found === undefined) throw new Error('no raw record');
  const messages = await rawOf(world.db, id);
  const whole = messages.find((m) => m.locator === found.locator) as Envelope;
  // The range is of the message: cutting it out again gives the excerpt.
  const cut = Buffer.from(whole.raw).toString('utf8').slice(found.from, found.to);
  return { ...found, cut };
}

it('NEM12: the 300 with its 400 records, and the 200 that holds for it', async () => {
  const day = (date: string) => dayOf(date, 30, (i) => i);
  const text = nem12Text([
    { nmi: 'NMI0000001', serial: 'N1', days: [day('20260301'), day('20260302'), day('20260303')] },
  ]);
  const lines = text.split('\r\n');
  const refined = (lines[3] as string).replace(',A,,,', ',V,,,');
  const ranges = ['400,1,40,A,,', '400,41,48,S14,20,'];
  const all = [...lines.slice(0, 3), refined, ...ranges, ...lines.slice(4)];
  await world.import(await file('nem.csv', all.join('\r\n')), { createMeters: true });
  const at = Date.parse('2026-03-02T12:00:00+10:00');
  const found = await raw('N1', 'E1', at);
  expect(found).toMatchObject({
    ...{ source: 'file', peer: 'nem.csv', at: 'line 4', context: lines[1] },
    excerpt: [refined, ...ranges].join('\r\n'),
  });
  expect(found.cut).toBe(found.excerpt);
  const plain = await raw('N1', 'E1', Date.parse('2026-03-03T00:00:00+10:00'));
  expect(plain.excerpt).toBe(lines[4]);
});

it('a series: the row of the value and the header, blank lines and gaps between', async () => {
  const hours = Array.from({ length: 2_500 }, (_, i) => i).filter((i) => i !== 1_777);
  const year = Date.parse('2020-03-02T00:00:00Z');
  const timeOf = (i: number) => new Date(year + i * 3_600_000).toISOString().replace('.000', '');
  const row = (i: number) => `${timeOf(i)},${i}.25`;
  const rows = hours.flatMap((i) => (i % 100 === 0 ? ['', row(i)] : [row(i)]));
  const path = await file('series.csv', ['start,kWh', ...rows, ''].join('\n'));
  await world.import(path, { createMeters: true, zone: 'UTC', close: false });
  for (const i of [0, 99, 100, 101, 1_776, 1_778, 2_400, 2_499]) {
    const startMs = year + i * 3_600_000;
    const found = await raw('series', '1-0:1.8.0', startMs);
    expect(found.excerpt).toBe(row(i));
    expect(found.cut).toBe(found.excerpt);
    expect(found.context).toBe('start,kWh');
  }
});

/** As the journal seals messages of one origin. */
async function take(envelopes: readonly Envelope[], framed = envelopes.map(encodeEnvelope)) {
  const decoded = envelopes.map(decode);
  const blocks = decoded.flatMap((d, message) => d.blocks.map((b) => ({ ...b, message })));
  const refusals = decoded.flatMap((d, message) => d.refusals.map((r) => ({ ...r, message })));
  const bytes = Buffer.concat(framed);
  const batch: SealedBatch = {
    uid: uuidV7(T0, cryptoRandom),
    origin: originOf(envelopes[0] as Envelope),
    receivedMs: T0 + 86_400_000,
    ...{ blocks, refusals, messages: framed.length, offered: offeredOf({ blocks, refusals }) },
    raw: deflateRawSync(bytes).toString('base64'),
    rawHash: sha256Hex(bytes),
  };
  await processBatch(batch, await pipelineAt(world.db, T0 + 86_400_000));
  return batch.uid;
}

function message(source: 'mqtt' | 'http', peer: string, type: string, text: string): Envelope {
  const locator = source === 'mqtt' ? `v1/${peer}/up/readings` : `/v1/readings ${text.length}`;
  const raw = Buffer.from(text, 'utf8');
  return { source, peer, receivedMs: T0 + 86_400_000, contentType: type, locator, raw };
}

const JSON_TYPE = 'application/json';
const record = (start: number, values: readonly number[], meter?: string) => ({
  ...(meter !== undefined && { meter }),
  channel: '1-0:1.8.0',
  start: new Date(start).toISOString(),
  interval_s: 900,
  values,
});

it('MQTT: the JSON of the record as the meter wrote it', async () => {
  await addChannel(world.db, 'M1');
  const odd = `{ "channel":"1-0:1.8.0",\n "start":"2026-03-02T01:00:00Z" , "interval_s": 900, "values":[ 7, null , 9 ]}`;
  const text = `{"sent_at":"2026-03-02T02:00:00Z","meter":"M1","readings":[${JSON.stringify(record(T0, [1, 2]))} , ${odd}]}`;
  await take([message('mqtt', 'M1', JSON_TYPE, text)]);
  const found = await raw('M1', '1-0:1.8.0', T0 + 6 * QUARTER);
  expect(found).toMatchObject({ source: 'mqtt', peer: 'M1', at: 'readings/1', excerpt: odd });
  expect(found.cut).toBe(odd);
  const first = await raw('M1', '1-0:1.8.0', T0 + QUARTER);
  expect(JSON.parse(first.excerpt)).toEqual(record(T0, [1, 2]));
});

it('HTTP: a record of a JSON list and a line of NDJSON', async () => {
  for (const serial of ['H1', 'H2']) await addChannel(world.db, serial);
  const readings = ['H1', 'H2'].flatMap((meter) =>
    [0, 1, 2].map((i) => record(T0 + i * QUARTER, [i + 1], meter)),
  );
  await take([message('http', 'ke', JSON_TYPE, JSON.stringify({ readings }, null, 2))]);
  const found = await raw('H2', '1-0:1.8.0', T0 + 2 * QUARTER);
  expect(found.at).toBe('readings/5');
  expect(JSON.parse(found.excerpt)).toEqual(readings[5]);
  const lines = [3, 4].map((i) => JSON.stringify(record(T0 + i * QUARTER, [i], 'H1')));
  const text = `${lines[0]}\r\n\r\n${lines[1]}\r\n`;
  await take([message('http', 'ke', 'application/x-ndjson', text)]);
  expect(await raw('H1', '1-0:1.8.0', T0 + 4 * QUARTER)).toMatchObject({
    ...{ at: 'line 3', excerpt: lines[1], cut: lines[1] },
  });
});

it('a later part of a large message leads to the first one’s bytes', async () => {
  await addChannel(world.db, 'P1');
  const at = T0 - 4 * 86_400_000;
  const text = JSON.stringify({ readings: [record(at, [1, 2, 3]), record(at + 3 * QUARTER, [4])] });
  const whole = message('mqtt', 'P1', JSON_TYPE, text);
  const first = await take(
    [{ ...whole, raw: Buffer.from(text.replace(/,\{.*\}\]/, ']')) }],
    [encodeEnvelope(whole)],
  );
  const reference = { partOf: first, part: 1, parts: 2, fromValue: 3, toValue: 4 };
  const rest = JSON.stringify({ readings: [record(at + 3 * QUARTER, [4])] });
  await take([{ ...whole, raw: Buffer.from(rest) }], [encodePart(whole, reference)]);
  const startMs = at + 3 * QUARTER;
  const id = await batchOf('P1', '1-0:1.8.0', startMs);
  const found = await findRaw(world.db, id, {
    ...{ serial: 'P1', channelCode: '1-0:1.8.0', startMs },
  });
  expect(JSON.parse(found?.excerpt ?? '')).toEqual(record(startMs, [4]));
  expect(found?.at).toBe('readings/1');
});

it('has no record where there is none', async () => {
  const id = await batchOf('M1', '1-0:1.8.0', T0);
  const wanted = { serial: 'M1', channelCode: '1-0:1.8.0', startMs: T0 + 5 * QUARTER };
  expect(await findRaw(world.db, id, wanted)).toBeUndefined(); // null in the message
  expect(await findRaw(world.db, id, { ...wanted, startMs: T0, serial: 'M2' })).toBeUndefined();
  expect(await findRaw(world.db, 999_999, { ...wanted, startMs: T0 })).toBeUndefined();
});
