/** Goal: rows, jobs and a broken will move no breaker (T01, T02, T03); a stop stops (G9). */
import { Queue } from 'bullmq';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { setKillSwitch } from '../../db/control.ts';
import {
  cryptoRandom,
  formatInstant,
  type MeterCommand,
  QUEUES,
  uuidV7,
} from '../../domain/index.ts';
import { commandHinter, listenForHints } from '../../gateway/commands/hints.ts';
import type { CommandLink } from '../../gateway/commands/ports.ts';
import type { CommandSender } from '../../gateway/commands/sender.ts';
import { openUtility, type Utility } from './command-support.ts';

const PLACES = 2_000;
/** Big enough that the governor alone would let some of them through. */
const FLEET = 100_000;

function redisConnection() {
  const url = new URL(inject('redisUrl'));
  return {
    host: url.hostname,
    port: Number(url.port),
    password: decodeURIComponent(url.password),
    maxRetriesPerRequest: null,
  };
}

describe('attacks', { timeout: 400_000 }, () => {
  let u: Utility;
  beforeAll(async () => {
    u = await openUtility('command-attack', PLACES);
    await u.db.query(
      `INSERT INTO meter (serial, protocol, has_breaker)
       SELECT 'X' || n, 'mqtt', true FROM generate_series(1, $1::int) AS n`,
      [FLEET - PLACES],
    );
  });
  afterAll(() => u.close());

  /** Meters without sockets: each answers questions and counts what would have moved it. */
  function crowd() {
    const moved: MeterCommand[] = [];
    const shut = new Map<string, boolean>();
    let sender: CommandSender | undefined;
    const link: CommandLink = {
      isOnline: () => true,
      async publishDown(serial, _topic, payload) {
        const command = JSON.parse(Buffer.from(payload).toString('utf8')) as MeterCommand;
        if (command.action !== 'read') {
          moved.push(command);
          shut.set(serial, command.action === 'connect');
        }
        const state = (shut.get(serial) ?? true) ? ('closed' as const) : ('open' as const);
        const at = formatInstant(u.clock.nowMs());
        const reply = {
          id: command.id,
          outcome: 'done' as const,
          output: state,
          control: state,
          at,
        };
        setImmediate(() => void sender?.onReply(serial, reply));
        return true;
      },
    };
    const join = (made: CommandSender) => {
      sender = made;
      return made;
    };
    return { link, moved, join };
  }

  async function insertQueued(approval: string, count: number): Promise<void> {
    const now = formatInstant(u.clock.nowMs());
    await u.db.query(
      `INSERT INTO command (id, meter_id, meter_serial, service_point_id, account_id, feeder,
         transformer, action, state, requested_by, requested_at, not_before, not_after, decision,
         decision_hash, guards_version, idempotency_key, approval_key_id, approval_signature,
         approved_by, approved_at, changed_at)
       SELECT gen_random_uuid(), m.id, m.serial, m.id, m.id, 'F', 'T', 'disconnect', 'queued', 'billing', $1,
         $1, $1::timestamptz + interval '10 min', '{}',
         encode(sha256('{}'::bytea), 'hex'), 1, gen_random_uuid()::text, ${approval}, 'anna', $1, $1
       FROM meter m WHERE m.serial LIKE 'M%' ORDER BY m.id LIMIT $2`,
      [now, count],
    );
  }

  const FORGED: readonly (readonly [number, string, string])[] = [
    [PLACES, 'no approval', 'NULL, NULL'],
    [300, 'a made-up signature', `'key-anna', 'c2lnbmF0dXJl'`],
    [
      300,
      'the approval of another command',
      `'key-anna', (SELECT approval_signature FROM command
        WHERE approval_signature LIKE '%==' AND state = 'cancelled' LIMIT 1)`,
    ],
  ];
  it.each(FORGED)(
    '%i cuts written by SQL with %s: none is sent',
    async (count, _name, approval) => {
      await u.nextDay();
      const real = await u.ordered(0, 'disconnect');
      await u.db.query(`UPDATE command SET state = 'cancelled' WHERE id = $1`, [real.id]);
      await u.db.query(
        `INSERT INTO account_guard (account_id) SELECT id FROM account ON CONFLICT DO NOTHING`,
      );
      await insertQueued(approval, count);
      const { link, moved, join } = crowd();
      const sender = join(u.makeSender({ link }));
      const waiting = () =>
        u.db.query(`SELECT FROM command WHERE state = 'queued'`).then((rows) => rows.length);
      for (let n = 0; n < 100 && (await waiting()) > 0; n += 1) await u.settle(sender);
      expect(await waiting()).toBe(0);
      expect(moved).toEqual([]);
      const ends = await u.db.query<{ reason: string }>(
        `SELECT DISTINCT reason FROM command WHERE state = 'refused'`,
      );
      expect(ends.every(({ reason }) => reason.startsWith('approval: '))).toBe(true);
    },
  );

  it('1,000 forged jobs move nothing; one true hint does', async () => {
    await u.nextDay();
    const prefix = `{attack-${process.pid}}`;
    const { link, moved, join } = crowd();
    const sender = join(u.makeSender({ link }));
    const old = await u.ordered(1, 'connect');
    await u.settle(sender);
    expect((await u.state(old.id)).state).toBe('confirmed');
    const unapproved = await u.order(2, 'disconnect');
    const options = { connection: redisConnection(), prefix };
    const queue = new Queue(QUEUES.commands, options);
    const junk: unknown[] = [null, {}, { commandId: 7 }, { commandId: '; DROP TABLE command' }];
    const forged = Array.from({ length: 1_000 }, (_, n) => {
      if (n % 4 === 0) return { commandId: uuidV7(u.clock.nowMs(), cryptoRandom) };
      if (n % 4 === 1) return { commandId: old.id };
      return n % 4 === 2 ? { commandId: unapproved.id, state: 'queued' } : junk[(n % 16) >> 2];
    });
    await queue.addBulk(forged.map((data) => ({ name: 'command', data })));
    const listener = listenForHints(sender, options);
    await expect.poll(() => sender.stats.idleHints, { timeout: 60_000 }).toBe(1_000);
    await sender.idle();
    expect(moved.map((c) => c.id)).toEqual([old.id]);

    const hinter = commandHinter(options);
    const cut = await u.ordered(3, 'disconnect');
    await hinter.hint(cut.id);
    await expect.poll(async () => (await u.state(cut.id)).state).toBe('confirmed');
    expect(moved.map((c) => c.id)).toEqual([old.id, cut.id]);
    await hinter.close();
    await listener.close();
    await queue.obliterate({ force: true });
    await queue.close();
  });

  it('a kill switch freezes a crowd of queued movements', async () => {
    await u.nextDay();
    for (let n = 100; n < 160; n += 1) await u.ordered(n, 'connect');
    const { link, moved, join } = crowd();
    const slow: CommandLink = {
      isOnline: () => true,
      async publishDown(...given) {
        await new Promise((resolve) => setTimeout(resolve, 5));
        return link.publishDown(...given);
      },
    };
    const sender = join(u.makeSender({ link: slow }));
    const sweeping = sender.sweep();
    const before = moved.length;
    await expect.poll(() => moved.length, { interval: 1 }).toBeGreaterThan(before);
    await setKillSwitch(u.db, true, 'carl', 'wrong list');
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    const frozen = moved.length;
    await sweeping;
    await u.settle(sender);
    u.clock.jump(60_000);
    await u.settle(sender);
    expect(moved.length).toBe(frozen);
    expect(frozen).toBeLessThan(60);
    await setKillSwitch(u.db, false, 'anna', 'list corrected');
    u.clock.jump(60_000);
    await u.settle(sender);
    await u.settle(sender);
    expect(moved.length).toBe(60);
  });
});
