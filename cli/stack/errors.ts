import { Fault } from '../../domain/faults.ts';

/** Which kind of trouble; tests and the port search tell faults apart by it. */
export type StackTrouble =
  | 'bad-name'
  | 'bad-state'
  | 'bad-urls'
  | 'database-setup'
  | 'disk-full'
  | 'docker'
  | 'locked'
  | 'no-answer'
  | 'no-apt-sources'
  | 'no-network'
  | 'no-port'
  | 'no-tools'
  | 'no-user-namespaces'
  | 'port-taken'
  | 'start-failed'
  | 'stuck'
  | 'unpack-failed';

/** A fault STACK; `message` says what happened and ends with what to do next. */
export function stackFault(trouble: StackTrouble, message: string): Fault {
  return new Fault('STACK', { trouble, detail: message });
}

export function troubleOf(error: unknown): StackTrouble | undefined {
  if (!(error instanceof Fault) || error.code !== 'STACK') return undefined;
  return error.detail['trouble'] as StackTrouble;
}
