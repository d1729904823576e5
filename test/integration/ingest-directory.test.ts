/** Goal: the channel cache follows the database: new meters, changed ratios, renamed meters. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDatabase } from '../../db/pool.ts';
import { ChannelDirectory } from '../../ingest/pipeline/directory.ts';
import { freshDatabase, type TestDatabase } from '../support/database.ts';
import { addChannel, clockAt } from '../support/ingest.ts';

const named = (meter: string, channel = '1-0:1.8.0') => ({
  meter,
  channel,
  kind: 'interval' as const,
});

describe('channel directory', () => {
  let t: TestDatabase;
  let now = 0;
  let directory: ChannelDirectory;
  beforeAll(async () => {
    t = await freshDatabase('ingest_directory');
    await addChannel(t.db, 'OLD');
    directory = new ChannelDirectory(t.db, { ...clockAt(0), monotonicMs: () => now });
    await directory.load();
  });
  afterAll(() => t.drop());

  const ratio = (meter: string) => {
    const entry = directory.find(named(meter));
    return typeof entry === 'string' ? entry : entry.channel.ratioNumerator;
  };

  it('asks for an unknown meter again, but not at once', async () => {
    await directory.learn([named('NEW'), named('OLD', 'none')]);
    expect(ratio('NEW')).toBe('METER_UNKNOWN');
    expect(directory.find(named('OLD', 'none'))).toBe('CHANNEL_UNKNOWN');
    await addChannel(t.db, 'NEW');
    await directory.learn([named('NEW')]);
    expect(ratio('NEW')).toBe('METER_UNKNOWN');
    now += 10_000;
    await directory.learn([named('NEW'), named('bad \0 name')]);
    expect(ratio('NEW')).toBe(1);
  });

  it('sees a change that committed after a later one was read', async () => {
    const slow = openDatabase({ url: t.url, applicationName: 'slow', connectionsMax: 1 });
    const set =
      'UPDATE channel SET ratio_numerator = $2 WHERE meter_id = (SELECT id FROM meter WHERE serial = $1)';
    await slow.transaction(async (tx) => {
      await tx.query(set, ['OLD', 40]);
      await t.db.query(set, ['NEW', 7]);
      await directory.refresh();
      expect([ratio('OLD'), ratio('NEW')]).toEqual([1, 7]);
    });
    await directory.refresh();
    expect([ratio('OLD'), ratio('NEW')]).toEqual([40, 7]);
    await slow.close();
  });

  it('follows a renamed meter and a new zone', async () => {
    await t.db.query(`UPDATE meter SET serial = 'RENAMED' WHERE serial = 'NEW'`);
    const id = await addChannel(t.db, 'DAILY', { intervalS: 86_400 });
    await directory.learn([named('DAILY')]);
    await t.db.query(
      `INSERT INTO service_point (code, time_zone, branch, feeder, transformer)
       VALUES ('sp', 'Europe/Madrid', 'b', 'f', 't')`,
    );
    await t.db.query(
      `INSERT INTO installation (meter_id, service_point_id, from_at)
       SELECT c.meter_id, s.id, '2020-01-01' FROM channel c, service_point s WHERE c.id = $1`,
      [id],
    );
    await directory.refresh();
    now += 10_000;
    await directory.learn([named('NEW')]);
    expect([ratio('NEW'), ratio('RENAMED')]).toEqual(['METER_UNKNOWN', 7]);
    expect(directory.find(named('DAILY'))).toMatchObject({ zone: 'Europe/Madrid' });
    await t.db.query(`UPDATE service_point SET time_zone = 'Asia/Kolkata'`);
    await directory.refresh();
    expect(directory.find(named('DAILY'))).toMatchObject({ zone: 'Asia/Kolkata' });
  });
});
