/** A payment into the books: once for each reference, and it wins over a disconnect under way. */
import { bumpAccountGuard } from '../../db/account-guards.ts';
import { appendAudit } from '../../db/audit.ts';
import { accountBalance, postLedger } from '../../db/books.ts';
import { writeOutbox } from '../../db/outbox.ts';
import {
  accountByNumber,
  insertPayment,
  lockPaymentReference,
  paymentByReference,
} from '../../db/payments.ts';
import type { Database, Queryable } from '../../db/pool.ts';
import { Fault, formatInstant, type RandomBytes, uuidV7 } from '../../domain/index.ts';
import { exact } from '../rating/exact.ts';

export interface PaymentInput {
  /** Who took the money: 'bank', 'cash-desk-3', a gateway's name. */
  readonly provider: string;
  /** The provider's own id: the same one is posted once. */
  readonly reference: string;
  readonly account: string;
  /** Decimal string, above zero. */
  readonly amount: string;
  readonly currency: string;
  readonly receivedMs: number;
  readonly actor: string;
}

export interface PostedPayment {
  readonly id: string;
  /** False when this reference had been posted before. */
  readonly posted: boolean;
  /** The account it went to; null = suspense, because nobody has that number. */
  readonly accountId: number | null;
  readonly balance: string;
}

const AMOUNT = /^(0|[1-9]\d{0,11})(\.\d{1,4})?$/;

export async function postPayment(
  db: Database,
  input: PaymentInput,
  deps: { readonly nowMs: number; readonly random: RandomBytes },
): Promise<PostedPayment> {
  if (!AMOUNT.test(input.amount) || exact(input.amount).isZero()) {
    throw new Fault('BAD_REQUEST', { detail: `amount '${input.amount}' is no positive decimal` });
  }
  return db.transaction((tx) => post(tx, input, deps));
}

async function post(
  tx: Queryable,
  input: PaymentInput,
  deps: { readonly nowMs: number; readonly random: RandomBytes },
): Promise<PostedPayment> {
  await lockPaymentReference(tx, input.provider, input.reference);
  const before = await paymentByReference(tx, input.provider, input.reference);
  if (before !== undefined) {
    if (!exact(before.amount).equals(exact(input.amount))) {
      throw new Fault('IDEMPOTENCY_REUSED', { key: `${input.provider}/${input.reference}` });
    }
    return answer(tx, before.id, false, before.account_id);
  }
  const account = await accountByNumber(tx, input.account);
  if (account !== undefined && account.currency !== input.currency) {
    const detail = `account ${account.number} is kept in ${account.currency}`;
    throw new Fault('BAD_REQUEST', { detail });
  }
  const accountId = account?.id ?? null;
  // The guard is locked before anything is written: a disconnect being sent either sees this
  // payment or was sent before it (promise 6).
  if (accountId !== null) {
    await bumpAccountGuard(tx, accountId, { reason: `payment ${input.reference}` });
  }
  const id = uuidV7(deps.nowMs, deps.random);
  await book(tx, input, id, accountId, deps.nowMs);
  return answer(tx, id, true, accountId);
}

async function book(
  tx: Queryable,
  input: PaymentInput,
  id: string,
  accountId: number | null,
  nowMs: number,
): Promise<void> {
  const { amount, currency, provider, reference } = input;
  const [transactionId] = await postLedger(tx, [
    {
      businessDate: formatInstant(nowMs).slice(0, 10),
      kind: 'payment',
      reference: `${provider}/${reference}`,
      idempotencyKey: `payment:${provider}/${reference}`,
      currency,
      actor: input.actor,
      entries: [
        { ledgerAccount: 'cash', accountId: null, debit: amount },
        {
          ledgerAccount: accountId === null ? 'suspense' : 'receivable',
          accountId,
          credit: amount,
        },
      ],
    },
  ]);
  await insertPayment(tx, { ...input, id, accountId, transactionId: transactionId as bigint });
  await appendAudit(tx, {
    chain: 'billing',
    actor: input.actor,
    action: 'payment.posted',
    subjectKind: 'payment',
    subjectId: id,
    detail: { provider, reference, amount, currency, account: input.account },
  });
  await writeOutbox(tx, 'payment.posted', [{ key: id, payload: { accountId, amount, currency } }]);
}

async function answer(
  tx: Queryable,
  id: string,
  posted: boolean,
  accountId: number | null,
): Promise<PostedPayment> {
  const balance = accountId === null ? '0' : await accountBalance(tx, accountId);
  return { id, posted, accountId, balance };
}
