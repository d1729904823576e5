/** What the head-end push needs from the rest, and how its key is kept with its batch. */
import type { FastifyRequest } from 'fastify';
import type { Clock, Envelope, Principal } from '../../domain/index.ts';

/**
 * `same` only after finish(): a key that was begun and never finished (a crash, a full journal) is
 * `new` again for the same body, and `conflict` for another one. Rejects with DATABASE_DOWN.
 */
export interface IdempotencyStore {
  begin(principal: string, key: string, bodyHash: string): Promise<'new' | 'same' | 'conflict'>;
  finish(principal: string, key: string): Promise<void>;
}

export interface PushDeps {
  /** Resolves after fdatasync. */
  readonly journal: { append(envelope: Envelope): Promise<void> };
  readonly idempotency: IdempotencyStore;
  readonly clock: Clock;
  /** The caller, with the scope readings:push; throws UNAUTHENTICATED or FORBIDDEN. */
  readonly principalOf: (request: FastifyRequest) => Principal;
  /** For keys bound to certain meters (an edge box); absent = a key may push for all. */
  readonly mayPushFor?: (principal: Principal, serial: string) => boolean;
}

const PATH = '/v1/readings';

/**
 * The locator of a push names its key and the SHA-256 of its body, so that they are as durable as
 * the readings: the key table can be rebuilt from journal and raw batches.
 */
export function pushLocator(key: string, bodyHash: string): string {
  return `${PATH}?idempotency-key=${encodeURIComponent(key)}&sha256=${bodyHash}`;
}

const LOCATOR = /^\/v1\/readings\?idempotency-key=([^&]+)&sha256=([0-9a-f]{64})$/;

export function parsePushLocator(locator: string): { key: string; bodyHash: string } | undefined {
  const match = LOCATOR.exec(locator);
  if (match === null) return undefined;
  return { key: decodeURIComponent(match[1] as string), bodyHash: match[2] as string };
}
