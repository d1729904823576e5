/** Goal: the simulated meter behaves as the Blue Book says: relay modes, memory, clock, registers. */
import { describe, expect, it } from 'vitest';
import {
  CONTROL_MODES,
  type ControlMode,
  DisconnectControl,
  nextState,
  type SwitchKind,
} from '../../simulators/dlms-meter/disconnect-control.ts';
import { DlmsMeter } from '../../simulators/dlms-meter/meter.ts';
import { MeterClock } from '../../simulators/dlms-meter/meter-clock.ts';
import { PROFILE_STATUS } from '../../simulators/dlms-meter/metering.ts';
import { Ring } from '../../simulators/dlms-meter/ring.ts';
import { household, loadWh } from '../../simulators/household.ts';
import { breakerOperations } from '../../simulators/judge.ts';
import { memoryLog } from '../../simulators/meter-log.ts';
import { BenchClock, NOON } from '../support/dlms.ts';

/** Where each way of switching leads from disconnected, connected, ready; '-' = nowhere. */
// biome-ignore format: a table reads best with one row a line
const MODES: readonly [ControlMode, Partial<Record<SwitchKind, string>>][] = [
  [0, {}],
  [1, { 'remote-disconnect': '-00', 'remote-reconnect': '2--', 'manual-disconnect': '-2-', 'manual-reconnect': '--1', 'local-disconnect': '-2-' }],
  [2, { 'remote-disconnect': '-00', 'remote-reconnect': '1--', 'manual-disconnect': '-2-', 'manual-reconnect': '--1', 'local-disconnect': '-2-' }],
  [3, { 'remote-disconnect': '-00', 'remote-reconnect': '2--', 'manual-reconnect': '--1', 'local-disconnect': '-2-' }],
  [4, { 'remote-disconnect': '-00', 'remote-reconnect': '1--', 'manual-reconnect': '--1', 'local-disconnect': '-2-' }],
  [5, { 'remote-disconnect': '-00', 'remote-reconnect': '2--', 'manual-disconnect': '-2-', 'manual-reconnect': '--1', 'local-disconnect': '-2-', 'local-reconnect': '--1' }],
  [6, { 'remote-disconnect': '-00', 'remote-reconnect': '2--', 'manual-reconnect': '--1', 'local-disconnect': '-2-', 'local-reconnect': '--1' }],
];
const KINDS: readonly SwitchKind[] = [
  'remote-disconnect',
  'remote-reconnect',
  'manual-disconnect',
  'manual-reconnect',
  'local-disconnect',
  'local-reconnect',
];

describe('disconnect control', () => {
  it('knows all modes of the Blue Book', () => {
    expect(MODES.map(([mode]) => mode)).toEqual([...CONTROL_MODES]);
  });

  it.each(MODES)('mode %i switches as the table says', (mode, table) => {
    const seen = Object.fromEntries(
      KINDS.map((kind) => {
        const row = ([0, 1, 2] as const).map((state) => nextState(mode, state, kind) ?? '-');
        return [kind, row.join('')];
      }),
    );
    const expected = Object.fromEntries(KINDS.map((kind) => [kind, table[kind] ?? '---']));
    expect(seen).toEqual(expected);
  });

  it('a stuck contact stays while the state moves', () => {
    const moves: boolean[] = [];
    const relay = new DisconnectControl(4, (closed) => moves.push(closed));
    relay.fault = 'stuck';
    expect(relay.operate('remote-disconnect')).toBe(true);
    expect([relay.state, relay.closed, moves]).toEqual([0, true, []]);
  });
});

describe('ring', () => {
  it('overwrites the oldest and keeps order, at every length', () => {
    for (const capacity of [1, 2, 31, 32, 33, 100]) {
      const ring = new Ring(capacity, 2);
      for (let i = 0; i < 3 * capacity + 1; i += 1) {
        ring.push({ timeS: i, status: i % 200, values: [i, -i] });
        const oldest = Math.max(0, i + 1 - capacity);
        expect(ring.length).toBe(Math.min(i + 1, capacity));
        expect(ring.at(0)).toEqual({
          timeS: oldest,
          status: oldest % 200,
          values: [oldest, -oldest],
        });
        expect(ring.timeAt(ring.length - 1)).toBe(i);
      }
      expect(ring.overwritten).toBe(2 * capacity + 1);
    }
  });
});

describe('clock', () => {
  it('drifts at its rate and can be set', () => {
    const clock = new BenchClock(NOON);
    const own = new MeterClock(clock, { driftPpm: 50, offsetMs: 2_000 });
    clock.move(86_400_000);
    expect(own.nowMs() - clock.nowMs()).toBe(2_000 + 4_320);
    own.set(clock.nowMs());
    expect(own.nowMs()).toBe(clock.nowMs());
  });

  it.each([
    ['2026-03-29T00:59:59Z', -60],
    ['2026-03-29T01:00:00Z', -120],
    ['2026-10-25T00:59:59Z', -120],
    ['2026-10-25T01:00:00Z', -60],
    ['2027-03-28T01:00:00Z', -120],
  ])('shows the deviation of %s', (at, deviation) => {
    const own = new MeterClock(new BenchClock(NOON));
    expect(own.deviationAt(Date.parse(at))).toBe(deviation);
  });
});

describe('metering', () => {
  const at = Date.UTC(2026, 4, 12, 12, 0);

  it('captures the load of the household and tells its log', () => {
    const log = memoryLog();
    const clock = new BenchClock(at);
    const meter = new DlmsMeter({ serial: 'A', seed: 'a', clock, log, historyDays: 0 });
    clock.move(3_600_000);
    meter.metering.advance();
    const home = household('a');
    const truth = [0, 1, 2, 3].map((i) => loadWh(home, at + i * 900_000, 900));
    expect(log.events.map((e) => (e.kind === 'emitted' ? e.value : undefined))).toEqual(truth);
    const total = truth.reduce((sum, wh) => sum + wh, 0);
    expect(meter.metering.totals().importWh).toBe(total);
  });

  it('counts nothing through an open contact and a share where it moved within the period', () => {
    const log = memoryLog();
    const clock = new BenchClock(at);
    const meter = new DlmsMeter({ serial: 'A', seed: 'a', clock, log, historyDays: 0 });
    clock.move(300_000);
    meter.operate('remote-disconnect');
    clock.move(600_000 + 900_000);
    meter.metering.advance();
    const values = log.events.flatMap((e) => (e.kind === 'emitted' ? [e.value] : []));
    expect(values).toEqual([Math.floor(loadWh(household('a'), at, 900) / 3), 0]);
    expect([...breakerOperations(log.events).values()]).toEqual([1]);
  });

  it('registers roll over at their modulus and never run back between captures', () => {
    const clock = new BenchClock(at);
    const options = { serial: 'A', seed: 'a', clock, historyDays: 0, modulusWh: 1_000 };
    const meter = new DlmsMeter({ ...options, startWh: 990 });
    let before = meter.metering.totals().importWh;
    for (let i = 0; i < 60; i += 1) {
      clock.move(61_000);
      const { importWh } = meter.metering.totals();
      expect(importWh).toBeGreaterThanOrEqual(before);
      expect(meter.metering.shown(importWh)).toBe(importWh % 1_000);
      before = importWh;
    }
    expect(before).toBeGreaterThan(1_000);
  });

  it('marks the period in which its clock was set', () => {
    const clock = new BenchClock(at);
    const meter = new DlmsMeter({ serial: 'A', seed: 'a', clock, historyDays: 0 });
    clock.move(900_000 + 60_000);
    meter.metering.setClock(clock.nowMs() + 30_000);
    clock.move(900_000);
    meter.metering.advance();
    const { load } = meter.metering;
    expect(load.length).toBe(2);
    expect(load.at(0).status & PROFILE_STATUS.clockAdjusted).toBe(0);
    expect(load.at(1).status & PROFILE_STATUS.clockAdjusted).not.toBe(0);
  });

  it('the limiter opens the contact at the end of a period above the limit', () => {
    const log = memoryLog();
    const clock = new BenchClock(at);
    const meter = new DlmsMeter({ serial: 'A', seed: 'a', clock, log, historyDays: 0, limitW: 1 });
    clock.move(2 * 900_000);
    meter.metering.advance();
    expect([meter.relay.closed, meter.relay.state]).toEqual([false, 2]);
    const kinds = log.events.map((e) => e.kind);
    expect(kinds).toEqual(['emitted', 'breaker', 'emitted']);
    expect(meter.operate('manual-reconnect')).toBe('done');
    expect(meter.relay.closed).toBe(true);
  });
});
