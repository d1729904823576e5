/**
 * A key file of one meter, for the bench:
 *
 *   { "meter": "SIM1", "clientTitle": "MLC00001" or hex, "systemTitle": hex, "encryption": hex,
 *     "authentication": hex, "password": "..." }
 *
 * What a client does not need may be left out.
 */
import { readFile, stat } from 'node:fs/promises';
import { Fault } from '../../domain/index.ts';
import type { Credentials } from '../../gateway/drivers/dlms/target.ts';

export interface KeyFile {
  readonly meter: string;
  readonly credentials: Credentials;
}

const FIELDS = ['meter', 'clientTitle', 'systemTitle', 'encryption', 'authentication', 'password'];
const OTHERS_MAY_READ = 0o077;

/** Throws BAD_REQUEST with what is wrong; a file that others may read is told by `warn`. */
export async function readKeyFile(
  path: string,
  clientSap: number,
  warn: (text: string) => void,
): Promise<KeyFile> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw wrong(path, error instanceof Error ? error.message : String(error));
  });
  if (((await stat(path)).mode & OTHERS_MAY_READ) !== 0) {
    warn(`${path} holds keys and others may read it; chmod 600`);
  }
  const fields = parse(path, text);
  const meter = fields['meter'];
  if (meter === undefined) throw wrong(path, 'no "meter"');
  return { meter, credentials: credentialsOf(path, fields, clientSap) };
}

function credentialsOf(
  path: string,
  fields: Readonly<Record<string, string | undefined>>,
  clientSap: number,
): Credentials {
  const { encryption, authentication, password, systemTitle } = fields;
  const wantsPassword = clientSap !== MANAGEMENT_SAP && password !== undefined;
  if (encryption === undefined || authentication === undefined || wantsPassword) {
    if (password === undefined) throw wrong(path, 'neither keys nor "password"');
    return { mechanism: 'low', password: Buffer.from(password, 'latin1') };
  }
  const title = fields['clientTitle'];
  if (title === undefined) throw wrong(path, 'no "clientTitle"');
  return {
    mechanism: 'high-gmac',
    keys: {
      encryption: hex(path, 'encryption', encryption, 16),
      authentication: hex(path, 'authentication', authentication, 16),
    },
    clientTitle: title.length === 8 ? Buffer.from(title) : hex(path, 'clientTitle', title, 8),
    serverTitle: systemTitle === undefined ? undefined : hex(path, 'systemTitle', systemTitle, 8),
  };
}

export const MANAGEMENT_SAP = 1;

function parse(path: string, text: string): Record<string, string | undefined> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw wrong(path, 'not JSON');
  }
  if (typeof value !== 'object' || value === null) throw wrong(path, 'not an object');
  for (const [name, field] of Object.entries(value)) {
    if (!FIELDS.includes(name)) throw wrong(path, `unknown "${name}"`);
    if (typeof field !== 'string') throw wrong(path, `"${name}" is no text`);
  }
  return value as Record<string, string | undefined>;
}

/** The message names the field, never what stands in it. */
function hex(path: string, name: string, text: string, octets: number): Uint8Array {
  if (!/^[0-9A-Fa-f]*$/.test(text) || text.length !== octets * 2) {
    throw wrong(path, `"${name}" is not ${octets} octets in hex`);
  }
  return new Uint8Array(Buffer.from(text, 'hex'));
}

function wrong(path: string, detail: string): Fault {
  return new Fault('BAD_REQUEST', { detail: `${path}: ${detail}` });
}
