/** Profile generic, class 7: load profile, daily billing values, event log. */
import { Fault } from '../../../domain/index.ts';
import { encodeDateTime, instantMs } from '../../../gateway/protocols/dlms/datetime.ts';
import type { Selection } from '../../../gateway/protocols/dlms/fields.ts';
import {
  type CaptureObject,
  captureObject,
  captureObjects,
  readSelection,
} from '../../../gateway/protocols/dlms/profile.ts';
import type { Data } from '../../../gateway/protocols/dlms/types.ts';
import type { DlmsMeter } from '../meter.ts';
import { array, choice, type ObjectModel, octets, READERS, u8, u32 } from '../model.ts';
import type { Ring, RingEntry } from '../ring.ts';

interface Column {
  readonly captures: CaptureObject;
  readonly cell: (entry: RingEntry, meter: DlmsMeter) => Data;
}

interface ProfileModel {
  readonly ring: (meter: DlmsMeter) => Ring;
  readonly columns: (meter: DlmsMeter) => readonly Column[];
  readonly periodS: (meter: DlmsMeter) => number;
}

function column(classId: number, instance: string, cell: Column['cell']): Column {
  return { captures: { classId, instance, attributeId: 2, dataIndex: 0 }, cell };
}

const CLOCK = column(8, '0-0:1.0.0', (entry, meter) =>
  octets(encodeDateTime(meter.clock.dateTimeAt(entry.timeS * 1_000))),
);
const STATUS = column(1, '0-0:96.10.1', (entry) => u8(entry.status));
const value = (classId: number, instance: string, index: number) =>
  column(classId, instance, (entry) => u32(entry.values[index] as number));

const LOAD_OF_REGISTERS = [CLOCK, STATUS, value(3, '1-0:1.8.0', 0), value(3, '1-0:2.8.0', 1)];
const LOAD_OF_PERIODS = [CLOCK, STATUS, value(3, '1-0:1.29.0', 2), value(3, '1-0:2.29.0', 3)];
const DAILY = [
  CLOCK,
  STATUS,
  value(3, '1-0:1.8.1', 0),
  value(3, '1-0:1.8.2', 1),
  value(3, '1-0:2.8.0', 2),
];
const EVENTS = [CLOCK, column(1, '0-0:96.11.0', (entry) => u8(entry.values[0] as number))];
const DAY_S = 86_400;

/** Rows `from`..`to` of the ring (both included), only the chosen columns. */
function rows(
  model: ProfileModel,
  meter: DlmsMeter,
  from: number,
  to: number,
  columns = model.columns(meter),
): Data {
  const ring = model.ring(meter);
  const periodS = model.periodS(meter);
  const out: Data[] = [];
  for (let i = from; i <= to; i += 1) {
    const entry = ring.at(i);
    const follows = i > from && periodS > 0 && entry.timeS - ring.timeAt(i - 1) === periodS;
    const leaveOut = meter.nullClocks && follows;
    out.push({
      type: 'structure',
      value: columns.map((c) =>
        c === CLOCK && leaveOut ? { type: 'null-data' } : c.cell(entry, meter),
      ),
    });
  }
  return array(out);
}

function select(model: ProfileModel, meter: DlmsMeter, selection: Selection): Data {
  const ring = model.ring(meter);
  const all = model.columns(meter);
  const wanted = readSelection(selection);
  if (wanted.kind === 'entries') {
    const { fromEntry, toEntry, fromColumn, toColumn } = wanted;
    const columns = all.slice(fromColumn - 1, toColumn === 0 ? all.length : toColumn);
    const last = toEntry === 0 ? ring.length : Math.min(toEntry, ring.length);
    if (fromEntry < 1 || fromColumn < 1 || columns.length === 0) throw refused('entry 0');
    return rows(model, meter, fromEntry - 1, last - 1, columns);
  }
  const from = instantMs(wanted.from, meter.clock.deviationAt(meter.clock.nowMs()));
  const to = instantMs(wanted.to, meter.clock.deviationAt(meter.clock.nowMs()));
  const { restrictingObject, selectedValues } = wanted;
  if (restrictingObject.classId !== 8 || from === undefined || to === undefined) {
    throw refused('restricting object other than the clock');
  }
  const columns = selectedValues.length === 0 ? all : selectedValues.map((v) => find(all, v));
  const out: Data[] = [];
  // A clock that was set back leaves stretches out of order: each is answered as it lies there.
  for (let i = 0; i < ring.length; i += 1) {
    const at = ring.timeAt(i) * 1_000;
    if (at < from || at > to) continue;
    let end = i;
    while (end + 1 < ring.length && within(ring.timeAt(end + 1) * 1_000, from, to)) end += 1;
    out.push(...(rows(model, meter, i, end, columns) as { value: readonly Data[] }).value);
    i = end;
  }
  return array(out);
}

function within(at: number, from: number, to: number): boolean {
  return at >= from && at <= to;
}

function find(columns: readonly Column[], wanted: CaptureObject): Column {
  const found = columns.find(
    ({ captures: c }) =>
      c.classId === wanted.classId &&
      c.instance === wanted.instance &&
      c.attributeId === wanted.attributeId,
  );
  if (found === undefined) throw refused(`${wanted.instance} is not captured`);
  return found;
}

function refused(detail: string): Fault {
  return new Fault('DLMS_VALUE', { what: 'selection', detail });
}

function profile(instance: string, model: ProfileModel): ObjectModel {
  const caughtUp = (meter: DlmsMeter): Ring => {
    meter.metering.advance();
    return model.ring(meter);
  };
  return {
    classId: 7,
    version: 1,
    instance,
    readers: READERS,
    attributes: {
      2: {
        get: (m) => rows(model, m, 0, caughtUp(m).length - 1),
        select: (m, selection) => {
          caughtUp(m);
          return select(model, m, selection);
        },
      },
      3: { get: (m) => captureObjects.write(model.columns(m).map((c) => c.captures)) },
      4: { get: (m) => u32(model.periodS(m)) },
      5: { get: () => choice(1) },
      6: { get: () => captureObject.write(CLOCK.captures) },
      7: { get: (m) => u32(caughtUp(m).length) },
      8: { get: (m) => u32(model.ring(m).capacity) },
    },
    methods: {
      1: (m) => {
        caughtUp(m).clear();
        return 'success';
      },
    },
  };
}

export const PROFILES: readonly ObjectModel[] = [
  profile('1-0:99.1.0', {
    ring: (m) => m.metering.load,
    columns: (m) => (m.captures === 'registers' ? LOAD_OF_REGISTERS : LOAD_OF_PERIODS),
    periodS: (m) => m.metering.periodS,
  }),
  profile('1-0:99.2.0', {
    ring: (m) => m.metering.daily,
    columns: () => DAILY,
    periodS: () => DAY_S,
  }),
  profile('0-0:99.98.0', {
    ring: (m) => m.metering.events,
    columns: () => EVENTS,
    periodS: () => 0,
  }),
];
