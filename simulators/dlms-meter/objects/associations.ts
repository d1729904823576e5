/** Association objects with their object lists (15), SAP assignment (17), security setup (64). */
import { APPLICATION_CONTEXTS, MECHANISMS } from '../../../gateway/protocols/dlms/acse.ts';
import { parseLogicalName } from '../../../gateway/protocols/dlms/schema.ts';
import type { Data } from '../../../gateway/protocols/dlms/types.ts';
import { CLIENTS, type ClientModel, clientOf } from '../clients.ts';
import type { DlmsMeter } from '../meter.ts';
import {
  array,
  type Caller,
  choice,
  EVERYBODY,
  i8,
  MANAGEMENT,
  type ObjectModel,
  octets,
  structure,
  text,
  u8,
  u16,
} from '../model.ts';

const ASSOCIATED = 2;
const SUITE_0 = 0;
/** security_policy of version 0: authenticated and encrypted. */
const POLICY_AE = 3;

const ACCESS = { none: 0, read: 1, write: 2, readWrite: 3 } as const;

/** A row of object_list: what the client may do with each attribute and method. */
function listed(model: ObjectModel, client: ClientModel): Data {
  const writes = client.role === 'management';
  const attributes = Object.entries(model.attributes).map(([id, { set, select }]) => {
    const access = set !== undefined && writes ? ACCESS.readWrite : ACCESS.read;
    const selectors = select === undefined ? nothing : array([i8(1), i8(2)]);
    return structure(i8(Number(id)), choice(access), selectors);
  });
  const methods = Object.keys(model.methods ?? {}).map((id) =>
    structure(i8(Number(id)), choice(writes ? 1 : 0)),
  );
  return structure(
    u16(model.classId),
    u8(model.version),
    octets(parseLogicalName(model.instance)),
    structure(
      array([structure(i8(1), choice(ACCESS.read), nothing), ...attributes]),
      array(methods),
    ),
  );
}

const nothing: Data = { type: 'null-data' };

/** @param all every object of the meter, these here included */
export function associationObjects(all: () => readonly ObjectModel[]): readonly ObjectModel[] {
  const visible = (client: ClientModel) => all().filter((o) => o.readers.includes(client.role));
  return [
    association('0-0:40.0.0', EVERYBODY, (caller) => clientOf(caller.clientSap) as ClientModel),
    ...CLIENTS.map((client) =>
      association(`0-0:40.0.${client.association}`, MANAGEMENT, () => client),
    ),
  ];

  function association(
    instance: string,
    readers: ObjectModel['readers'],
    of: (caller: Caller) => ClientModel,
  ): ObjectModel {
    return {
      classId: 15,
      version: 1,
      instance,
      readers,
      attributes: {
        2: { get: (_, c) => array(visible(of(c)).map((o) => listed(o, of(c)))) },
        3: { get: (_, c) => structure(i8(of(c).sap), u16(c.serverSap)) },
        4: { get: (_, c) => octets(oid(1, APPLICATION_CONTEXTS[of(c).context])) },
        5: { get: contextInfo },
        6: { get: (_, c) => octets(oid(2, MECHANISMS[of(c).mechanism])) },
        8: { get: (_, c) => choice(of(c).sap === c.clientSap ? ASSOCIATED : 0) },
        9: { get: () => octets(parseLogicalName('0-0:43.0.0')) },
      },
    };
  }
}

function oid(arc: number, last: number): Uint8Array {
  return Uint8Array.of(0x60, 0x85, 0x74, 0x05, 0x08, arc, last);
}

function contextInfo(meter: DlmsMeter, caller: Caller): Data {
  const bits = (caller.conformance & 0xffffff).toString(2).padStart(24, '0');
  return structure(
    { type: 'bit-string', value: bits },
    u16(meter.maxPduOctets),
    u16(caller.clientMaxPdu),
    u8(6),
    i8(0),
    octets(new Uint8Array(0)),
  );
}

export const SAP_ASSIGNMENT: ObjectModel = {
  classId: 17,
  version: 0,
  instance: '0-0:41.0.0',
  readers: EVERYBODY,
  attributes: {
    2: {
      get: (m, c) => array([structure(u16(c.serverSap), text(logicalDeviceName(m)))]),
    },
  },
};

/** Up to 16 octets, the maker's three letters first (IEC 62056-6-2, logical device name). */
export function logicalDeviceName(meter: DlmsMeter): string {
  return `MLN${meter.serial}`.slice(0, 16);
}

export const SECURITY_SETUP: ObjectModel = {
  classId: 64,
  version: 0,
  instance: '0-0:43.0.0',
  readers: MANAGEMENT,
  attributes: {
    2: { get: () => choice(POLICY_AE) },
    3: { get: () => choice(SUITE_0) },
    4: { get: (_, c) => octets(c.clientTitle ?? new Uint8Array(0)) },
    5: { get: (m) => octets(m.secrets.systemTitle) },
  },
};
