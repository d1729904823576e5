/** Disconnect control (70), its script table (9), limiter (71), clock (8). */
import { LIMITS } from '../../../domain/index.ts';
import { encodeDateTime, instantMs } from '../../../gateway/protocols/dlms/datetime.ts';
import type { AccessResult } from '../../../gateway/protocols/dlms/fields.ts';
import { parseLogicalName } from '../../../gateway/protocols/dlms/schema.ts';
import { dateTime, number } from '../../../gateway/protocols/dlms/shape.ts';
import type { Data } from '../../../gateway/protocols/dlms/types.ts';
import { CONTROL_MODES, type ControlMode } from '../disconnect-control.ts';
import type { DlmsMeter } from '../meter.ts';
import {
  array,
  choice,
  EVERYBODY,
  flag,
  i8,
  i16,
  type ObjectModel,
  octets,
  READERS,
  structure,
  u8,
  u16,
  u32,
} from '../model.ts';

export const RELAY = '0-0:96.3.10';

function remote(meter: DlmsMeter, kind: 'remote-disconnect' | 'remote-reconnect'): AccessResult {
  const outcome = meter.operate(kind);
  if (outcome === 'done') return 'success';
  return outcome === 'hardware-fault' ? 'hardware-fault' : 'other-reason';
}

const DISCONNECT_CONTROL: ObjectModel = {
  classId: 70,
  version: 0,
  instance: RELAY,
  readers: READERS,
  attributes: {
    2: { get: (m) => flag(afterAdvance(m).relay.closed) },
    3: { get: (m) => choice(afterAdvance(m).relay.state) },
    4: { get: (m) => choice(m.relay.mode), set: setMode },
  },
  methods: {
    1: (m) => remote(m, 'remote-disconnect'),
    2: (m) => remote(m, 'remote-reconnect'),
  },
};

/** The limiter may have opened the contact at the end of a period. */
function afterAdvance(meter: DlmsMeter): DlmsMeter {
  meter.metering.advance();
  return meter;
}

function setMode(meter: DlmsMeter, data: Data): AccessResult {
  const mode = number('enum').read(data);
  if (!(CONTROL_MODES as readonly number[]).includes(mode)) return 'other-reason';
  meter.relay.mode = mode as ControlMode;
  return 'success';
}

const SCRIPTS = '0-0:10.0.106';
const NO_PARAMETER = i8(0);

function script(id: number, method: number): Data {
  const target = octets(parseLogicalName(RELAY));
  return structure(
    u16(id),
    array([structure(choice(2), u16(70), target, i8(method), NO_PARAMETER)]),
  );
}

const SCRIPT_TABLE: ObjectModel = {
  classId: 9,
  version: 0,
  instance: SCRIPTS,
  readers: READERS,
  attributes: { 2: { get: () => array([script(1, 1), script(2, 2)]) } },
  methods: {
    1: (m, parameters) => {
      if (parameters === undefined) return 'type-unmatched';
      const id = number('long-unsigned').read(parameters);
      if (id === 1) return remote(m, 'remote-disconnect');
      return id === 2 ? remote(m, 'remote-reconnect') : 'object-unavailable';
    },
  },
};

const noScript = (): Data => structure(octets(new Uint8Array(6)), u16(0));

const LIMITER: ObjectModel = {
  classId: 71,
  version: 0,
  instance: '0-0:17.0.0',
  readers: READERS,
  attributes: {
    2: { get: () => structure(u16(3), octets(parseLogicalName('1-0:1.7.0')), i8(2)) },
    3: { get: (m) => u32(m.limitW) },
    4: {
      get: (m) => u32(m.limitW),
      set: (m, data) => {
        m.metering.advance();
        m.limitW = number('double-long-unsigned').read(data);
        return 'success';
      },
    },
    5: { get: () => u32(0) },
    6: { get: (m) => u32(m.metering.periodS) },
    7: { get: () => u32(0) },
    8: { get: () => structure(u16(0), octets(new Uint8Array(12)), u32(0)) },
    9: { get: () => array([]) },
    10: { get: () => flag(false) },
    11: {
      get: () => structure(structure(octets(parseLogicalName(SCRIPTS)), u16(1)), noScript()),
    },
  },
};

/** Blue Book, 4.5.1: shift_time moves by no more than this many seconds. */
const SHIFT_S_MAX = 900;

const CLOCK: ObjectModel = {
  classId: 8,
  version: 0,
  instance: '0-0:1.0.0',
  readers: EVERYBODY,
  attributes: {
    2: { get: (m) => octets(encodeDateTime(m.clock.dateTimeAt(m.clock.nowMs()))), set: setClock },
    3: { get: (m) => i16(-m.clock.zoneMinutes) },
    4: { get: (m) => u8(m.clock.dateTimeAt(m.clock.nowMs()).status ?? 0xff) },
    5: { get: () => octets(sunday(3, 2)) },
    6: { get: () => octets(sunday(10, 3)) },
    7: { get: () => i8(60) },
    8: { get: (m) => flag(m.clock.daylightSaving) },
    9: { get: () => choice(1) },
  },
  methods: {
    6: (m, parameters) => {
      if (parameters === undefined) return 'type-unmatched';
      const seconds = number('long').read(parameters);
      if (Math.abs(seconds) > SHIFT_S_MAX) return 'other-reason';
      m.metering.setClock(m.clock.nowMs() + seconds * 1_000);
      return 'success';
    },
  },
};

/** Further away nobody means it: the profiles would be lost. */
function setClock(meter: DlmsMeter, data: Data): AccessResult {
  const deviation = meter.clock.deviationAt(meter.clock.nowMs());
  const ms = instantMs(dateTime.read(data), deviation);
  if (ms === undefined) return 'type-unmatched';
  if (Math.abs(ms - meter.clock.nowMs()) > LIMITS.tooOldMs) return 'other-reason';
  meter.metering.setClock(ms);
  return 'success';
}

/** The last Sunday of a month at an hour of local time, every year. */
function sunday(month: number, hour: number): Uint8Array {
  return encodeDateTime({
    year: undefined,
    month,
    dayOfMonth: 'last',
    dayOfWeek: 7,
    hour,
    minute: 0,
    second: 0,
    hundredths: 0,
    deviationMinutes: undefined,
    status: undefined,
  });
}

export const CONTROLS: readonly ObjectModel[] = [CLOCK, DISCONNECT_CONTROL, SCRIPT_TABLE, LIMITER];
