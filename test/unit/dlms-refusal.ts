import { type FaultCode, isFault } from '../../domain/index.ts';

/** The code of the Fault that `act` throws; any other error is passed on. */
export function refusal(act: () => unknown): FaultCode | 'accepted' {
  try {
    act();
    return 'accepted';
  } catch (error) {
    if (isFault(error)) return error.code;
    throw error;
  }
}
