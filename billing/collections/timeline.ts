/** What happened to an account, in order: invoices, notices, gates, breakers, payments. */
import { type TimelineRow, timelineRows } from '../../db/collection-views.ts';
import { accountByNumber } from '../../db/payments.ts';
import type { Queryable } from '../../db/pool.ts';
import { Fault, formatInstant, LIMITS } from '../../domain/index.ts';

export interface TimelineEntry {
  /** ISO 8601 UTC. */
  readonly at: string;
  /** 'invoice.issued', 'notice.served', 'disconnect.confirmed', 'case.closed', ... */
  readonly what: string;
  readonly detail: Readonly<Record<string, unknown>>;
}

/** The newest LIMITS.collectionTimelineRows entries, oldest first. Throws ACCOUNT_UNKNOWN. */
export async function timelineOf(db: Queryable, accountNumber: string): Promise<TimelineEntry[]> {
  const account = await accountByNumber(db, accountNumber);
  if (account === undefined) throw new Fault('ACCOUNT_UNKNOWN', { account: accountNumber });
  const rows = await timelineRows(db, account.id, LIMITS.collectionTimelineRows);
  return rows.map(({ at, what, detail }: TimelineRow) => ({ at: formatInstant(at), what, detail }));
}
