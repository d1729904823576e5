/** Fields that several services share (Green Book, 9.5, "COSEMpdu" module). */
import {
  choice,
  data,
  type Field,
  i8,
  invalid,
  logicalName,
  named,
  octets,
  optional,
  struct,
  u8,
  u16,
} from './schema.ts';

/** Invoke-Id-And-Priority: bits 0-3 id, 6 confirmed, 7 high priority. */
export interface Invoke {
  readonly id: number;
  readonly confirmed: boolean;
  readonly highPriority: boolean;
}

export const invoke: Field<Invoke> = {
  read: (reader) => {
    const octet = reader.u8('invoke-id-and-priority');
    const confirmed = (octet & 0x40) !== 0;
    return { id: octet & 0x0f, confirmed, highPriority: (octet & 0x80) !== 0 };
  },
  write: (writer, { id, confirmed, highPriority }) => {
    if (!Number.isInteger(id) || id < 0 || id > 15) throw invalid('invoke id', `${id}`);
    writer.u8(id | (confirmed ? 0x40 : 0) | (highPriority ? 0x80 : 0));
  },
};

/** Long-Invoke-Id-And-Priority: 24 bits id, 28..31 the flags below. */
export interface LongInvoke {
  readonly id: number;
  readonly selfDescriptive: boolean;
  readonly breakOnError: boolean;
  readonly confirmed: boolean;
  readonly highPriority: boolean;
}

export const longInvoke: Field<LongInvoke> = {
  read: (reader) => {
    const word = reader.u32('long-invoke-id-and-priority');
    return {
      id: word & 0xffffff,
      selfDescriptive: (word & 0x10000000) !== 0,
      breakOnError: (word & 0x20000000) !== 0,
      confirmed: (word & 0x40000000) !== 0,
      highPriority: word >= 0x80000000,
    };
  },
  write: (writer, value) => {
    const { id } = value;
    if (!Number.isInteger(id) || id < 0 || id > 0xffffff) throw invalid('long invoke id', `${id}`);
    const flags =
      (value.selfDescriptive ? 0x10000000 : 0) +
      (value.breakOnError ? 0x20000000 : 0) +
      (value.confirmed ? 0x40000000 : 0) +
      (value.highPriority ? 0x80000000 : 0);
    writer.u32(flags + id);
  },
};

/** Cosem-Attribute-Descriptor. */
export const attribute = struct({ classId: u16, instance: logicalName, attributeId: i8 });
/** Cosem-Method-Descriptor. */
export const method = struct({ classId: u16, instance: logicalName, methodId: i8 });
/** Selective-Access-Descriptor: what it means is the class's matter (Blue Book, profile generic). */
export const selection = optional(struct({ selector: u8, parameters: data }));
/** Cosem-Attribute-Descriptor-With-Selection. */
export const selectedAttribute = struct({
  classId: u16,
  instance: logicalName,
  attributeId: i8,
  selection,
});

export type AttributeDescriptor = ReturnType<typeof attribute.read>;
export type MethodDescriptor = ReturnType<typeof method.read>;
export type SelectedAttribute = ReturnType<typeof selectedAttribute.read>;
export type Selection = NonNullable<ReturnType<typeof selection.read>>;

/** Data-Access-Result; Action-Result uses the same codes up to 250. */
export const ACCESS_RESULTS = {
  success: 0,
  'hardware-fault': 1,
  'temporary-failure': 2,
  'read-write-denied': 3,
  'object-undefined': 4,
  'object-class-inconsistent': 9,
  'object-unavailable': 11,
  'type-unmatched': 12,
  'scope-of-access-violated': 13,
  'data-block-unavailable': 14,
  'long-get-aborted': 15,
  'no-long-get-in-progress': 16,
  'long-set-aborted': 17,
  'no-long-set-in-progress': 18,
  'data-block-number-invalid': 19,
  'other-reason': 250,
} as const;

export const accessResult = named('access result', ACCESS_RESULTS);
export type AccessResult = ReturnType<typeof accessResult.read>;

/** Get-Data-Result. */
export const getResult = choice('get-data-result', { data: [0, data], error: [1, accessResult] });
export type GetResult = ReturnType<typeof getResult.read>;

/** Action-Response-With-Optional-Data. */
export const actionResult = struct({ result: accessResult, returned: optional(getResult) });
export type ActionResult = ReturnType<typeof actionResult.read>;

/** DataBlock-G result: raw octets of the whole answer, cut anywhere, or why there are none. */
export const blockResult = choice('datablock', { rawData: [0, octets], error: [1, accessResult] });

/** A date-time with its length in front, 00 when there is none. */
export const optionalDateTime: Field<Uint8Array | undefined> = {
  read: (reader) => {
    const bytes = reader.octets('date-time');
    if (bytes.length === 0) return undefined;
    if (bytes.length !== 12) throw invalid('date-time', `${bytes.length} octets`);
    return bytes;
  },
  write: (writer, value) => {
    if (value !== undefined && value.length !== 12) {
      throw invalid('date-time', `${value.length} octets`);
    }
    writer.octets(value ?? new Uint8Array(0));
  },
};
