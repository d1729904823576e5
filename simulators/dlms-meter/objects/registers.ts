/** Registers, class 3, and the maximum demand, class 4: totals, power, voltage, current. */
import { encodeDateTime } from '../../../gateway/protocols/dlms/datetime.ts';
import type { Data } from '../../../gateway/protocols/dlms/types.ts';
import { hash32 } from '../../random.ts';
import type { DlmsMeter } from '../meter.ts';
import type { Totals } from '../metering.ts';
import {
  choice,
  i8,
  type ObjectModel,
  octets,
  READERS,
  structure,
  u8,
  u16,
  u32,
} from '../model.ts';

/** Blue Book, table 4. */
export const UNIT = { W: 27, var: 29, Wh: 30, varh: 32, A: 33, V: 35, Hz: 44, none: 255 } as const;

type Value = (meter: DlmsMeter) => Data;

function register(instance: string, scaler: number, unit: number, value: Value): ObjectModel {
  return {
    classId: 3,
    version: 0,
    instance,
    readers: READERS,
    attributes: {
      2: { get: value },
      3: { get: () => structure(i8(scaler), choice(unit)) },
    },
  };
}

function total(instance: string, unit: number, of: keyof Totals): ObjectModel {
  return register(instance, 0, unit, (m) => u32(m.metering.shown(m.metering.totals()[of])));
}

/** Volts of a phase, tenths: steady within a minute. */
function tenthVolts(meter: DlmsMeter, phase: number): number {
  const minute = Math.floor(meter.clock.nowMs() / 60_000);
  return 2_280 + (hash32(`${meter.serial}/${phase}/${minute}`) % 60);
}

/** Hundredths of an ampere: a third of the power on each phase. */
function hundredthAmps(meter: DlmsMeter, phase: number): number {
  const { importW } = meter.metering.powerW();
  return Math.round((importW * 1_000) / 3 / tenthVolts(meter, phase));
}

const PHASES = [1, 2, 3] as const;

export const MAX_DEMAND: ObjectModel = {
  classId: 4,
  version: 0,
  instance: '1-0:1.6.0',
  readers: READERS,
  attributes: {
    2: { get: (m) => u32(m.metering.maxDemand.powerW) },
    3: { get: () => structure(i8(0), choice(UNIT.W)) },
    4: { get: () => u8(0) },
    5: {
      get: (m) => octets(encodeDateTime(m.clock.dateTimeAt(m.metering.maxDemand.atMs))),
    },
  },
  methods: {
    1: (meter) => {
      meter.metering.resetMaxDemand();
      return 'success';
    },
  },
};

export const REGISTERS: readonly ObjectModel[] = [
  total('1-0:1.8.0', UNIT.Wh, 'importWh'),
  total('1-0:1.8.1', UNIT.Wh, 'peakWh'),
  total('1-0:1.8.2', UNIT.Wh, 'offPeakWh'),
  total('1-0:2.8.0', UNIT.Wh, 'exportWh'),
  total('1-0:3.8.0', UNIT.varh, 'reactiveVarh'),
  register('1-0:4.8.0', 0, UNIT.varh, () => u32(0)),
  // Energy of the period that ended last; what the load profile captures in its `periods` form.
  register('1-0:1.29.0', 0, UNIT.Wh, (m) => u32(lastPeriod(m, 2))),
  register('1-0:2.29.0', 0, UNIT.Wh, (m) => u32(lastPeriod(m, 3))),
  register('1-0:1.7.0', 0, UNIT.W, (m) => u32(m.metering.powerW().importW)),
  register('1-0:2.7.0', 0, UNIT.W, (m) => u32(m.metering.powerW().exportW)),
  ...PHASES.map((phase) =>
    register(`1-0:${12 + 20 * phase}.7.0`, -1, UNIT.V, (m) => u16(tenthVolts(m, phase))),
  ),
  ...PHASES.map((phase) =>
    register(`1-0:${11 + 20 * phase}.7.0`, -2, UNIT.A, (m) => u16(hundredthAmps(m, phase))),
  ),
  register('1-0:13.7.0', -3, UNIT.none, () => u16(980)),
  register('1-0:14.7.0', -2, UNIT.Hz, () => u16(5_000)),
  MAX_DEMAND,
];

function lastPeriod(meter: DlmsMeter, column: number): number {
  meter.metering.advance();
  const { load } = meter.metering;
  return load.length === 0 ? 0 : (load.at(load.length - 1).values[column] as number);
}
