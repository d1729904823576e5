/** Bodies of billing's routes. */
import type { IncomingHttpHeaders } from 'node:http';
import { Type } from '@fastify/type-provider-typebox';
import { Fault } from '../../domain/index.ts';

const LocalDate = Type.String({ pattern: '^\\d{4}-\\d{2}-\\d{2}$' });
const Name = Type.String({ minLength: 1, maxLength: 64 });

export const RunBody = Type.Object(
  {
    mode: Type.Union([Type.Literal('preview'), Type.Literal('issue')]),
    from: LocalDate,
    to: Type.String({ pattern: '^\\d{4}-\\d{2}-\\d{2}$', description: 'exclusive' }),
    account: Type.Optional(Name),
    branch: Type.Optional(Name),
  },
  { additionalProperties: false },
);

export const PaymentBody = Type.Object(
  {
    provider: Name,
    reference: Type.String({ minLength: 1, maxLength: 128 }),
    account: Name,
    amount: Type.String({ description: 'decimal string above zero' }),
    currency: Type.String({ pattern: '^[A-Z]{3}$' }),
    received_at: Type.Optional(Type.String({ description: 'ISO 8601 with zone' })),
  },
  { additionalProperties: false },
);

/** The caller's key, required on every POST that creates. Throws IDEMPOTENCY_REQUIRED. */
export function requiredKey(headers: IncomingHttpHeaders): string {
  const key = headers['idempotency-key'];
  if (typeof key === 'string' && key.length >= 1 && key.length <= 200) return key;
  throw new Fault('IDEMPOTENCY_REQUIRED');
}
