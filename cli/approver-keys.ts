/** Public keys of approvers the gateway trusts: a JSON file of its own, never the database. */
import { createPublicKey } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { describeError, Fault } from '../domain/index.ts';
import type { ApproverKeys } from '../gateway/commands/approvals.ts';

interface KeyEntry {
  readonly id: string;
  readonly owner: string;
  /** PEM, SPKI, Ed25519. */
  readonly publicKey: string;
}

/** No file = no key = no command that moves a breaker. Throws FILE_FORMAT for a damaged file. */
export async function readApproverKeys(file: string | undefined): Promise<ApproverKeys> {
  if (file === undefined) return new Map();
  try {
    const entries = JSON.parse(await readFile(file, 'utf8')) as readonly KeyEntry[];
    return new Map(
      entries.map(({ id, owner, publicKey }) => {
        const key = createPublicKey(publicKey);
        if (key.asymmetricKeyType !== 'ed25519') throw new Error(`key ${id} is not Ed25519`);
        return [id, { key, owner }];
      }),
    );
  } catch (error) {
    throw new Fault('FILE_FORMAT', { file, detail: describeError(error) }, error);
  }
}
