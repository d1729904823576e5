/** Goal: other writers of readings, and the close of a day, in the middle of a batch. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LOCKS } from '../../db/locks.ts';
import { type Connection, type Database, openDatabase } from '../../db/pool.ts';
import { readIntervals, readingVersions } from '../../db/readings.ts';
import { type PipelineDeps, processBatch } from '../../ingest/pipeline/process-batch.ts';
import { freshDatabase, type TestDatabase } from '../support/database.ts';
import { addChannel, block, pipelineAt, seal } from '../support/ingest.ts';

const T0 = Date.parse('2026-03-02T00:00:00Z');
/** Old enough for the careful path at once. */
const NOW = T0 + 20 * 86_400_000;

describe('races', () => {
  let t: TestDatabase;
  let other: Database;
  let deps: PipelineDeps;
  beforeAll(async () => {
    t = await freshDatabase('ingest_race');
    other = openDatabase({ url: t.url, applicationName: 'other', connectionsMax: 1 });
    deps = await pipelineAt(t.db, NOW);
  });
  afterAll(async () => {
    await other.close();
    await t.drop();
  });

  const send = (serial: string, values: number[]) =>
    processBatch(seal([block(serial, T0, values)], { receivedMs: NOW }), deps);

  /** Until a session of this database waits for a lock: then the batch is where we want it. */
  async function untilBlocked(): Promise<void> {
    for (let i = 0; i < 200; i += 1) {
      const rows = await t.db.query(
        `SELECT 1 FROM pg_stat_activity
         WHERE datname = current_database() AND wait_event_type = 'Lock'`,
      );
      if (rows.length > 0) return;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    throw new Error('nobody waits');
  }

  it('looks again when another writer replaced the version it has seen', async () => {
    const id = await addChannel(t.db, 'R1');
    await send('R1', [1]);
    let sent: ReturnType<typeof send> | undefined;
    await other.transaction(async (tx) => {
      const [batch] = await tx.query<{ id: bigint }>(
        `INSERT INTO batch (uid, origin, received_at, actor, messages, offered, stored, duplicate,
                            rejected, quarantined)
         VALUES (gen_random_uuid(), 'edit', now(), 'ana', 0, 1, 1, 0, 0, 0) RETURNING id`,
      );
      await tx.query(
        'UPDATE reading SET value = 9, quality = 30, batch_id = $1 WHERE channel_id = $2',
        [batch?.id, id],
      );
      sent = send('R1', [2]);
      await untilBlocked();
    });
    const outcome = await sent;
    expect(outcome?.counts).toMatchObject({ stored: 0, rejected: 1 });
    expect((await readIntervals(t.db, id, T0, T0 + 1)).map((r) => r.value)).toEqual([9n]);
    expect(await readingVersions(t.db, id, T0)).toHaveLength(1);
  });

  it('reaches a day that is being closed: the close has seen it, or the day is dirty', async () => {
    const id = await addChannel(t.db, 'R2');
    await t.db.query(
      `INSERT INTO channel_day (channel_id, local_date, from_at, to_at, expected)
       VALUES ($1, '2026-03-02', '2026-03-02', '2026-03-03', 96)`,
      [id],
    );
    // A batch under way that has not seen the mark.
    let release = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    let reached = () => {};
    const inside = new Promise<void>((resolve) => {
      reached = resolve;
    });
    const early = processBatch(seal([block('R2', T0, [1])], { receivedMs: NOW }), deps, {
      async alongside() {
        reached();
        await held;
      },
    });
    await inside;
    await t.db.query(`INSERT INTO ledger_mark VALUES ('closed', '2026-03-02')`);
    const closed = other.connection((c) => close(c, id));
    await untilBlocked();
    release();
    await early;
    const { seen, late } = await closed;
    expect(seen).toBe(1);
    expect((await late).counts.stored).toBe(1);
    const [day] = await t.db.query('SELECT state, dirty FROM channel_day WHERE channel_id = $1', [
      id,
    ]);
    expect(day).toEqual({ state: 'closed', dirty: true });
    const [told] = await t.db.query<{ payload: unknown }>('SELECT payload FROM outbox');
    expect(told?.payload).toMatchObject({ channelId: id, changes: 1, deltaValue: '2' });
  });

  /** Closes the day as README.md asks for, with a reading that arrives in the middle. */
  async function close(c: Connection, id: number) {
    await c.query('SELECT pg_advisory_lock($1)', [LOCKS.ledgerMark]);
    await c.query('SELECT pg_advisory_unlock($1)', [LOCKS.ledgerMark]);
    await c.query('BEGIN');
    await c.query('SELECT 1 FROM channel_day WHERE channel_id = $1 FOR UPDATE', [id]);
    const seen = await readIntervals(c, id, T0, T0 + 86_400_000);
    const late = processBatch(seal([block('R2', T0 + 900_000, [2])], { receivedMs: NOW }), deps);
    await untilBlocked();
    await c.query(`UPDATE channel_day SET state = 'closed', dirty = false WHERE channel_id = $1`, [
      id,
    ]);
    await c.query('COMMIT');
    return { seen: seen.length, late };
  }
});
