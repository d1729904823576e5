/** Goal: through the queue, with connections killed and a batch that always fails, each counts once. */
import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { type Database, openDatabase } from '../../db/pool.ts';
import { isFault, QUEUES } from '../../domain/index.ts';
import { BullBatchOutlet } from '../../gateway/outlet/bull-outlet.ts';
import { processBatch } from '../../ingest/pipeline/process-batch.ts';
import { type IngestWorker, startIngestWorker } from '../../ingest/pipeline/worker.ts';
import { freshDatabase, type TestDatabase } from '../support/database.ts';
import {
  addChannel,
  block,
  clockAt,
  ledgerOf,
  pipelineAt,
  QUARTER_MS,
  seal,
} from '../support/ingest.ts';

const T0 = Date.parse('2026-03-02T00:00:00Z');
const NOW = T0 + 86_400_000;
const prefix = `{ingest-worker-${process.pid}-${Math.random().toString(36).slice(2)}}`;

async function until(condition: () => Promise<boolean> | boolean): Promise<void> {
  for (let i = 0; i < 1_200; i += 1) {
    if (await condition()) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error('waited a minute in vain');
}

describe('ingest worker', () => {
  let t: TestDatabase;
  let victim: Database;
  let outlet: BullBatchOutlet;
  let worker: IngestWorker;
  const errors: unknown[] = [];
  const committed: string[] = [];

  beforeAll(async () => {
    t = await freshDatabase('ingest_worker');
    victim = openDatabase({ url: t.url, applicationName: 'ingest-victim' });
    for (const serial of ['A', 'B', 'C']) await addChannel(t.db, serial);
    const redisUrl = inject('redisUrl');
    outlet = new BullBatchOutlet({ redisUrl, db: t.db, clock: clockAt(NOW), prefix });
    worker = startIngestWorker({
      redisUrl,
      prefix,
      pipeline: await pipelineAt(victim, NOW),
      onCommitted: (uid) => committed.push(uid),
      onError: (error) => errors.push(error),
    });
    await worker.ready();
    await until(() => offers(seal([block('A', T0, [0])])));
  });
  afterAll(async () => {
    await worker.close();
    await outlet.close();
    await victim.close();
    const redis = new Redis(inject('redisUrl'));
    await new Queue(QUEUES.readings, { connection: redis, prefix }).obliterate({ force: true });
    redis.disconnect();
    await t.drop();
  });

  /** False while the outlet's connection is not there yet. */
  async function offers(batch: ReturnType<typeof seal>): Promise<boolean> {
    try {
      await outlet.offer(batch, 1);
      return true;
    } catch (error) {
      if (isFault(error, 'QUEUE_DOWN')) return false;
      throw error;
    }
  }

  it('retries what lost its connection before the commit, once in the end', async () => {
    const deps = await pipelineAt(victim, NOW);
    const batch = seal([block('C', T0, [1, 2, 3])]);
    const killed = processBatch(batch, deps, {
      async alongside(tx) {
        const [me] = await tx.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
        await t.db.query('SELECT pg_terminate_backend($1)', [me?.pid]);
      },
    });
    await expect(killed).rejects.toMatchObject({ code: 'DATABASE_DOWN' });
    const first = await processBatch(batch, deps);
    const second = await processBatch(batch, deps);
    expect([first.repeated, second.repeated, first.counts.stored]).toEqual([false, true, 3]);
  });

  it('stores all of a stream once while its connections are killed', async () => {
    const before = errors.length;
    const batches = Array.from({ length: 60 }, (_, i) =>
      seal([block(i % 2 === 0 ? 'A' : 'B', T0 + i * 4 * QUARTER_MS, Array(8).fill(i))], {
        receivedMs: T0 + 20 * 86_400_000,
      }),
    );
    let kills = 0;
    let stop = false;
    const killer = (async () => {
      while (!stop) {
        const rows = await t.db.query(
          `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
           WHERE application_name = 'ingest-victim' AND datname = current_database()
             AND state <> 'idle'`,
        );
        kills += rows.length;
        await new Promise((resolve) => setTimeout(resolve, kills < 12 ? 3 : 1_000));
      }
    })();
    for (const batch of batches) await outlet.offer(batch, 1);
    for (const batch of batches) await outlet.offer(batch, 2);
    const uids = batches.map((b) => b.uid);
    await until(async () => (await outlet.committed(uids)).size === batches.length);
    stop = true;
    await killer;
    expect(kills).toBeGreaterThan(2);
    const lost = errors.slice(before).filter((error) => isFault(error, 'DATABASE_DOWN'));
    expect(lost.length).toBeGreaterThan(0);
    const [row] = await t.db.query<{ n: number }>(
      `SELECT count(*)::int AS n FROM batch WHERE uid = ANY($1::uuid[])`,
      [uids],
    );
    expect(row?.n).toBe(batches.length);
    const { counts, tables } = await ledgerOf(t.db);
    expect(tables['versions']).toBe(counts['stored']);
    expect(counts['quarantined']).toBe(0);
  });

  it('sets a batch that always fails aside, whole, and goes on', async () => {
    const good = seal([block('C', T0 + 50 * QUARTER_MS, [5])]);
    const poison = { ...seal([block('C', T0 + 60 * QUARTER_MS, [6, 7])]), offered: 3 };
    await outlet.offer(poison, 1);
    await outlet.offer(good, 1);
    await until(async () => (await outlet.committed([good.uid])).size === 1);
    expect(await outlet.queued([{ uid: poison.uid, attempt: 1 }])).toEqual(new Set([poison.uid]));
    await until(() => committed.includes(poison.uid));
    const rows = await t.db.query(
      `SELECT q.code, q.records, q.state, b.offered, b.quarantined, r.raw IS NOT NULL AS raw
       FROM quarantine q JOIN batch b ON b.id = q.batch_id JOIN batch_raw r ON r.batch_id = b.id
       WHERE b.uid = $1`,
      [poison.uid],
    );
    expect(rows).toEqual([
      { code: 'INTERNAL', records: 2, state: 'open', offered: 2, quarantined: 2, raw: true },
    ]);
  });

  it('says at once that the queue does not answer', async () => {
    const dead = new BullBatchOutlet({
      redisUrl: 'redis://127.0.0.1:1',
      db: t.db,
      clock: clockAt(NOW),
      prefix,
    });
    const offer = dead.offer(seal([block('A', T0, [0])]), 1);
    await expect(offer).rejects.toMatchObject({ code: 'QUEUE_DOWN' });
    await dead.close();
  });
});
