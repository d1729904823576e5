/** A fault as RFC 9457 problem+json: the one shape of every refusal over HTTP. */
import { FAULTS, type FaultCode } from './faults.ts';

export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  /** Stable: programs decide by it. */
  readonly code: FaultCode;
  readonly detail: string;
}

export function problemOf(code: FaultCode, detail: string): Problem {
  const words = code.toLowerCase();
  return {
    type: `urn:meterline:fault:${words.replaceAll('_', '-')}`,
    title: words.replaceAll('_', ' '),
    status: FAULTS[code].status,
    code,
    detail,
  };
}
