/**
 * Disconnect control, class 70. What the method answers says only that it was taken: where the
 * contact stands is read back, always. A time-out is `indeterminate`; nothing is sent twice.
 */
import { type BreakerState, Fault, isFault } from '../../../domain/index.ts';
import { bool, number } from '../../protocols/dlms/shape.ts';
import type { DlmsSession } from './session.ts';

export const RELAY_INSTANCE = '0-0:96.3.10';
const CLASS = 70;
const METHODS = { disconnect: 1, connect: 2 } as const;
export type RelayAction = keyof typeof METHODS;

export interface RelayState {
  /** The contact. */
  readonly output: BreakerState;
  /** The logical state. */
  readonly control: BreakerState;
  /** Which ways of switching the meter is configured for (Blue Book, 4.5.8). */
  readonly mode: number;
}

const CONTROL: readonly BreakerState[] = ['open', 'closed', 'ready'];

export async function readRelay(
  session: DlmsSession,
  instance: string = RELAY_INSTANCE,
): Promise<RelayState> {
  const [output, control, mode] = await session.getList(
    [2, 3, 4].map((attributeId) => ({
      classId: CLASS,
      instance,
      attributeId,
      selection: undefined,
    })),
  );
  const value = (result: typeof output, attribute: number) => {
    if (result !== undefined && 'data' in result) return result.data;
    const what = `GET ${CLASS}/${instance}/${attribute}`;
    throw new Fault('DLMS_ACCESS', { what, result: result?.error ?? 'nothing' });
  };
  return {
    output: bool.read(value(output, 2)) ? 'closed' : 'open',
    control: CONTROL[number('enum').read(value(control, 3))] ?? 'unknown',
    mode: number('enum').read(value(mode, 4)),
  };
}

/**
 * Asks the meter to switch, once. `taken`: the method answered success. `refused`: it answered
 * otherwise. `unknown`: it may have reached the meter and nobody can tell.
 */
export async function switchRelay(
  session: DlmsSession,
  action: RelayAction,
  instance: string = RELAY_INSTANCE,
): Promise<{ readonly answer: 'taken' | 'refused' | 'unknown'; readonly reason: string }> {
  const method = { classId: CLASS, instance, methodId: METHODS[action] };
  try {
    const { result } = await session.action(method, { type: 'integer', value: 0 });
    return { answer: result === 'success' ? 'taken' : 'refused', reason: result };
  } catch (error) {
    if (!isFault(error)) throw error;
    // An exception is an answer: the meter has not run the method.
    if (error.code === 'DLMS_EXCEPTION' || error.code === 'DLMS_COUNTER') {
      return { answer: 'refused', reason: error.message };
    }
    return { answer: 'unknown', reason: `${error.code}: ${error.message}` };
  }
}

/** Whether the meter stands where the action wanted it; `ready` waits for somebody at the meter. */
export function reached(action: RelayAction, state: RelayState): 'yes' | 'ready' | 'no' {
  if (action === 'disconnect') return state.output === 'open' ? 'yes' : 'no';
  if (state.output === 'closed') return 'yes';
  return state.control === 'ready' ? 'ready' : 'no';
}
