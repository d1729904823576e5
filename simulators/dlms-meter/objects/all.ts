/** Every object of the meter, found by class and logical name. */
import { LIMITS } from '../../../domain/index.ts';
import {
  dataObject,
  EVERYBODY,
  i8,
  type ObjectModel,
  octets,
  READERS,
  text,
  u8,
  u16,
  u32,
} from '../model.ts';
import {
  associationObjects,
  logicalDeviceName,
  SAP_ASSIGNMENT,
  SECURITY_SETUP,
} from './associations.ts';
import { CONTROLS } from './control.ts';
import { PROFILES } from './profiles.ts';
import { REGISTERS } from './registers.ts';

const DATA: readonly ObjectModel[] = [
  dataObject('0-0:42.0.0', (m) => text(logicalDeviceName(m)), EVERYBODY),
  dataObject('0-0:96.1.0', (m) => text(m.serial), EVERYBODY),
  dataObject('0-0:96.1.1', () => text('simulated residential meter')),
  dataObject('1-0:0.2.0', () => text('1.0')),
  // The last counter taken; the next must be above it. Nothing taken yet shows as 0.
  dataObject('0-0:43.1.0', (m) => u32(Math.max(0, m.clientCounter)), EVERYBODY),
  dataObject('0-0:96.14.0', (m) => u8(isPeak(m.clock.localHour(m.clock.nowMs())) ? 1 : 2)),
  dataObject('0-0:96.10.1', () => u8(0)),
  dataObject('0-0:96.11.0', (m) => u8(lastEvent(m.metering.events))),
  dataObject('0-0:96.7.21', () => u16(0)),
  dataObject('0-0:97.97.0', () => u32(0)),
];

const SETUP: readonly ObjectModel[] = [
  {
    classId: 23,
    version: 1,
    instance: '0-0:22.0.0',
    readers: READERS,
    attributes: {
      2: { get: () => ({ type: 'enum', value: 5 }) },
      3: { get: () => u8(1) },
      4: { get: () => u8(1) },
      5: { get: () => u16(HDLC_INFO_OCTETS) },
      6: { get: () => u16(HDLC_INFO_OCTETS) },
      7: { get: () => u16(25) },
      8: { get: () => u16(LIMITS.hdlcInactivityMs / 1_000) },
      9: { get: (_, c) => u16(c.serverSap) },
    },
  },
  {
    classId: 41,
    version: 0,
    instance: '0-0:25.0.0',
    readers: READERS,
    attributes: {
      2: { get: () => u16(4_059) },
      3: { get: () => octets(new Uint8Array(6)) },
      4: { get: () => u16(1_280) },
      5: { get: () => i8(1) },
      6: { get: () => u16(180) },
    },
  },
];

/** Information field the meter takes and gives in one HDLC frame. */
export const HDLC_INFO_OCTETS = 512;

export const OBJECTS: readonly ObjectModel[] = [
  ...DATA,
  ...CONTROLS,
  ...REGISTERS,
  ...PROFILES,
  SAP_ASSIGNMENT,
  SECURITY_SETUP,
  ...SETUP,
  ...associationObjects(() => OBJECTS),
];

const BY_NAME = new Map(OBJECTS.map((object) => [object.instance, object]));

export function findObject(instance: string): ObjectModel | undefined {
  return BY_NAME.get(instance);
}

function isPeak(hour: number): boolean {
  return hour >= 7 && hour < 21;
}

function lastEvent(events: {
  readonly length: number;
  at(i: number): { values: readonly number[] };
}) {
  return events.length === 0 ? 0 : (events.at(events.length - 1).values[0] as number);
}
