/**
 * Closes the due days of a range of channels. Complete days are closed by one statement; the others
 * are looked at interval by interval, and their estimates go in as a batch of their own, by the same
 * road as every arrival.
 */
import {
  announceClosing,
  closeCompleteDays,
  type DueDay,
  type DueWindow,
  dueDays,
  markDaysClosed,
  registersAt,
  type WindowReading,
  windowReadings,
} from '../../db/ledger.ts';
import type { Queryable } from '../../db/pool.ts';
import { insertEstimations, replaceDayExceptions } from '../../db/vee-results.ts';
import {
  BILLABLE_CODES,
  LIMITS,
  type RandomBytes,
  type SealedBatch,
  uuidV7,
} from '../../domain/index.ts';
import { type PipelineDeps, processBatch } from '../pipeline/process-batch.ts';
import { closeDay, type DayResult } from '../vee/close-day.ts';
import { type DayGroup, STANDARD_DAY_GROUP } from '../vee/groups.ts';
import { SUM_TOLERANCE_UNITS } from '../vee/rules/sum-check.ts';
import { dayContext, marginMs } from './day-context.ts';

export interface CloseDeps {
  readonly pipeline: PipelineDeps;
  readonly random: RandomBytes;
  readonly group?: DayGroup;
}

export interface CloseCounts {
  /** Channel-days closed without a closer look. */
  complete: number;
  /** Channel-days looked at. */
  examined: number;
  estimated: number;
  missing: number;
  exceptions: number;
}

interface Closed {
  readonly day: DueDay;
  readonly result: DayResult;
}

export async function closeShard(
  deps: CloseDeps,
  channelFrom: number,
  channelTo: number,
): Promise<CloseCounts> {
  const { db, clock } = deps.pipeline;
  const dueBeforeMs = clock.nowMs() - LIMITS.collectionDeadlineMs;
  const due: DueWindow = { channelFrom, channelTo, dueBeforeMs };
  const counts: CloseCounts = { complete: 0, examined: 0, estimated: 0, missing: 0, exceptions: 0 };
  await announceClosing(db, due);
  counts.complete = await closeCompleteDays(db, due, BILLABLE_CODES, SUM_TOLERANCE_UNITS);
  for (let round = 0; round < LIMITS.dayCloseRoundsMax; round += 1) {
    const days = await dueDays(db, due, LIMITS.dayCloseDaysPerRound);
    if (days.length === 0) break;
    const closed = await examine(db, days, deps.group ?? STANDARD_DAY_GROUP);
    await store(deps, closed);
    for (const { result } of closed) {
      counts.examined += 1;
      counts.estimated += result.estimated;
      counts.missing += result.missing;
      counts.exceptions += result.exceptions.length;
    }
  }
  return counts;
}

async function examine(db: Queryable, days: readonly DueDay[], group: DayGroup): Promise<Closed[]> {
  const rows = await windowReadings(
    db,
    days.map((day) => ({
      channelId: day.channel_id,
      fromMs: day.from_at - marginMs(day),
      toMs: day.to_at + marginMs(day),
    })),
  );
  const byChannel = new Map<number, Map<number, WindowReading>>();
  for (const row of rows) {
    const known = byChannel.get(row.channel_id) ?? new Map<number, WindowReading>();
    byChannel.set(row.channel_id, known.set(row.start_at, row));
  }
  const registers = await readRegisters(db, days);
  return days.map((day) => {
    const context = dayContext(day, byChannel.get(day.channel_id) ?? new Map(), registers);
    return { day, result: closeDay(context, group) };
  });
}

async function readRegisters(db: Queryable, days: readonly DueDay[]) {
  const asked = days.flatMap(({ register_id: id, from_at, to_at }) =>
    id === null ? [] : [from_at, to_at].map((atMs) => ({ channelId: id, atMs })),
  );
  const rows = asked.length === 0 ? [] : await registersAt(db, asked);
  return new Map(rows.map((r) => [`${r.channel_id}|${r.at}`, r.value]));
}

/** One transaction: estimates, why they have their values, exceptions, and the days as closed. */
async function store(deps: CloseDeps, closed: readonly Closed[]): Promise<void> {
  const settle = async (tx: Queryable) => {
    await replaceDayExceptions(
      tx,
      closed.map(({ day, result }) => ({
        channelId: day.channel_id,
        fromMs: day.from_at,
        toMs: day.to_at,
        exceptions: result.exceptions,
      })),
    );
    await markDaysClosed(
      tx,
      closed.map(({ day, result }) => ({
        channelId: day.channel_id,
        localDate: day.local_date,
        touched: day.touched,
        received: result.received,
        estimated: result.estimated,
        edited: result.edited,
        missing: result.missing,
      })),
    );
  };
  const batch = estimateBatch(deps, closed);
  if (batch.offered === 0) {
    await deps.pipeline.db.transaction(settle);
    return;
  }
  await processBatch(batch, deps.pipeline, {
    actor: `vee:${(deps.group ?? STANDARD_DAY_GROUP).name}`,
    anyAge: true,
    closing: true,
    alongside: async (tx, batchId) => {
      await insertEstimations(tx, batchId, estimationRecords(closed));
      await settle(tx);
    },
  });
}

function estimationRecords(closed: readonly Closed[]) {
  return closed.flatMap(({ day, result }) =>
    result.estimates.map(({ estimate, fromMs, toMs }) => ({
      channelId: day.channel_id,
      fromMs,
      toMs,
      method: estimate.method,
      methodVersion: estimate.methodVersion,
      basis: estimate.basis,
    })),
  );
}

/** Estimates as blocks of one value each run of neighbours; there are no raw bytes behind them. */
function estimateBatch(deps: CloseDeps, closed: readonly Closed[]): SealedBatch {
  const nowMs = deps.pipeline.clock.nowMs();
  const blocks = closed.flatMap(({ day, result }) =>
    result.estimates.flatMap(({ intervals, estimate }) =>
      intervals.map(({ startMs, value }) => ({
        kind: 'interval' as const,
        meter: day.serial,
        channel: day.code,
        startMs,
        intervalS: day.interval_s,
        values: [value],
        multiplierApplied: true,
        quality: estimate.quality,
        ...(estimate.flags !== 0 && { flags: [estimate.flags] }),
        message: 0,
      })),
    ),
  );
  return {
    uid: uuidV7(nowMs, deps.random),
    origin: 'vee',
    receivedMs: nowMs,
    blocks,
    refusals: [],
    messages: 0,
    offered: blocks.length,
    raw: '',
    rawHash: '',
  };
}
