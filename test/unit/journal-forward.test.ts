/** Goal: an outlet that is away, forgets or lies costs time, never a reading. */
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../cli/clock.ts';
import { cryptoRandom } from '../../domain/index.ts';
import { Journal } from '../../gateway/journal/journal.ts';
import type { BatchOutlet, JournalEvent, JournalLimits } from '../../gateway/journal/ports.ts';
import { SimulatedDisk } from '../faults/journal-disk.ts';
import { decode, envelopeOf, messagesOf, originOf } from '../faults/journal-workload.ts';

const QUICK: Partial<JournalLimits> = {
  journalPollMs: 2,
  journalSweepMs: 5,
  journalBackoffMsMax: 3,
  journalResendAfterMs: 30,
  journalResendFactorMax: 1,
  batchLingerMs: 2,
};

interface Offered {
  readonly uid: string;
  readonly attempt: number;
  readonly ids: number[];
}

/** An outlet whose behaviour a test changes as it goes. */
class Outlet implements BatchOutlet {
  readonly offered: Offered[] = [];
  readonly asked: string[][] = [];
  readonly stored = new Set<string>();
  isQueueAway = false;
  isDatabaseAway = false;
  isHanging = false;
  commits = true;
  queued?: NonNullable<BatchOutlet['queued']>;

  async offer(batch: Parameters<BatchOutlet['offer']>[0], attempt: number): Promise<void> {
    if (this.isHanging) await new Promise(() => undefined);
    if (this.isQueueAway) throw new Error('queue is away');
    this.offered.push({ uid: batch.uid, attempt, ids: messagesOf(batch) });
    if (this.commits) this.stored.add(batch.uid);
  }

  async committed(uids: readonly string[]): Promise<ReadonlySet<string>> {
    if (this.isDatabaseAway) throw new Error('database is away');
    this.asked.push([...uids]);
    return new Set(uids.filter((uid) => this.stored.has(uid)));
  }
}

async function start(outlet: Outlet, disk = new SimulatedDisk(), limits = {}) {
  const events: JournalEvent[] = [];
  const journal = await Journal.open({
    directory: '',
    files: disk,
    clock: systemClock,
    random: cryptoRandom,
    limits: { ...QUICK, ...limits },
    log: (event) => events.push(event),
  });
  journal.forward({ decode, originOf, outlet });
  return { journal, disk, events };
}

async function until(condition: () => boolean, what: string): Promise<void> {
  const deadline = performance.now() + 5_000;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`not within 5 s: ${what}`);
    await pause(2);
  }
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const range = (count: number, from = 0) => Array.from({ length: count }, (_, i) => from + i);

describe('forwarding', () => {
  it('waits for a queue that is away, says so once, and keeps the order', async () => {
    const outlet = new Outlet();
    outlet.isQueueAway = true;
    const limits = { batchMessagesMax: 5 };
    const { journal, events } = await start(outlet, new SimulatedDisk(), limits);
    await Promise.all(range(100).map((id) => journal.append(envelopeOf(id, 1))));
    const warnings = () => events.filter((event) => event.level === 'warn').length;
    await until(() => warnings() > 0, 'a warning');
    await pause(60); // several more tries
    expect(journal.stats()).toMatchObject({ offered: 0, uncommittedMessages: 100 });
    expect(warnings()).toBe(1);
    outlet.isQueueAway = false;
    await until(() => journal.stats().uncommittedMessages === 0, 'all committed');
    expect(outlet.offered.flatMap(({ ids }) => ids)).toEqual(range(100));
    await journal.close();
  });

  it('stops sealing while too many batches wait, and reads the rest from disk later', async () => {
    const outlet = new Outlet();
    outlet.commits = false;
    const limits = {
      batchMessagesMax: 5,
      journalUncommittedBatchesMax: 4,
      journalIntakeBytesMax: 2_000,
      journalResendAfterMs: 60_000,
    };
    const { journal } = await start(outlet, new SimulatedDisk(), limits);
    for (const id of range(300)) await journal.append(envelopeOf(id, 1));
    await pause(30);
    const stats = journal.stats();
    expect(stats).toMatchObject({ messages: 300, unsealedOnDisk: true });
    expect(stats.outstanding).toBeLessThanOrEqual(8);
    expect(stats.unsealedInMemory).toBeLessThan(20);
    outlet.commits = true;
    for (const { uid } of outlet.offered) outlet.stored.add(uid);
    await until(() => journal.stats().uncommittedMessages === 0, 'all committed');
    expect(outlet.offered.flatMap(({ ids }) => ids)).toEqual(range(300));
    await journal.close();
  });

  it('offers what the queue forgot again, with the same uid and a new attempt', async () => {
    const outlet = new Outlet();
    outlet.commits = false;
    const { journal } = await start(outlet);
    await journal.append(envelopeOf(1, 3));
    await until(() => outlet.offered.length >= 3, 'offered three times');
    expect(new Set(outlet.offered.map(({ uid }) => uid)).size).toBe(1);
    expect(outlet.offered.slice(0, 3).map(({ attempt }) => attempt)).toEqual([0, 1, 2]);
    outlet.stored.add(outlet.offered[0]?.uid as string);
    await until(() => journal.stats().uncommittedMessages === 0, 'committed');
    await journal.close();
  });

  it('does not repeat what still waits in the queue, nor while the database is away', async () => {
    const outlet = new Outlet();
    outlet.commits = false;
    outlet.queued = async (offers) => new Set(offers.map(({ uid }) => uid));
    const { journal } = await start(outlet);
    await journal.append(envelopeOf(1, 3));
    await pause(150);
    expect(outlet.offered).toHaveLength(1);
    delete outlet.queued;
    outlet.isDatabaseAway = true;
    await pause(150);
    expect(outlet.offered).toHaveLength(1);
    outlet.isDatabaseAway = false;
    await until(() => outlet.offered.length === 2, 'offered again');
    await journal.close();
  });

  it('gives up on an outlet that does not answer, and tries again', async () => {
    const outlet = new Outlet();
    outlet.isHanging = true;
    const { journal } = await start(outlet, new SimulatedDisk(), { journalOfferTimeoutMs: 20 });
    await journal.append(envelopeOf(1, 1));
    await pause(40);
    outlet.isHanging = false;
    await until(() => journal.stats().uncommittedMessages === 0, 'committed');
    await journal.close();
  });

  it('carries the same uid after a restart, asks first, and offers only what is missing', async () => {
    const before = new Outlet();
    before.commits = false;
    const limits = { batchMessagesMax: 1, journalResendAfterMs: 60_000 };
    const { journal, disk } = await start(before, new SimulatedDisk(), limits);
    for (const id of [1, 2, 3]) await journal.append(envelopeOf(id, 2));
    await until(() => before.offered.length === 3, 'offered');
    await journal.close();
    const after = new Outlet();
    const [first, second, third] = before.offered.map(({ uid }) => uid) as [string, string, string];
    after.stored.add(second);
    const next = await start(after, disk, limits);
    await until(() => next.journal.stats().uncommittedMessages === 0, 'committed');
    expect(after.asked[0]?.sort()).toEqual([first, second, third].sort());
    expect(after.offered.map(({ uid }) => uid)).toEqual([first, third]);
    for (const { attempt } of after.offered) expect(attempt).toBeGreaterThan(0);
    await next.journal.close();
    const last = await start(new Outlet(), disk, limits);
    expect(last.journal.recovered).toMatchObject({ uncommitted: 0, openBatches: [] });
    await last.journal.close();
  });

  it('does not take a hint for the truth', async () => {
    const outlet = new Outlet();
    outlet.commits = false;
    const limits = { journalPollMs: 10_000, journalSweepMs: 10_000, journalResendAfterMs: 60_000 };
    const { journal } = await start(outlet, new SimulatedDisk(), limits);
    await journal.append(envelopeOf(1, 1));
    await until(() => outlet.offered.length === 1, 'offered');
    const uid = outlet.offered[0]?.uid as string;
    journal.notifyCommitted(uid);
    await pause(60);
    expect(journal.stats().uncommittedMessages).toBe(1);
    outlet.stored.add(uid);
    journal.notifyCommitted(uid);
    await until(() => journal.stats().uncommittedMessages === 0, 'committed after the hint');
    await journal.close();
  });
});

describe('removal', () => {
  const limits = { journalSegmentBytesMax: 2_000, batchMessagesMax: 3, journalRetainMs: 0 };

  it('removes segments oldest first, and only when all in them is committed', async () => {
    const outlet = new Outlet();
    const { journal, disk } = await start(outlet, new SimulatedDisk(), {
      ...limits,
      journalResendAfterMs: 60_000,
    });
    for (const id of range(60)) await journal.append(envelopeOf(id, 1));
    await until(() => journal.stats().uncommittedMessages === 0, 'all committed');
    await until(() => journal.stats().segments <= 2, 'old segments gone');
    expect(disk.names().length).toBeLessThanOrEqual(2);
    outlet.commits = false;
    await journal.append(envelopeOf(100, 1));
    await until(() => outlet.offered.at(-1)?.ids[0] === 100, 'offered, and forgotten');
    outlet.commits = true;
    const kept = disk.names();
    for (const id of range(60, 200)) await journal.append(envelopeOf(id, 1));
    await pause(25);
    expect(disk.names()).toEqual(expect.arrayContaining(kept.slice(-1)));
    await journal.close();
  });

  it('keeps committed segments for journalRetainMs', async () => {
    const outlet = new Outlet();
    const longer = { ...limits, journalRetainMs: 60_000 };
    const { journal, disk } = await start(outlet, new SimulatedDisk(), longer);
    for (const id of range(60)) await journal.append(envelopeOf(id, 1));
    await until(() => journal.stats().uncommittedMessages === 0, 'all committed');
    await pause(30);
    expect(journal.stats()).toMatchObject({ removedSegments: 0 });
    expect(disk.names().length).toBeGreaterThan(5);
    await journal.close();
  });
});
