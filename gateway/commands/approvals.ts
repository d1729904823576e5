/** Whose signature counts: keys of the gateway's own configuration, never of the database. */
import type { KeyObject } from 'node:crypto';
import { approvalPayloadOf, type Command } from '../../db/command-rows.ts';
import { type Approval, verifyApproval } from '../../domain/index.ts';

export interface ApproverKey {
  /** Ed25519 public key. */
  readonly key: KeyObject;
  /** The person or policy that holds the private half; the name of its API key. */
  readonly owner: string;
}

export type ApproverKeys = ReadonlyMap<string, ApproverKey>;

/** What is wrong with an approval of this command; undefined when it stands. */
export function approvalProblem(
  command: Command,
  approval: Approval | undefined,
  keys: ApproverKeys,
): string | undefined {
  if (approval === undefined) return 'there is none';
  const known = keys.get(approval.keyId);
  if (known === undefined) return `key ${approval.keyId} is not known`;
  if (known.owner === command.requestedBy) return `${known.owner} asked for it and may not approve`;
  const one = new Map([[approval.keyId, known.key]]);
  return fits(command, approval, one) ? undefined : 'the signature does not fit';
}

function fits(command: Command, approval: Approval, keys: ReadonlyMap<string, KeyObject>) {
  try {
    return verifyApproval(approvalPayloadOf(command), approval, keys);
  } catch {
    // A key that is no Ed25519 key cannot verify anything.
    return false;
  }
}
