/** A steady rate of single intervals, and when each of them can be queried. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Database, openDatabase } from '../../db/pool.ts';
import { channelOf, QUARTER_MS } from '../load.ts';
import type { PaceOrder, PaceReport } from './protocol.ts';
import { type Publishers, readingPacket } from './publishers.ts';

const TICK_MS = 10;
const LOOK_MS = 4;
/** Batches commit out of the order of their ids by a few. */
const LOOK_BACK = 100;
const DRAIN_MS = 20_000;

export async function pace(publishers: Publishers, order: PaceOrder): Promise<PaceReport> {
  const db = openDatabase({
    url: order.databaseUrl,
    applicationName: 'bench-watcher',
    connectionsMax: 1,
  });
  const watcher = watchBatches(db);
  try {
    const run = await sendPaced(publishers, order);
    await untilAcked(run);
    await watcher.settle(run.sentMs.size);
    const latenciesMs = await latencies(db, run, watcher.seenMs, order);
    const { sent, acked } = run.counts;
    return { sent, acked, perS: sent / (run.elapsedMs / 1_000), latenciesMs };
  } finally {
    await watcher.stop();
    await db.close();
  }
}

interface Run {
  /** When each reading was handed to its socket, by channel and start. */
  readonly sentMs: Map<string, number>;
  readonly counts: { sent: number; acked: number };
  readonly startedMs: number;
  elapsedMs: number;
}

async function sendPaced(publishers: Publishers, order: PaceOrder): Promise<Run> {
  const clients = publishers.at(order.port);
  const startedMs = performance.now();
  const run: Run = {
    sentMs: new Map(),
    counts: { sent: 0, acked: 0 },
    startedMs,
    elapsedMs: 0,
  };
  for (const client of clients) {
    client.onAcks = (count) => {
      run.counts.acked += count;
    };
  }
  const total = order.perS * order.seconds;
  while (run.counts.sent < total) {
    const nowMs = performance.now();
    const due = Math.min(total, Math.floor(((nowMs - startedMs) / 1_000) * order.perS));
    for (; run.counts.sent < due; run.counts.sent += 1) {
      const meter = run.counts.sent % clients.length;
      const slot = Math.floor(run.counts.sent / clients.length);
      const startMs = order.startMs + slot * QUARTER_MS;
      const packet = readingPacket(meter, startMs);
      run.sentMs.set(`${channelOf(meter)}|${startMs}`, performance.now());
      clients[meter]?.send([packet]);
    }
    await sleep(TICK_MS);
  }
  run.elapsedMs = performance.now() - startedMs;
  return run;
}

async function untilAcked(run: Run): Promise<void> {
  const endMs = performance.now() + DRAIN_MS;
  while (run.counts.acked < run.counts.sent) {
    if (performance.now() > endMs) throw new Error('messages were not acknowledged in time');
    await sleep(TICK_MS);
  }
}

/**
 * A batch's row and its readings become visible in one commit, so seeing the row is being able to
 * query the readings. The time noted is after the answer: never too early.
 */
function watchBatches(db: Database) {
  const seenMs = new Map<bigint, number>();
  let readings = 0;
  let newest = 0n;
  let stopped = false;
  const look = async () => {
    const rows = await db.query<{ id: bigint; stored: number }>(
      'SELECT id, stored FROM batch WHERE id > $1',
      [newest - BigInt(LOOK_BACK)],
    );
    const nowMs = performance.now();
    for (const { id, stored } of rows) {
      if (seenMs.has(id)) continue;
      seenMs.set(id, nowMs);
      readings += stored;
      if (id > newest) newest = id;
    }
  };
  const loop = (async () => {
    while (!stopped) {
      await look();
      await sleep(LOOK_MS);
    }
  })();
  return {
    seenMs,
    async settle(count: number) {
      const endMs = performance.now() + DRAIN_MS;
      while (readings < count) {
        if (performance.now() > endMs) throw new Error(`${readings} of ${count} became visible`);
        await sleep(TICK_MS);
      }
    },
    async stop() {
      stopped = true;
      await loop;
    },
  };
}

async function latencies(
  db: Database,
  run: Run,
  seenMs: ReadonlyMap<bigint, number>,
  order: PaceOrder,
): Promise<number[]> {
  const rows = await db.query<{ channel_id: number; start_at: number; batch_id: bigint }>(
    'SELECT channel_id, start_at, batch_id FROM reading',
  );
  const countedMs = run.startedMs + order.warmUpS * 1_000;
  const found: number[] = [];
  for (const row of rows) {
    const sent = run.sentMs.get(`${row.channel_id}|${row.start_at}`);
    const seen = seenMs.get(row.batch_id);
    if (sent === undefined || seen === undefined) throw new Error('a reading nobody sent');
    if (sent >= countedMs) found.push(seen - sent);
  }
  if (rows.length !== run.counts.sent) throw new Error(`${rows.length} rows of ${run.counts.sent}`);
  return found;
}
