/** The outside of a push: exact content types, its key, and a body that cannot explode. */
import type { IncomingHttpHeaders } from 'node:http';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { Fault, LIMITS } from '../../domain/index.ts';
import { PUSH_CONTENT_TYPES, type PushContentType } from '../payload/decode.ts';

const inflate = promisify(gunzip);

/** Validation bypasses live in inexact types (threats.md T43): these spellings and no others. */
const SPELLINGS = new Map<string, PushContentType>(
  PUSH_CONTENT_TYPES.flatMap((type) => [
    [type, type],
    [`${type}; charset=utf-8`, type],
  ]),
);

/** RFC 9110 field content without spaces: what survives logs and URLs. */
const KEY = /^[\x21-\x7e]{1,200}$/;

export function pushContentType(headers: IncomingHttpHeaders): PushContentType {
  const given = headers['content-type'] ?? 'without a type';
  const type = SPELLINGS.get(given);
  if (type !== undefined) return type;
  const expected = PUSH_CONTENT_TYPES.join(', ');
  throw new Fault('CONTENT_TYPE', { given: JSON.stringify(given.slice(0, 100)), expected });
}

export function idempotencyKey(headers: IncomingHttpHeaders): string {
  const key = headers['idempotency-key'];
  if (key === undefined || key === '') throw new Fault('IDEMPOTENCY_REQUIRED');
  if (typeof key === 'string' && KEY.test(key)) return key;
  throw new Fault('BAD_REQUEST', { detail: 'Idempotency-Key is 1..200 visible ASCII characters' });
}

export function isGzip(headers: IncomingHttpHeaders): boolean {
  const encoding = headers['content-encoding'];
  if (encoding === undefined || encoding === 'identity') return false;
  if (encoding === 'gzip') return true;
  const given = JSON.stringify(encoding.slice(0, 100));
  throw new Fault('CONTENT_TYPE', { given, expected: 'gzip, identity' });
}

/** At most LIMITS.pushBodyBytesMax come out, however small what came in (T45). */
export async function inflateBody(body: Buffer): Promise<Buffer> {
  const max = LIMITS.pushBodyBytesMax;
  try {
    return await inflate(body, { maxOutputLength: max });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') {
      throw new Fault('PAYLOAD_TOO_LARGE', { bytes: `more than ${max}`, max });
    }
    throw new Fault('PAYLOAD_SYNTAX', { detail: 'the body is not gzip' }, error);
  }
}
