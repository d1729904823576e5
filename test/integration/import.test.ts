/** Goal: whatever a file brings, it is stored once, in the right place, or set aside with a reason. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../cli/clock.ts';
import { reportJson, reportText } from '../../cli/import/report.ts';
import { rawOf } from '../../db/batches.ts';
import { quarantineByCode, storedRows } from '../../db/conservation.ts';
import { cryptoRandom, LIMITS, QUALITY } from '../../domain/index.ts';
import { openPipeline } from '../../ingest/pipeline/process-batch.ts';
import { replayQuarantine } from '../../ingest/pipeline/replay.ts';
import { type ImportWorld, importWorld, openSession, storedChannel } from '../support/imports.ts';
import { dayOf, marketDates, nem12Text } from '../support/nem12.ts';

let folder: string;
let world: ImportWorld;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'import-files-'));
  world = await importWorld('files');
});
afterAll(async () => {
  await world.remove();
  await rm(folder, { recursive: true, force: true });
});

async function file(name: string, content: string | Buffer): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, content);
  return path;
}

const oneDay = (nmi: string, serial: string, value: number, date = '20260302') =>
  nem12Text([{ nmi, serial, days: [dayOf(date, 30, () => value)] }]);

const valuesOf = async (serial: string, code = 'E1') =>
  (await storedChannel(world.db, serial, code))?.readings.map(({ value }) => Number(value));

describe('meters nobody knows', () => {
  it('are quarantined; once they are entered, a replay brings the values in', async () => {
    const path = await file('unknown.csv', oneDay('NMI0000001', 'S1', 250));
    const first = await world.import(path);
    expect(first.counts).toMatchObject({ offered: 48, stored: 0, quarantined: 48 });
    expect(first.refused).toMatchObject([
      { fate: 'quarantined', code: 'METER_UNKNOWN', records: 48, at: 'line 3' },
    ]);
    expect(await quarantineByCode(world.db)).toMatchObject([{ code: 'METER_UNKNOWN' }]);

    // Another file brings the meter; the first file's values wait for the replay.
    const other = await file('other.csv', oneDay('NMI0000001', 'S1', 111, '20260303'));
    await world.import(other, { createMeters: true });
    const deps = { ...openPipeline(world.db, systemClock), random: cryptoRandom };
    const replayed = await replayQuarantine({ code: 'METER_UNKNOWN' }, 'test', deps);
    expect(replayed.counts).toMatchObject({ offered: 48, stored: 48 });
    expect(await valuesOf('S1')).toEqual([...Array(48).fill(250), ...Array(48).fill(111)]);
    expect(await quarantineByCode(world.db)).toEqual([]);
  });

  it('are created once: nothing that is there is changed', async () => {
    const later = await file('later.csv', oneDay('NMI0000002', 'S2', 5, '20260310'));
    const earlier = await file('earlier.csv', oneDay('NMI0000002', 'S2', 7, '20260305'));
    const one = await world.import(later, { createMeters: true });
    expect(one.created).toMatchObject({ servicePoints: 1, meters: 1 });
    await world.db.query(`UPDATE service_point SET feeder = 'F7' WHERE code = 'NMI0000002'`);
    await world.db.query(`UPDATE meter SET protocol = 'dlms' WHERE serial = 'S2'`);
    const two = await world.import(earlier, { createMeters: true, zone: 'Europe/Madrid' });
    expect(two.created).toMatchObject({ servicePoints: 0, meters: 0, channels: [] });
    const rows = await world.db.query(
      `SELECT s.feeder, s.time_zone, m.protocol, i.from_at, i.to_at
       FROM installation i JOIN meter m ON m.id = i.meter_id
       JOIN service_point s ON s.id = i.service_point_id WHERE m.serial = 'S2' ORDER BY i.from_at`,
    );
    const same = { feeder: 'F7', time_zone: 'Etc/GMT-10', protocol: 'dlms' };
    const [march5, march10] = ['2026-03-05', '2026-03-10'].map((date) =>
      Date.parse(`${date}T00:00:00+10:00`),
    );
    expect(rows).toEqual([
      { ...same, from_at: march5, to_at: march10 },
      { ...same, from_at: march10, to_at: null },
    ]);
  });
});

describe('one serial at two service points', () => {
  it('never mixes their values', async () => {
    await world.import(await file('a.csv', oneDay('NMI000000A', 'TWIN', 10)), {
      createMeters: true,
    });
    const b = await file('b.csv', oneDay('NMI000000B', 'TWIN', 20));
    const unknown = await world.import(b);
    expect(unknown.counts).toMatchObject({ stored: 0, quarantined: 48 });
    expect(unknown.refused[0]?.reason).toBe('meter NMI000000B:TWIN is not known');
    await world.import(b, { createMeters: true });
    expect(await valuesOf('TWIN')).toEqual(Array(48).fill(10));
    expect(await valuesOf('NMI000000B:TWIN')).toEqual(Array(48).fill(20));
  });

  it('not in one file either', async () => {
    const days = (value: number) => [dayOf('20260302', 30, () => value)];
    const text = nem12Text([
      { nmi: 'NMI000000C', serial: 'PAIR', days: days(1) },
      { nmi: 'NMI000000D', serial: 'PAIR', days: days(2) },
    ]);
    const { counts } = await world.import(await file('pair.csv', text), { createMeters: true });
    expect(counts).toMatchObject({ offered: 96, stored: 96 });
    expect(await valuesOf('PAIR')).toEqual(Array(48).fill(1));
    expect(await valuesOf('NMI000000D:PAIR')).toEqual(Array(48).fill(2));
  });
});

describe('days of a local calendar', () => {
  const rows = ['2026-03-27', '2026-03-28', '2026-03-29', '2026-03-30', '2026-03-31'];
  const text = (zone?: string) =>
    ['date,kWh', ...rows.map((date, i) => `${date}${zone ?? ''},${i + 1}.5`)].join('\n');

  it('of 23 hours and 25 hours are one value at each local midnight', async () => {
    const autumn = ['2026-10-23', '2026-10-24', '2026-10-25', '2026-10-26', '2026-10-27'];
    const csv = ['date,kWh', ...[...rows, ...autumn].map((date, i) => `${date},${i + 1}.5`)];
    const path = await file('madrid.csv', csv.join('\n'));
    const done = await world.import(path, { createMeters: true, zone: 'Europe/Madrid' });
    expect(done.counts).toMatchObject({ offered: 10, stored: 10 });
    const channel = await storedChannel(world.db, 'madrid', '1-0:1.8.0');
    expect(channel?.intervalS).toBe(86_400);
    const winter = (date: string) => Date.parse(`${date}T00:00:00+01:00`);
    const summer = (date: string) => Date.parse(`${date}T00:00:00+02:00`);
    expect(channel?.readings.map(({ startMs }) => startMs)).toEqual([
      ...rows.slice(0, 3).map(winter),
      ...rows.slice(3).map(summer),
      ...autumn.slice(0, 3).map(summer),
      ...autumn.slice(3).map(winter),
    ]);
    const [closed] = await world.db.query<{ expected: bigint; received: bigint }>(
      `SELECT sum(expected)::bigint AS expected, sum(received)::bigint AS received
       FROM channel_day d JOIN channel c ON c.id = d.channel_id JOIN meter m ON m.id = c.meter_id
       WHERE m.serial = 'madrid' AND local_date IN ('2026-03-29', '2026-10-25')`,
    );
    expect(closed).toEqual({ expected: 2n, received: 2n });
    expect((await world.import(path, { zone: 'Europe/Madrid' })).counts.duplicate).toBe(10);
  });

  it('of another zone than the service point’s are quarantined', async () => {
    const path = await file('tokyo.csv', text());
    await world.db.query(
      `INSERT INTO service_point (code, time_zone, branch, feeder, transformer)
       VALUES ('tokyo', 'Asia/Tokyo', 'b', 'f', 't')`,
    );
    const done = await world.import(path, { createMeters: true, zone: 'Europe/Madrid' });
    expect(done.counts).toMatchObject({ offered: 5, stored: 0, quarantined: 5 });
    expect(done.refused.map(({ code, records }) => [code, records])).toEqual([
      ['OFF_GRID', 4],
      ['INTERVAL_LENGTH', 1],
    ]);
  });
});

describe('gaps', () => {
  const start = Date.parse('2026-03-02T00:00:00Z');
  /** A day of quarter hours, 100 Wh each, without those at the indexes given. */
  const gappy = (skipped: (index: number) => boolean) =>
    [
      'start,kWh',
      ...Array.from({ length: 96 }, (_, i) => i)
        .filter((i) => !skipped(i))
        .map((i) => `${new Date(start + i * 900_000).toISOString().slice(0, 19)}Z,0.100`),
    ].join('\n');

  it('up to two hours are estimated when channels were created, and counted', async () => {
    const path = await file(
      'gap.csv',
      gappy((i) => i >= 40 && i < 44),
    );
    const done = await world.import(path, { createMeters: true, zone: 'UTC' });
    expect(done.counts).toMatchObject({ offered: 92, stored: 92 });
    expect(done.closed).toMatchObject({ laidOut: 1, estimated: 4, missing: 0 });
    const channel = await storedChannel(world.db, 'gap', '1-0:1.8.0');
    const estimated = channel?.readings.filter((r) => r.quality !== QUALITY.VALID.code);
    expect(estimated?.map(({ value }) => value)).toEqual([100n, 100n, 100n, 100n]);
    expect(reportText([done], 0)).toContain('4 intervals estimated, 0 missing');
  });

  it('longer ones stay gaps, and --no-close leaves all of them', async () => {
    const long = await file(
      'long.csv',
      gappy((i) => i >= 40 && i < 60),
    );
    const done = await world.import(long, { createMeters: true, zone: 'UTC' });
    expect(done.closed).toMatchObject({ estimated: 0, missing: 20 });
    const open = await file(
      'open.csv',
      gappy((i) => i >= 40 && i < 44),
    );
    const left = await world.import(open, { createMeters: true, zone: 'UTC', close: false });
    expect(left.closed).toBeUndefined();
    expect((await storedChannel(world.db, 'open', '1-0:1.8.0'))?.readings).toHaveLength(92);
  });
});

describe('files that cannot be taken', () => {
  it('are refused one by one with every problem; the others go in', async () => {
    const cut = oneDay('NMI0000009', 'S9', 1).replace('900\r\n', '');
    const wrong = cut.replace('0.001', 'x').replace('kWh', 'furlong');
    const outcomes = [
      await world.take(await file('wrong.csv', wrong), { createMeters: true }),
      await world.take(join(folder, 'nowhere.csv'), { createMeters: true }),
      await world.take(folder, { createMeters: true }),
      await world.take(await file('right.csv', oneDay('NMI0000008', 'S8', 1)), {
        createMeters: true,
      }),
    ];
    expect(outcomes.map(({ state }) => state)).toEqual([
      ...['refused', 'refused', 'refused', 'imported'],
    ]);
    const text = reportText(outcomes, 0);
    expect(text).toContain(`wrong.csv:2: UOM: 'furlong' is no UOM`);
    expect(text).toContain('wrong.csv:3: RecordIndicator: record 900 is missing');
    expect(text).toContain('nowhere.csv:1: cannot be read: ENOENT');
    const json = JSON.parse(reportJson(outcomes, 0)) as { files: { problems: object[] }[] };
    expect(json.files[0]?.problems).toMatchObject([{ line: 2, field: 'UOM' }, { line: 3 }]);
    const [row] = await world.db.query<{ n: bigint }>(
      `SELECT (SELECT count(*) FROM batch WHERE origin = 'file:wrong.csv')
         + (SELECT count(*) FROM meter WHERE serial = 'S9') AS n`,
    );
    expect(row?.n).toBe(0n);
  });

  it('need a zone for new service points of a series', async () => {
    const path = await file(
      'zoneless.csv',
      'start,kWh\n2026-03-02T00:00:00Z,1\n2026-03-02T01:00:00Z,1\n',
    );
    await expect(world.take(path, { createMeters: true })).rejects.toMatchObject({
      code: 'BAD_REQUEST',
      message: expect.stringContaining('--zone'),
    });
  });
});

describe('the bytes', () => {
  it('kept with the batches are the file’s, each line once and in order', async () => {
    const days = marketDates('2026-03-01', 200).map((date, d) => dayOf(date, 5, (i) => d + i));
    const text = nem12Text([
      { nmi: 'NMI000000X', serial: 'X', minutes: 5, days },
      { nmi: 'NMI000000X', serial: 'X', suffix: 'B1', minutes: 5, days: days.slice(0, 3) },
    ]);
    const path = await file('bytes.csv.gz', gzipSync(text));
    const done = await world.import(path, { createMeters: true, close: false });
    expect(done.counts.stored).toBe(203 * 288);
    const batches = await world.db.query<{ id: number; offered: number }>(
      `SELECT id::float8 AS id, offered FROM batch WHERE origin = 'file:bytes.csv.gz' ORDER BY id`,
    );
    expect(batches.length).toBeGreaterThan(2);
    const lines = new Map<number, string>();
    for (const { id, offered } of batches) {
      expect(offered).toBeLessThanOrEqual(LIMITS.batchReadingsMax);
      for (const { locator, raw } of await rawOf(world.db, id)) {
        const numbers = [...locator.matchAll(/L(\d+)(?:-L(\d+))?/g)].flatMap(([, a, b = a]) =>
          Array.from({ length: Number(b) - Number(a) + 1 }, (_, i) => Number(a) + i),
        );
        const kept = Buffer.from(raw)
          .toString('utf8')
          .split(/(?<=\n)/);
        expect(kept).toHaveLength(numbers.length);
        for (const [i, number] of numbers.entries()) lines.set(number, kept[i] as string);
      }
    }
    const all = text.split(/(?<=\n)/);
    const records = all.map((line, i) => [i + 1, line] as const).slice(1, -1);
    expect([...lines].sort(([a], [b]) => a - b)).toEqual(records);
  });
});

it('two imports of one machine do not run at the same time', async () => {
  const second = openSession(world.db, world.directory, world.prefix);
  await expect(second).rejects.toMatchObject({ code: 'JOURNAL_LOCKED' });
});

it('after all of this every row is claimed by a batch', async () => {
  const { rows, claimed } = await storedRows(world.db);
  expect(rows).toBe(claimed);
});
