/** Payments as they arrive: once for each reference of the provider. */
import type { Queryable, Row } from './pool.ts';

export interface PaymentRow extends Row {
  readonly id: string;
  readonly provider: string;
  readonly provider_reference: string;
  readonly account_id: number | null;
  readonly amount: string;
  readonly currency: string;
  readonly received_at: number;
}

export async function paymentByReference(
  db: Queryable,
  provider: string,
  reference: string,
): Promise<PaymentRow | undefined> {
  const [row] = await db.query<PaymentRow>(
    `SELECT id, provider, provider_reference, account_id, amount, currency, received_at
     FROM payment WHERE provider = $1 AND provider_reference = $2`,
    [provider, reference],
  );
  return row;
}

/** Serialises everything that arrives under one reference until the transaction ends. */
export async function lockPaymentReference(
  tx: Queryable,
  provider: string,
  reference: string,
): Promise<void> {
  await tx.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 2))', [
    `payment/${provider}/${reference}`,
  ]);
}

export async function insertPayment(
  tx: Queryable,
  payment: {
    readonly id: string;
    readonly provider: string;
    readonly reference: string;
    readonly accountId: number | null;
    readonly amount: string;
    readonly currency: string;
    readonly receivedMs: number;
    readonly transactionId: bigint;
  },
): Promise<void> {
  await tx.query(
    `INSERT INTO payment (id, provider, provider_reference, account_id, amount, currency,
                          received_at, transaction_id)
     VALUES ($1, $2, $3, $4, $5, $6, to_timestamp($7::float8 / 1000), $8)`,
    [
      payment.id,
      payment.provider,
      payment.reference,
      payment.accountId,
      payment.amount,
      payment.currency,
      payment.receivedMs,
      payment.transactionId,
    ],
  );
}

export interface AccountRow extends Row {
  readonly id: number;
  readonly number: string;
  readonly currency: string;
  readonly state: string;
}

export async function accountByNumber(
  db: Queryable,
  number: string,
): Promise<AccountRow | undefined> {
  const [row] = await db.query<AccountRow>(
    'SELECT id, number, currency, state FROM account WHERE number = $1',
    [number],
  );
  return row;
}
