/**
 * What collections hear of: payments and breakers. Each message and all that follows from it are one
 * transaction, and what is written carries the message's id: it counts once, whoever reads it.
 */

import { lockAccountGuard } from '../../db/account-guards.ts';
import { openCaseOf } from '../../db/collection-reads.ts';
import { insertEvent, settleEvents } from '../../db/collections.ts';
import { markOutboxDone, takeOutboxAfter } from '../../db/outbox.ts';
import type { Queryable } from '../../db/pool.ts';
import { describeError, LIMITS } from '../../domain/index.ts';
import { applyAccount } from './apply.ts';
import { loadPlans, type PlanBook } from './plans.ts';
import { type CollectionCounts, count, noCounts } from './run.ts';
import type { CollectDeps } from './work.ts';

export interface ConsumeOptions {
  /** Messages at most of each topic; default LIMITS.outboxPageRows. */
  readonly limit?: number;
  readonly log?: { warn(detail: object, text: string): void };
}

export interface Consumed {
  readonly messages: number;
  readonly counts: CollectionCounts;
}

type Message = NonNullable<Awaited<ReturnType<typeof takeOutboxAfter>>>;
type Handler = (
  tx: Queryable,
  deps: CollectDeps,
  message: Message,
  plans: PlanBook,
) => Promise<Awaited<ReturnType<typeof applyAccount>> | undefined>;

const TOPICS: readonly (readonly [string, Handler])[] = [
  ['payment.posted', onPayment],
  ['command.changed', onCommand],
];

/** Reads what has arrived. A message that fails stays and is tried again by the next call. */
export async function consumeCollections(
  deps: CollectDeps,
  options: ConsumeOptions = {},
): Promise<Consumed> {
  const counts = noCounts();
  const plans = await loadPlans(deps.db);
  let messages = 0;
  for (const [topic, handle] of TOPICS) {
    let afterId = 0n;
    for (let n = 0; n < (options.limit ?? LIMITS.outboxPageRows); n += 1) {
      let seen: bigint | undefined;
      try {
        const applied = await deps.db.transaction(async (tx) => {
          const message = await takeOutboxAfter(tx, topic, afterId);
          seen = message?.id;
          if (message === undefined) return undefined;
          const done = await handle(tx, deps, message, plans);
          await markOutboxDone(tx, [message.id]);
          return done;
        });
        if (applied !== undefined) count(counts, applied);
        if (seen !== undefined) messages += 1;
      } catch (error) {
        if (seen === undefined) throw error;
        counts.failed += 1;
        options.log?.warn({ topic, id: String(seen), detail: describeError(error) }, 'collections');
      }
      if (seen === undefined) break;
      afterId = seen;
    }
  }
  return { messages, counts };
}

/** A payment withdraws what was not sent, also when debt is left: that cut was decided without it. */
async function onPayment(tx: Queryable, deps: CollectDeps, message: Message, plans: PlanBook) {
  const { accountId } = message.payload;
  if (typeof accountId !== 'number') return undefined; // in suspense: nobody's yet
  const cancel = `payment ${message.key}`;
  return applyAccount(tx, deps, accountId, { plans, advance: false, heard: message.id, cancel });
}

const OUTCOMES: Readonly<Record<string, string>> = {
  'disconnect.confirmed': 'supply.disconnected',
  'connect.confirmed': 'supply.reconnected',
  'arm.confirmed': 'supply.ready',
  'disconnect.indeterminate': 'supply.indeterminate',
  'connect.indeterminate': 'supply.indeterminate',
  'arm.indeterminate': 'supply.indeterminate',
  'disconnect.refused': 'supply.refused',
  'connect.refused': 'supply.refused',
  'arm.refused': 'supply.refused',
  'disconnect.expired': 'supply.expired',
  'connect.expired': 'supply.expired',
  'arm.expired': 'supply.expired',
};

/** Outcomes that a person has to look at: nobody knows, or the meter would not. */
const FOR_A_PERSON: readonly string[] = ['supply.indeterminate', 'supply.refused'];

async function onCommand(tx: Queryable, deps: CollectDeps, message: Message, plans: PlanBook) {
  const { accountId, action, to, from, commandId, reason, meter } = message.payload;
  const kind = OUTCOMES[`${action}.${to}`];
  if (typeof accountId !== 'number' || (kind === undefined && to !== 'cancelled')) return undefined;
  await lockAccountGuard(tx, accountId);
  const open = await openCaseOf(tx, accountId);
  if (open === undefined) return undefined;
  const atMs = deps.clock.nowMs();
  if (kind !== undefined) {
    if (from === 'indeterminate') await settleEvents(tx, open.id, ['supply.indeterminate'], atMs);
    await insertEvent(tx, {
      accountId,
      caseId: open.id,
      atMs,
      kind,
      needsPerson: FOR_A_PERSON.includes(kind),
      detail: { command: commandId, action, outcome: to, meter, reason },
      onceKey: `outbox:${message.id}`,
    });
  }
  return applyAccount(tx, deps, accountId, { plans, advance: false });
}
