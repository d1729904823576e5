/** What the embedded broker knows of one connection that was let in. */
import type { Client } from 'aedes';
import type { Gate } from './gate.ts';

export interface Session {
  readonly serial: string;
  readonly client: Client;
  readonly gate: Gate;
  /** Granted subscriptions. */
  readonly filters: Set<string>;
  denied: number;
  revoked: boolean;
}

/** The client id is the serial: the door has compared them. */
export function newSession(client: Client, gate: Gate): Session {
  return { serial: client.id, client, gate, filters: new Set(), denied: 0, revoked: false };
}
