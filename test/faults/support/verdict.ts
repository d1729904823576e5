/**
 * What the meters' files say against what the database holds, after the dust has settled. Nothing
 * here asks the line how it thinks it did.
 */
import { systemClock } from '../../../cli/clock.ts';
import { storedRows } from '../../../db/conservation.ts';
import type { Database, Queryable } from '../../../db/pool.ts';
import { judge, type StoredInterval } from '../../../simulators/judge.ts';
import { readLog } from '../../../simulators/meter-log.ts';
import { logPath } from './senders.ts';
import type { Gateway, Load, TestLine } from './test-line.ts';

export interface LineVerdict {
  readonly emitted: number;
  readonly acked: number;
  readonly stored: number;
  /** 'serial start' of each. */
  readonly lost: readonly string[];
  readonly invented: readonly string[];
  readonly doubled: readonly string[];
  readonly altered: readonly string[];
  /** Never acknowledged although the line had all the time it asked for. */
  readonly unacknowledged: number;
  /** What senders met and must never meet. */
  readonly failures: readonly string[];
}

/** Over all batches of the database. */
export interface Books {
  readonly batches: number;
  readonly offered: number;
  readonly stored: number;
  readonly duplicate: number;
  /** Batches whose rows in the tables are not what they say, or that lose a record. */
  readonly unbalanced: readonly string[];
  /** Rows of all versions in the tables less what the batches say they stored. */
  readonly surplus: number;
}

export async function judgeLoad(db: Queryable, load: Load): Promise<LineVerdict> {
  const rows = await rowsBySerial(db, load.serials);
  const total = { emitted: 0, acked: 0, stored: 0 };
  const faults = { lost: [], invented: [], doubled: [], altered: [] } as Record<Kind, string[]>;
  for (const serial of load.serials) {
    const verdict = judge(readLog(logPath(load.directory, serial)), rows.get(serial) ?? []);
    total.emitted += verdict.emitted;
    total.acked += verdict.acked;
    total.stored += verdict.stored;
    for (const kind of KINDS) {
      for (const start of verdict[kind]) faults[kind].push(`${serial} ${start}`);
    }
  }
  const failures = load.senders.flatMap((sender) => sender.failures);
  return { ...total, ...faults, unacknowledged: total.emitted - total.acked, failures };
}

const KINDS = ['lost', 'invented', 'doubled', 'altered'] as const;
type Kind = (typeof KINDS)[number];

export function isClean(verdict: LineVerdict): boolean {
  const { lost, invented, doubled, altered, failures, unacknowledged } = verdict;
  return (
    [lost, invented, doubled, altered, failures].every((list) => list.length === 0) &&
    unacknowledged === 0
  );
}

async function rowsBySerial(db: Queryable, serials: readonly string[]) {
  const rows = await db.query<{ serial: string; starts: string[]; counts: string[] }>(
    `SELECT m.serial, array_agg((extract(epoch FROM r.start_at) * 1000)::bigint::text) AS starts,
            array_agg(r.value::text) AS counts
     FROM (SELECT channel_id, start_at, value FROM reading
           UNION ALL SELECT channel_id, start_at, value FROM reading_history) r
     JOIN channel c ON c.id = r.channel_id JOIN meter m ON m.id = c.meter_id
     WHERE m.serial = ANY($1) GROUP BY m.serial`,
    [serials],
  );
  return new Map(
    rows.map(({ serial, starts, counts }) => [
      serial,
      starts.map(
        (start, i): StoredInterval => ({
          start: Number(start),
          value: BigInt(counts[i] ?? ''),
        }),
      ),
    ]),
  );
}

export async function balance(db: Queryable): Promise<Books> {
  const [sums] = await db.query<Record<'batches' | 'offered' | 'stored' | 'duplicate', bigint>>(
    `SELECT count(*) AS batches, coalesce(sum(offered), 0)::bigint AS offered,
            coalesce(sum(stored), 0)::bigint AS stored,
            coalesce(sum(duplicate), 0)::bigint AS duplicate FROM batch`,
  );
  const { rows, claimed } = await storedRows(db);
  return {
    batches: Number(sums?.batches),
    offered: Number(sums?.offered),
    stored: Number(sums?.stored),
    duplicate: Number(sums?.duplicate),
    unbalanced: (await unbalancedBatches(db)).map((batch) => JSON.stringify(batch)),
    surplus: Number(rows - claimed),
  };
}

function unbalancedBatches(db: Queryable) {
  return db.query<{ uid: string; stored: number; rows: string; set_aside: string }>(
    `WITH held AS (
       SELECT batch_id, count(*) AS rows FROM (
         SELECT batch_id FROM reading UNION ALL SELECT batch_id FROM reading_history
         UNION ALL SELECT batch_id FROM register_read) r GROUP BY batch_id),
     aside AS (
       SELECT batch_id, sum(records) AS records FROM (
         SELECT batch_id, records FROM quarantine UNION ALL SELECT batch_id, records FROM rejection
       ) q GROUP BY batch_id)
     SELECT b.uid::text, b.stored, coalesce(h.rows, 0)::text AS rows,
            coalesce(a.records, 0)::text AS set_aside
     FROM batch b LEFT JOIN held h ON h.batch_id = b.id LEFT JOIN aside a ON a.batch_id = b.id
     WHERE b.offered <> b.stored + b.duplicate + b.rejected + b.quarantined
        OR b.stored <> coalesce(h.rows, 0)
        OR b.rejected + b.quarantined <> coalesce(a.records, 0)
     ORDER BY b.id LIMIT 20`,
  );
}

/** True when every gateway's journal has nothing left to hand on; read from /metrics. */
async function journalsEmpty(gateways: readonly Gateway[]): Promise<boolean> {
  const left = await Promise.all(
    gateways.map((gateway) => figure(gateway, 'meterline_journal', 'uncommittedMessages')),
  );
  return left.every((messages) => messages === 0);
}

/** A figure from the gateway's /metrics; undefined while it is down. */
export async function figure(
  gateway: Gateway,
  family: string,
  name: string,
): Promise<number | undefined> {
  try {
    const signal = AbortSignal.timeout(3_000);
    const text = await (await fetch(`${gateway.httpUrl}/metrics`, { signal })).text();
    const line = text.split('\n').find((row) => row.startsWith(`${family}{figure="${name}"} `));
    return line === undefined ? undefined : Number(line.split(' ')[1]);
  } catch {
    return undefined;
  }
}

export interface Settled {
  readonly verdicts: readonly LineVerdict[];
  readonly books: Books;
  /** From the last fault until the judge had nothing to say. */
  readonly afterMs: number;
}

/**
 * Waits until the judge finds nothing missing and the journals are empty, or the time is over; the
 * verdict is what stands then. The journals are only waited for: after them nothing more can come
 * that would be counted twice.
 */
export async function settle(
  line: TestLine,
  loads: readonly Load[],
  withinMs: number,
): Promise<Settled> {
  const startedMs = performance.now();
  const deadlineMs = startedMs + withinMs;
  await Promise.all(loads.map((load) => load.stop()));
  await Promise.all(loads.map((load) => load.drained(withinMs)));
  for (;;) {
    const isLast = performance.now() >= deadlineMs;
    const isQuiet = await journalsEmpty(line.gateways);
    if (isQuiet || isLast) {
      const { verdicts, books } = await judgeAll(line.db, loads);
      if (isLast || verdicts.every(isClean)) {
        return { verdicts, books, afterMs: performance.now() - startedMs };
      }
    }
    await systemClock.sleep(250);
  }
}

async function judgeAll(db: Database, loads: readonly Load[]) {
  const verdicts: LineVerdict[] = [];
  for (const load of loads) verdicts.push(await judgeLoad(db, load));
  return { verdicts, books: await balance(db) };
}
