/** The object list of a meter and what its values mean to people. */
import { formatInstant, LIMITS, parseObis } from '../../domain/index.ts';
import type { DlmsSession } from '../../gateway/drivers/dlms/session.ts';
import { sayScaled } from '../../gateway/drivers/dlms/units.ts';
import { decodeDateTime, instantMs } from '../../gateway/protocols/dlms/datetime.ts';
import { scalerUnit } from '../../gateway/protocols/dlms/profile.ts';
import { formatLogicalName } from '../../gateway/protocols/dlms/schema.ts';
import {
  any,
  anyInteger,
  arrayOf,
  name,
  number,
  structure,
} from '../../gateway/protocols/dlms/shape.ts';
import type { Data } from '../../gateway/protocols/dlms/types.ts';

const integer = anyInteger('integer');
const objectList = arrayOf(
  structure({
    classId: number('long-unsigned'),
    version: number('unsigned'),
    instance: name,
    access: structure({
      attributes: arrayOf(structure({ id: integer, mode: number('enum'), selectors: any })),
      methods: arrayOf(any),
    }),
  }),
);

export interface ListedObject {
  readonly classId: number;
  readonly instance: string;
  /** Attributes that may be read. */
  readonly readable: readonly number[];
}

/** Class 15, attribute 2 of the current association. */
export async function readObjectList(session: DlmsSession): Promise<ListedObject[]> {
  const at = { classId: 15, instance: '0-0:40.0.0', attributeId: 2 };
  const rows = objectList.read(await session.get(at)).slice(0, LIMITS.dlmsObjectsMax);
  return rows.map(({ classId, instance, access }) => ({
    classId,
    instance,
    readable: access.attributes.filter(({ mode }) => (mode & 1) !== 0).map(({ id }) => id),
  }));
}

/** OBIS codes an engineer meets on a residential meter, by their beginning. */
// biome-ignore format: a table reads best with one row a line
const NAMES: readonly [prefix: string, name: string][] = [
  ['0-0:42.0.0', 'logical device name'],
  ['0-0:96.1.0', 'serial number'],
  ['0-0:96.1.1', 'model'],
  ['1-0:0.2.0', 'firmware'],
  ['0-0:1.0.0', 'clock'],
  ['0-0:43.1.', 'invocation counter'],
  ['0-0:96.14.0', 'active tariff'],
  ['0-0:96.10.', 'profile status'],
  ['0-0:96.11.', 'event code'],
  ['0-0:96.7.', 'power failures'],
  ['0-0:97.97.0', 'error register'],
  ['0-0:96.3.10', 'relay'],
  ['0-0:17.0.0', 'limiter'],
  ['1-0:1.8.', 'import, active'],
  ['1-0:2.8.', 'export, active'],
  ['1-0:3.8.', 'import, reactive'],
  ['1-0:4.8.', 'export, reactive'],
  ['1-0:1.29.', 'import of the period'],
  ['1-0:2.29.', 'export of the period'],
  ['1-0:1.7.0', 'power, import'],
  ['1-0:2.7.0', 'power, export'],
  ['1-0:1.6.', 'maximum demand'],
  ['1-0:32.7.0', 'voltage L1'],
  ['1-0:52.7.0', 'voltage L2'],
  ['1-0:72.7.0', 'voltage L3'],
  ['1-0:31.7.0', 'current L1'],
  ['1-0:51.7.0', 'current L2'],
  ['1-0:71.7.0', 'current L3'],
  ['1-0:13.7.0', 'power factor'],
  ['1-0:14.7.0', 'frequency'],
  ['1-0:99.1.0', 'load profile'],
  ['1-0:99.2.0', 'daily profile'],
  ['0-0:98.1.0', 'billing profile'],
  ['0-0:99.98.', 'event log'],
  ['0-0:40.0.', 'association'],
  ['0-0:41.0.0', 'SAP assignment'],
  ['0-0:43.0.', 'security setup'],
  ['0-0:10.0.', 'scripts'],
  ['0-0:22.0.0', 'HDLC setup'],
  ['0-0:25.0.0', 'TCP setup'],
];

export function nameOf(instance: string): string {
  const found = NAMES.find(([prefix]) => instance.startsWith(prefix));
  const tariff = parseObis(instance)?.e ?? 0;
  const energy = found !== undefined && /\.8\.$/.test(found[0]) && tariff > 0;
  return `${found?.[1] ?? ''}${energy ? `, tariff ${tariff}` : ''}`;
}

/** A register's value in its unit, or whatever else the data holds. */
export function sayValue(data: Data, scale: Data | undefined): string {
  if (scale === undefined || !('value' in data)) return sayData(data);
  const { value } = data;
  if (typeof value !== 'number' && typeof value !== 'bigint') return sayData(data);
  return sayScaled(value, scalerUnit.read(scale));
}

export function sayData(data: Data): string {
  switch (data.type) {
    case 'null-data':
    case 'dont-care':
      return '-';
    case 'octet-string':
    case 'date-time':
      return sayOctets(data.value);
    case 'date':
    case 'time':
      return Buffer.from(data.value).toString('hex');
    case 'array':
      return `[${data.value.map(sayData).join(', ')}]`;
    case 'compact-array':
    case 'structure':
      return `{${data.value.map(sayData).join(', ')}}`;
    default:
      return String(data.value);
  }
}

/** Octets are dates, names or text as often as they are octets. */
function sayOctets(octets: Uint8Array): string {
  if (octets.length === 12) {
    const time = decodeDateTime(octets);
    const at = instantMs(time, 0);
    if (at !== undefined) {
      const zone = time.deviationMinutes === undefined ? ' (zone unknown)' : '';
      return `${formatInstant(at)}${zone}`;
    }
  }
  if (octets.length === 6 && octets[5] === 0xff) return formatLogicalName(octets);
  const text = Buffer.from(octets).toString('latin1');
  return /^[\x20-\x7e]+$/.test(text) ? text : Buffer.from(octets).toString('hex');
}
