/** One attribute read or written, one method run: what access results an association gets. */
import { isFault } from '../../../domain/index.ts';
import type {
  AccessResult,
  ActionResult,
  AttributeDescriptor,
  GetResult,
  MethodDescriptor,
  SelectedAttribute,
} from '../../../gateway/protocols/dlms/fields.ts';
import { parseLogicalName } from '../../../gateway/protocols/dlms/schema.ts';
import type { Data } from '../../../gateway/protocols/dlms/types.ts';
import type { DlmsMeter } from '../meter.ts';
import type { Caller, ObjectModel } from '../model.ts';
import { findObject } from '../objects/all.ts';

type Found = { readonly object: ObjectModel } | { readonly error: AccessResult };

function find(caller: Caller, classId: number, instance: string): Found {
  const object = findObject(instance);
  if (object === undefined) return { error: 'object-undefined' };
  if (object.classId !== classId) return { error: 'object-class-inconsistent' };
  if (!object.readers.includes(caller.role)) return { error: 'read-write-denied' };
  return { object };
}

export function getAttribute(
  meter: DlmsMeter,
  caller: Caller,
  wanted: SelectedAttribute,
): GetResult {
  const found = find(caller, wanted.classId, wanted.instance);
  if ('error' in found) return found;
  const { object } = found;
  if (wanted.attributeId === 1) {
    return { data: { type: 'octet-string', value: parseLogicalName(object.instance) } };
  }
  const attribute = object.attributes[wanted.attributeId];
  if (attribute === undefined) return { error: 'object-undefined' };
  if (wanted.selection === undefined) return { data: attribute.get(meter, caller) };
  if (attribute.select === undefined) return { error: 'scope-of-access-violated' };
  try {
    return { data: attribute.select(meter, wanted.selection) };
  } catch (error) {
    if (!isFault(error)) throw error;
    return { error: 'type-unmatched' };
  }
}

export function setAttribute(
  meter: DlmsMeter,
  caller: Caller,
  wanted: AttributeDescriptor,
  data: Data,
): AccessResult {
  const found = find(caller, wanted.classId, wanted.instance);
  if ('error' in found) return found.error;
  const attribute = found.object.attributes[wanted.attributeId];
  if (attribute === undefined) return 'object-undefined';
  const { set } = attribute;
  if (set === undefined || caller.role !== 'management') return 'read-write-denied';
  return shaped(() => set(meter, data));
}

export function runMethod(
  meter: DlmsMeter,
  caller: Caller,
  wanted: MethodDescriptor,
  parameters: Data | undefined,
): ActionResult {
  const found = find(caller, wanted.classId, wanted.instance);
  if ('error' in found) return { result: found.error, returned: undefined };
  const method = found.object.methods?.[wanted.methodId];
  if (method === undefined) return { result: 'object-undefined', returned: undefined };
  if (caller.role !== 'management') return { result: 'read-write-denied', returned: undefined };
  return { result: shaped(() => method(meter, parameters)), returned: undefined };
}

/** Data of another shape than the attribute or method takes. */
function shaped(work: () => AccessResult): AccessResult {
  try {
    return work();
  } catch (error) {
    if (!isFault(error)) throw error;
    return 'type-unmatched';
  }
}
