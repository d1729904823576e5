/** Goal: die anywhere on the sending path, start again: never a second operation (G5, T07). */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CommandLink } from '../../gateway/commands/ports.ts';
import { CRASH_POINTS, type CrashPoint } from '../../gateway/commands/ports.ts';
import type { MeterMode } from './command-meter.ts';
import { memoryAttempts, openUtility, type Utility } from './command-support.ts';

/** Dies at the n-th pass of a point, and stays dead: no later step of that life may run. */
function dieAt(point: CrashPoint, pass: number) {
  let passes = 0;
  let dead = false;
  return (here: CrashPoint) => {
    if (here === point) passes += 1;
    if (dead || (here === point && passes === pass)) {
      dead = true;
      throw new Error(`died ${here}`);
    }
  };
}

const MATRIX: readonly (readonly [CrashPoint, number, MeterMode])[] = CRASH_POINTS.flatMap(
  (point) => [
    [point, 1, 'honest'] as const,
    [point, 1, 'mute'] as const,
    [point, 2, 'honest'] as const,
  ],
);

describe('crash points of the sending path', () => {
  let u: Utility;
  let next = 0;
  beforeAll(async () => {
    u = await openUtility('command-crash', MATRIX.length + 3);
  });
  afterAll(() => u.close());

  it.each(MATRIX)('%s, pass %i, %s meter: at most one operation', async (point, pass, mode) => {
    await u.nextDay();
    const meter = await u.connectMeter(next, mode);
    const cut = await u.ordered(next, 'disconnect');
    next += 1;
    const attempts = memoryAttempts();
    const first = u.makeSender({ crash: dieAt(point, pass), attempts });
    await u.settle(first);
    u.dropSenders();
    const second = u.makeSender({ attempts });
    await second.recover();
    await second.idle();
    for (let n = 0; n < 3; n += 1) {
      u.clock.jump(60_000);
      await u.settle(second);
    }
    await first.stop();
    const { state } = await u.state(cut.id);
    expect(meter.operations.length).toBeLessThanOrEqual(1);
    expect(meter.heard.filter((c) => c.action === 'disconnect').length).toBeLessThanOrEqual(1);
    // One movement is known as confirmed; without bytes it never is.
    expect(state === 'confirmed').toBe(meter.operations.length === 1);
    expect(['confirmed', 'indeterminate', 'refused']).toContain(state);
  });

  it('adopts what another process left silent', async () => {
    await u.nextDay();
    const meter = await u.connectMeter(next);
    const cut = await u.ordered(next, 'disconnect');
    next += 1;
    await u.settle(u.makeSender({ instance: 'lost', crash: dieAt('after-publish', 1) }));
    const other = u.makeSender({ instance: 'other' });
    await u.settle(other);
    expect((await u.state(cut.id)).state).toBe('sent');
    u.clock.jump(5 * 60_000);
    await u.settle(other);
    expect((await u.state(cut.id)).state).toBe('confirmed');
    expect(meter.operations).toHaveLength(1);
  });

  it('knows a link that threw from one that surely sent nothing', async () => {
    for (const [answer, expected] of [
      [() => Promise.reject(new Error('socket')), 'indeterminate'],
      [() => Promise.resolve(false), 'refused'],
    ] as const) {
      await u.nextDay();
      const meter = await u.connectMeter(next);
      const cut = await u.ordered(next, 'disconnect');
      next += 1;
      const link: CommandLink = {
        isOnline: (serial) => u.broker.isOnline(serial),
        publishDown: (serial, topic, payload) =>
          Buffer.from(payload).includes('"disconnect"')
            ? answer()
            : u.broker.publishDown(serial, topic, payload),
      };
      await u.settle(u.makeSender({ link }));
      expect((await u.state(cut.id)).state).toBe(expected);
      expect(meter.operations).toEqual([]);
    }
  });
});
