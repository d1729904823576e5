/**
 * Goal: gateways on a full disk, on a disk whose sync fails, and with a wrong clock, all at once on
 * one line, each with meters of its own: no reading acknowledged is lost, none gets another time.
 */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../cli/clock.ts';
import { readLog } from '../../simulators/meter-log.ts';
import { failingSync, fakeClock, setClock } from './support/injections.ts';
import { seedsOf } from './support/seeds.ts';
import { logPath } from './support/senders.ts';
import { type SmallDisk, smallDisk } from './support/small-disk.ts';
import { type Gateway, type Load, TestLine } from './support/test-line.ts';
import { until } from './support/until.ts';
import { figure, type Settled, settle } from './support/verdict.ts';

const [seed = ''] = seedsOf('test/faults/line-gateway.test.ts', 1, 0);
const FULL_MS = 3_000;
const WAIT_MS = 60_000;
const SETTLE_MS = 120_000;
/** Syncs before the one that fails: the start takes a few, the load comes after it. */
const SYNCS_BEFORE = 60;

let line: TestLine;
let disk: SmallDisk;
const loads: Load[] = [];

beforeAll(async () => {
  line = await TestLine.open('gateway');
  disk = smallDisk(join(line.directory, 'disk'));
  line.startWorkers(1);
});

afterAll(async () => {
  disk.remove();
  await line.remove();
});

async function push(name: string, gateway: Gateway): Promise<Load> {
  const load = await line.startLoad(`${seed}-${name}`, gateway, {
    meters: 5,
    headEnds: 1,
    pace: 30,
  });
  loads.push(load);
  return load;
}

function ackedNow(load: Load): number {
  const events = load.serials.flatMap((serial) => readLog(logPath(load.directory, serial)));
  return events.filter((event) => event.kind === 'acked').length;
}

async function untilAcked(load: Load, messages: number): Promise<void> {
  await until(`${messages} messages acknowledged`, WAIT_MS, () =>
    ackedNow(load) > messages ? true : undefined,
  );
}

describe.concurrent('a gateway', () => {
  it('on a full disk acknowledges nothing until there is room, and lives on', async () => {
    const { directory: journal, under } = disk;
    const gateway = await line.startGateway('full', { journal, under });
    const load = await push('full', gateway);
    await untilAcked(load, 20);
    disk.fill(true, gateway.process.pid);
    // What fits into the last page of the segment may still be taken.
    await systemClock.sleep(1_000);
    const before = ackedNow(load);
    await systemClock.sleep(FULL_MS);
    expect(ackedNow(load)).toBe(before);
    expect(await figure(gateway, 'meterline_mqtt', 'stalled')).toBeGreaterThan(0);
    disk.fill(false, gateway.process.pid);
    await untilAcked(load, before + 20);
    expect(gateway.process.ends).toEqual([]);
    await load.stop();
  });

  it('whose sync fails ends at once, and the next one goes on from the disk', async () => {
    const env = { UV_THREADPOOL_SIZE: '1' };
    const under = failingSync(SYNCS_BEFORE);
    const gateway = await line.startGateway('sync', { under, env });
    const failing = gateway.process.ended(WAIT_MS);
    gateway.process.under = [];
    const load = await push('sync', gateway);
    const end = await failing;
    expect(end).toMatchObject({ code: 1, signal: null });
    expect(gateway.process.log()).toMatch(/JOURNAL_FAILED|the journal failed/);
    await untilAcked(load, ackedNow(load) + 20);
    await load.stop();
  });

  it.each([
    ['ahead', 3_600],
    ['behind', -3_600],
  ])('with a clock an hour %s gives no interval another time', async (name, seconds) => {
    const file = join(line.directory, `clock-${name}`);
    setClock(file, 0);
    const gateway = await line.startGateway(name, { env: fakeClock(file) });
    const load = await push(name, gateway);
    await untilAcked(load, 10);
    setClock(file, seconds);
    await untilAcked(load, ackedNow(load) + 30);
    await load.stop();
    // The clock was really wrong: only the batch's own time of arrival shows it.
    const offS = async () => {
      const [row] = await line.db.query<{ off: number | null }>(
        `SELECT max(abs(extract(epoch FROM b.recorded_at - b.received_at)))::float8 AS off
         FROM batch b JOIN reading r ON r.batch_id = b.id JOIN channel c ON c.id = r.channel_id
         JOIN meter m ON m.id = c.meter_id WHERE m.serial = $1`,
        [load.serials[0]],
      );
      return row?.off ?? 0;
    };
    await until('a batch of the wrong hour', WAIT_MS, async () =>
      (await offS()) > 3_000 ? true : undefined,
    );
  });
});

describe('afterwards', () => {
  let settled: Settled;

  it('everything acknowledged is stored once, as the meter gave it', async () => {
    settled = await settle(line, loads, SETTLE_MS);
    expect(settled.verdicts).toHaveLength(4);
    for (const verdict of settled.verdicts) {
      expect(verdict).toMatchObject({ lost: [], invented: [], doubled: [], altered: [] });
      expect(verdict).toMatchObject({ unacknowledged: 0, failures: [] });
    }
  });

  it('each batch accounts for each of its records', () => {
    const { books, verdicts } = settled;
    expect(books).toMatchObject({ unbalanced: [], surplus: 0 });
    expect(books.stored).toBe(verdicts.reduce((sum, { stored }) => sum + stored, 0));
  });
});
