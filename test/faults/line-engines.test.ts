/**
 * Goal: what the queue forgets comes back from the journal and the database: a job whose worker is
 * killed twice, and a Redis that comes back with nothing in it.
 */
import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../cli/clock.ts';
import { openDatabase } from '../../db/pool.ts';
import { QUEUES } from '../../domain/index.ts';
import { seedsOf } from './support/seeds.ts';
import { type Gateway, type Load, TestLine } from './support/test-line.ts';
import { until } from './support/until.ts';
import { isClean, judgeLoad, settle } from './support/verdict.ts';

const [seed = ''] = seedsOf('test/faults/line-engines.test.ts', 1, 0);
/** Batches wait in the journal this long before they are looked for in the queue, and again. */
const REFILL_MS = 60_000;
const SETTLE_MS = 120_000;

let line: TestLine;
let gateway: Gateway;
let redis: Redis;
let queue: Queue;

beforeAll(async () => {
  line = await TestLine.open('engines');
  line.startWorkers(2);
  gateway = await line.startGateway('gateway');
  redis = new Redis(line.stack.urls.redisUrl, { maxRetriesPerRequest: null });
  redis.on('error', () => undefined); // it is about to be killed
  queue = new Queue(QUEUES.readings, { connection: redis, prefix: '{meterline}' });
  queue.on('error', () => undefined);
});

afterAll(async () => {
  await queue.close();
  redis.disconnect();
  await line.remove();
});

async function load(name: string): Promise<Load> {
  return line.startLoad(`${seed}-${name}`, gateway, { meters: 6, headEnds: 1, pace: 30 });
}

describe('a job whose worker is killed', () => {
  it('twice: runs a third time, and its readings are stored once', async () => {
    const sent = await load('twice');
    // Holds every batch in its transaction, so that the job is under way for as long as we want.
    const holder = openDatabase({
      url: line.stack.urls.databaseUrl,
      applicationName: 'holder',
      connectionsMax: 1,
    });
    const release = new AbortController();
    const held = holder.transaction(async (tx) => {
      await tx.query('LOCK TABLE batch IN EXCLUSIVE MODE');
      // An idle transaction would be ended by the server.
      while (!release.signal.aborted) await tx.query('SELECT pg_sleep(0.2)');
    });
    const killWithActive = async (jobId?: string) => {
      const id = await until('a job under way', 90_000, async () => {
        const ids = (await queue.getActive()).map((job) => job.id as string);
        return jobId === undefined ? ids[0] : ids.find((id) => id === jobId);
      });
      await Promise.all(line.workers.map((worker) => worker.kill9()));
      return id;
    };
    const jobId = await killWithActive();
    const before = (await queue.getJob(jobId))?.stalledCounter ?? 0;
    await sent.stop();
    await until('taken up again', 90_000, async () => {
      const job = await queue.getJob(jobId);
      return (job?.stalledCounter ?? 0) > before ? true : undefined;
    });
    await killWithActive(jobId);
    expect((await queue.getJob(jobId))?.finishedOn).toBeUndefined();
    release.abort();
    await held;
    await holder.close();
    const { verdicts, books } = await settle(line, [sent], SETTLE_MS);
    expect(verdicts.filter((verdict) => !isClean(verdict))).toEqual([]);
    expect(books).toMatchObject({ unbalanced: [], surplus: 0 });
    expect(line.workers.map((worker) => worker.ends.length)).toEqual([2, 2]);
  });
});

describe('Redis comes back empty', () => {
  it('the queue is refilled from the journal within a minute, nobody started again', async () => {
    const sent = await load('empty');
    const lives = () => [...line.workers, gateway.process].map((p) => p.ends.length);
    const before = lives();
    await systemClock.sleep(1_500);
    // Batches are in the queue when it is lost: the workers do nothing meanwhile.
    for (const worker of line.workers) worker.pause();
    const lost = await until('batches in the queue', 30_000, async () => {
      const waiting = await queue.getJobCountByTypes('waiting', 'active');
      return waiting > 10 ? waiting : undefined;
    });
    await line.stack.redisRestartEmpty();
    const emptyMs = performance.now();
    for (const worker of line.workers) worker.resume();
    await systemClock.sleep(1_000);
    await sent.stop();
    await until('everything stored', REFILL_MS, async () => {
      const { emitted, acked, stored } = await judgeLoad(line.db, sent);
      return emitted === acked && stored >= acked ? true : undefined;
    });
    console.log(`${lost} jobs lost, refilled in ${Math.round(performance.now() - emptyMs)} ms`);
    const { verdicts, books } = await settle(line, [sent], SETTLE_MS);
    expect(verdicts.filter((verdict) => !isClean(verdict))).toEqual([]);
    expect(books).toMatchObject({ unbalanced: [], surplus: 0 });
    expect(lives()).toEqual(before);
  });
});
