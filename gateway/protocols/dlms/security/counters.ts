/**
 * Invocation counters (Green Book, 9.2.3.3.7.3): one for each key, direction and sender. They
 * only ever grow; the same counter twice under one key breaks AES-GCM. The state is the caller's.
 */
import { Fault } from '../../../../domain/index.ts';

const COUNTER_MAX = 0xffffffff;

/** Nothing accepted yet: a first counter of 0 is legal. */
export const NO_COUNTER = -1;

/** The counter to use after `last`; store it before sending. Throws DLMS_COUNTER_SPENT. */
export function nextInvocationCounter(last: number): number {
  if (last >= COUNTER_MAX) throw new Fault('DLMS_COUNTER_SPENT');
  return last + 1;
}

/** The new last accepted counter. Throws DLMS_REPLAY when it is not above the last one. */
export function acceptInvocationCounter(last: number, received: number): number {
  if (received > last) return received;
  throw new Fault('DLMS_REPLAY', { given: received, last });
}
