/**
 * Our own acknowledgement on `v1/<serial>/down/ack`, after the journal's fsync. Behind an external
 * broker a PUBACK is the broker's and proves nothing about us: a meter keeps a message until the
 * ack names the SHA-256 of its payload.
 */
import { sha256Hex, type UpKind } from '../../domain/index.ts';

export function ackPayload(kind: UpKind, payload: Uint8Array): Buffer {
  return Buffer.from(JSON.stringify({ received: kind, hash: sha256Hex(payload) }));
}
