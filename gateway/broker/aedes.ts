/** What we change in aedes 1.x, in one place. */
import type { Aedes, AuthenticateError } from 'aedes';

type Done = (error?: Error | null) => void;

/** What meters publish ends in the journal: no routing, no offline queue, no retained store. */
export function closeRouting(aedes: Aedes): void {
  type Publish = (packet: unknown, client: unknown, done?: Done) => void;
  const own = aedes.publish.bind(aedes) as Publish;
  const publish: Publish = (packet, client, done) => {
    if (typeof client === 'object' && client !== null) done?.(null);
    else own(packet, client, done);
  };
  aedes.publish = publish as Aedes['publish'];
}

export function connackError(code: number): AuthenticateError {
  const error = new Error(`connection refused (${code})`) as AuthenticateError;
  error.returnCode = code;
  return error;
}
