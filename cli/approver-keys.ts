/** Public keys of approvers the gateway trusts: a JSON file of its own, never the database. */
import { createPublicKey } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { describeError, Fault } from '../domain/index.ts';
import type { ApproverKeys } from '../gateway/commands/approvals.ts';

export interface KeyEntry {
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
      entries.map(({ id, owner, publicKey }) => [id, { key: ed25519(id, publicKey), owner }]),
    );
  } catch (error) {
    throw new Fault('FILE_FORMAT', { file, detail: describeError(error) }, error);
  }
}

function ed25519(id: string, pem: string) {
  const key = createPublicKey(pem);
  if (key.asymmetricKeyType !== 'ed25519') throw new Error(`key ${id} is not Ed25519`);
  return key;
}

/** The entries of a file that may not be there yet. */
export async function readApproverEntries(file: string): Promise<KeyEntry[]> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if ((error as { code?: string }).code === 'ENOENT') return [];
    throw error;
  }
  return JSON.parse(text) as KeyEntry[];
}
