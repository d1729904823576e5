/** Goal: kill -9 of the real process at moments only the meter can know: one operation (T07). */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../cli/clock.ts';
import { formatInstant, type MeterCommand } from '../../domain/index.ts';
import { TestMeter } from './command-meter.ts';
import { APPROVER_KEYS, openUtility, type Utility } from './command-support.ts';

const PROGRAM = resolve(import.meta.dirname, 'command-process.ts');

/** When the gateway dies, seen from the meter: at the n-th message heard, before or after acting. */
const MOMENTS = [
  { on: 'read', nth: 1, after: false },
  { on: 'disconnect', nth: 1, after: false },
  { on: 'disconnect', nth: 1, after: true },
  { on: 'read', nth: 2, after: false },
  { on: 'read', nth: 2, after: true },
] as const;

describe('kill -9 of a gateway', () => {
  let u: Utility;
  let url: string;
  const directory = mkdtempSync(join(tmpdir(), 'kill9-'));
  const children = new Set<ChildProcess>();
  beforeAll(async () => {
    u = await openUtility('command-kill9', MOMENTS.length);
    url = u.url;
    // Real time: the clock of this suite agrees with the database, the caps need a fleet.
    u.clock.jump(Date.now() - u.clock.nowMs());
    await u.db.query('UPDATE service_point SET protection_checked_at = $1', [
      formatInstant(Date.now()),
    ]);
    await u.db.query(
      `INSERT INTO meter (serial, protocol, has_breaker)
       SELECT 'X' || n, 'mqtt', true FROM generate_series(1, 100000) AS n`,
    );
    const pem = APPROVER_KEYS.get('key-anna')!.key.export({ type: 'spki', format: 'pem' });
    writeFileSync(join(directory, 'approver.pem'), pem);
  });
  afterAll(async () => {
    for (const child of children) child.kill('SIGKILL');
    await u.close();
    rmSync(directory, { recursive: true });
  });

  async function startGateway(serial: string): Promise<{ child: ChildProcess; port: number }> {
    const child = spawn(process.execPath, ['--import', 'tsx', PROGRAM, url, directory, serial], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    children.add(child);
    child.once('exit', () => children.delete(child));
    const lines = createInterface({ input: child.stdout! });
    const [line] = (await once(lines, 'line')) as [string];
    return { child, port: Number(line.replace('port ', '')) };
  }

  async function die(child: ChildProcess): Promise<void> {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  }

  it.each(MOMENTS.map((m, index) => ({ ...m, index })))(
    'at $on number $nth, after acting: $after',
    async ({ on, nth, after, index }) => {
      const meter = new TestMeter(`M${index}`, systemClock);
      const first = await startGateway(meter.serial);
      const cut = await u.ordered(index, 'disconnect');
      let count = 0;
      const honest = meter.hear.bind(meter);
      const dead = new Promise<void>((done) => {
        meter.hear = (command: MeterCommand) => {
          if (command.action === on) count += 1;
          const now = command.action === on && count === nth;
          if (now && !after) first.child.kill('SIGKILL');
          honest(command);
          if (now && after) first.child.kill('SIGKILL');
          if (now) done();
        };
      });
      await meter.connect(first.port);
      await dead;
      await die(first.child);
      await meter.disconnect();
      const second = await startGateway(meter.serial);
      await meter.connect(second.port);
      await expect
        .poll(async () => (await u.state(cut.id)).state, { timeout: 30_000, interval: 100 })
        .toBe('confirmed');
      await die(second.child);
      await meter.disconnect();
      expect(meter.operations).toHaveLength(1);
      expect(meter.heard.filter((c) => c.action === 'disconnect')).toHaveLength(1);
    },
  );
});
