/**
 * Commands to meters and their states (design.md section 2, promise 6).
 *
 *   requested -> approved -> queued -> sent -> accepted -> confirmed
 *                                        \-> indeterminate -> confirmed | refused
 *
 * A timeout is `indeterminate`: the breaker may have moved. It is read back, never sent again.
 */
import { type KeyObject, sign, verify } from 'node:crypto';
import { canonicalJson } from './canonical.ts';

export const COMMAND_ACTIONS = ['disconnect', 'connect', 'arm', 'limit', 'read', 'clock'] as const;
export type CommandAction = (typeof COMMAND_ACTIONS)[number];

export const COMMAND_STATES = [
  'requested',
  'approved',
  'queued',
  'sent',
  'accepted',
  'indeterminate',
  'confirmed',
  'refused',
  'expired',
  'cancelled',
] as const;
export type CommandState = (typeof COMMAND_STATES)[number];

const NEXT: Readonly<Record<CommandState, readonly CommandState[]>> = {
  requested: ['approved', 'cancelled', 'expired'],
  approved: ['queued', 'cancelled', 'expired'],
  queued: ['sent', 'cancelled', 'expired', 'refused'],
  sent: ['accepted', 'confirmed', 'refused', 'indeterminate'],
  accepted: ['confirmed', 'indeterminate', 'refused'],
  indeterminate: ['confirmed', 'refused'],
  confirmed: [],
  refused: [],
  expired: [],
  cancelled: [],
};

export function mayBecome(from: CommandState, to: CommandState): boolean {
  return NEXT[from].includes(to);
}

export function isFinal(state: CommandState): boolean {
  return NEXT[state].length === 0;
}

/** States in which bytes may have reached the meter and no second command may start. */
export const IN_FLIGHT_STATES: readonly CommandState[] = ['sent', 'accepted', 'indeterminate'];

/** What an approver signs: everything that decides which breaker moves, how and until when. */
export interface ApprovalPayload {
  readonly commandId: string;
  readonly meterSerial: string;
  readonly action: CommandAction;
  /** ISO 8601 UTC. */
  readonly notBefore: string;
  readonly notAfter: string;
  /** SHA-256 of the decision this command follows from. */
  readonly decisionHash: string;
}

export interface Approval {
  readonly keyId: string;
  /** Ed25519, base64. */
  readonly signature: string;
}

function approvalBytes(payload: ApprovalPayload): Buffer {
  return Buffer.from(`meterline-command-approval-v1\n${canonicalJson(payload)}`, 'utf8');
}

export function signApproval(payload: ApprovalPayload, keyId: string, key: KeyObject): Approval {
  return { keyId, signature: sign(null, approvalBytes(payload), key).toString('base64') };
}

export function verifyApproval(
  payload: ApprovalPayload,
  approval: Approval,
  keys: ReadonlyMap<string, KeyObject>,
): boolean {
  const key = keys.get(approval.keyId);
  if (key === undefined) return false;
  return verify(null, approvalBytes(payload), key, Buffer.from(approval.signature, 'base64'));
}

/** What goes to the meter. Expiry and identity stand in the payload: MQTT 3.1.1 has no others. */
export interface MeterCommand {
  readonly id: string;
  readonly meter: string;
  readonly action: CommandAction;
  readonly notAfter: string;
  readonly nonce: string;
}

export type BreakerState = 'open' | 'closed' | 'ready' | 'unknown';

/** What a meter answers, on its own topic. */
export interface MeterReply {
  readonly id: string;
  readonly outcome: 'accepted' | 'done' | 'refused' | 'expired' | 'duplicate';
  /** Physical relay. */
  readonly output?: BreakerState;
  /** Logical state (COSEM class 70 control_state). */
  readonly control?: BreakerState;
  readonly reason?: string;
  readonly at: string;
}
