/**
 * COSEM objects as tables of functions over a meter: one model for all meters of a process, so
 * that a meter costs only its state.
 */
import type { AccessResult, Selection } from '../../gateway/protocols/dlms/fields.ts';
import type { Data } from '../../gateway/protocols/dlms/types.ts';
import type { DlmsMeter } from './meter.ts';

/** Who asks: client 16, 2 or 1. */
export type ClientRole = 'public' | 'reading' | 'management';

/** What an object may know of the association that asks. */
export interface Caller {
  readonly role: ClientRole;
  readonly clientSap: number;
  readonly serverSap: number;
  readonly conformance: number;
  readonly clientMaxPdu: number;
  readonly clientTitle: Uint8Array | undefined;
}

export interface AttributeModel {
  readonly get: (meter: DlmsMeter, caller: Caller) => Data;
  /** Selective access; absent = not offered. Throws a Fault for selections that make no sense. */
  readonly select?: (meter: DlmsMeter, selection: Selection) => Data;
  /** For the management client. Throws a Fault for data of another shape. */
  readonly set?: (meter: DlmsMeter, data: Data) => AccessResult;
}

/** For the management client. */
export type MethodModel = (meter: DlmsMeter, parameters: Data | undefined) => AccessResult;

export interface ObjectModel {
  readonly classId: number;
  readonly version: number;
  readonly instance: string;
  readonly readers: readonly ClientRole[];
  /** By number; attribute 1, the logical name, is added for all. */
  readonly attributes: Readonly<Record<number, AttributeModel>>;
  readonly methods?: Readonly<Record<number, MethodModel>>;
}

export const EVERYBODY: readonly ClientRole[] = ['public', 'reading', 'management'];
export const READERS: readonly ClientRole[] = ['reading', 'management'];
export const MANAGEMENT: readonly ClientRole[] = ['management'];

export const u8 = (value: number): Data => ({ type: 'unsigned', value });
export const u16 = (value: number): Data => ({ type: 'long-unsigned', value });
export const u32 = (value: number): Data => ({ type: 'double-long-unsigned', value });
export const i8 = (value: number): Data => ({ type: 'integer', value });
export const i16 = (value: number): Data => ({ type: 'long', value });
export const choice = (value: number): Data => ({ type: 'enum', value });
export const flag = (value: boolean): Data => ({ type: 'boolean', value });
export const octets = (value: Uint8Array): Data => ({ type: 'octet-string', value });
export const text = (value: string): Data => octets(Buffer.from(value, 'latin1'));
export const structure = (...value: readonly Data[]): Data => ({ type: 'structure', value });
export const array = (value: readonly Data[]): Data => ({ type: 'array', value });

/** An object of which only the value may be read. */
export function dataObject(
  instance: string,
  get: AttributeModel['get'],
  readers: readonly ClientRole[] = READERS,
): ObjectModel {
  return { classId: 1, version: 0, instance, readers, attributes: { 2: { get } } };
}
