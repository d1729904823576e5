/** Who acts in the demo: API keys for three people, and the approver's own signing key. */
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { createApiKey } from '../../db/api-keys.ts';
import type { Queryable } from '../../db/pool.ts';
import {
  type ApprovalPayload,
  Fault,
  type RandomBytes,
  ROLES,
  signApproval,
} from '../../domain/index.ts';
import type { ApproverKeys } from '../../gateway/commands/approvals.ts';

export interface Person {
  readonly name: string;
  call<T>(method: string, path: string, body?: unknown): Promise<T>;
}

export interface People {
  readonly operations: Person;
  readonly billing: Person;
  readonly collections: Person;
  readonly approver: Person & { approve(commandId: string): Promise<void> };
  /** A key that sees everything, for the console. */
  readonly viewerToken: string;
}

const KEY_ID = 'supervisor-2026';
const APPROVER = 'supervisor';

export interface SigningKey {
  readonly privateKey: KeyObject;
  /** For the gateway's own configuration. */
  readonly trusted: ApproverKeys;
}

export function makeSigningKey(): SigningKey {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  return { privateKey, trusted: new Map([[KEY_ID, { key: publicKey, owner: APPROVER }]]) };
}

export async function hirePeople(
  db: Queryable,
  random: RandomBytes,
  httpUrl: string,
  signing: SigningKey,
): Promise<People> {
  const hire = async (name: string, role: keyof typeof ROLES) => {
    const { token } = await createApiKey(db, random, { name, scopes: ROLES[role] });
    return person(name, token, httpUrl, random);
  };
  const approver = await hire(APPROVER, 'approver');
  const everything = [...new Set(Object.values(ROLES).flat())].filter(
    (scope) => scope !== 'commands:approve' && scope !== 'readings:push',
  );
  const viewer = await createApiKey(db, random, { name: 'console', scopes: everything });
  return {
    operations: await hire('operations', 'meter-operations'),
    billing: await hire('billing', 'billing'),
    collections: await hire('collections', 'collections'),
    approver: { ...approver, approve: (id) => approve(approver, signing.privateKey, id) },
    viewerToken: viewer.token,
  };
}

function person(name: string, token: string, httpUrl: string, random: RandomBytes): Person {
  return {
    name,
    async call<T>(method: string, path: string, body?: unknown): Promise<T> {
      const response = await fetch(`${httpUrl}${path}`, {
        method,
        headers: {
          authorization: `Bearer ${token}`,
          'idempotency-key': Buffer.from(random(12)).toString('hex'),
          ...(body !== undefined && { 'content-type': 'application/json' }),
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      });
      const answer = (await response.json()) as T & { detail?: string };
      if (response.ok) return answer;
      throw new Fault('BAD_REQUEST', {
        detail: `${method} ${path}: ${answer.detail ?? response.status}`,
      });
    },
  };
}

/** The private half stays with the person: the service gets a signature over the exact payload. */
async function approve(approver: Person, key: KeyObject, id: string): Promise<void> {
  const command = await approver.call<{ approvalPayload: ApprovalPayload }>(
    'GET',
    `/v1/commands/${id}`,
  );
  const approval = signApproval(command.approvalPayload, KEY_ID, key);
  await approver.call('POST', `/v1/commands/${id}/approval`, approval);
}
