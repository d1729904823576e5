/**
 * One sealed batch into the database, exactly once, in one transaction.
 *
 * Fast path: the batch row, then one binary COPY. A key that exists fails the COPY; the transaction
 * is rolled back whole and begun again on the careful path, because a savepoint would cost every
 * batch for the sake of the few. Rows old enough to lie in the columnstore, and rows with source
 * versions, take the careful path at once.
 */
import { appendAudit } from '../../db/audit.ts';
import {
  type NewBatch,
  openBatch,
  readingTransaction,
  recordedBatch,
  setBatchCounts,
} from '../../db/batches.ts';
import { type Connection, type Database, sqlState, UNIQUE_VIOLATION } from '../../db/pool.ts';
import { addRefused } from '../../db/quarantine.ts';
import { VersionMoved } from '../../db/reading-writes.ts';
import {
  type Clock,
  type Conservation,
  canonicalJson,
  isConserved,
  LIMITS,
  offeredValues,
  type SealedBatch,
} from '../../domain/index.ts';
import { arrivalContext } from '../vee/arrival/rules.ts';
import { CopyBuffers } from './copy.ts';
import { ChannelDirectory } from './directory.ts';
import type { EqualRankPolicy } from './judge.ts';
import { noteLate } from './late.ts';
import { settleOverlaps } from './overlap.ts';
import { PathHint } from './path-hint.ts';
import { type Prepared, prepare } from './prepare.ts';
import { type Path, writeReadings } from './write.ts';

export interface PipelineDeps {
  readonly db: Database;
  readonly clock: Clock;
  readonly directory: ChannelDirectory;
  readonly buffers: CopyBuffers;
  readonly hint: PathHint;
  readonly policy: EqualRankPolicy;
}

/** What a process needs once, whatever number of batches it has under way. */
export function openPipeline(
  db: Database,
  clock: Clock,
  policy: EqualRankPolicy = 'replace',
): PipelineDeps {
  return {
    db,
    clock,
    directory: new ChannelDirectory(db, clock),
    buffers: new CopyBuffers(),
    hint: new PathHint(),
    policy,
  };
}

export interface BatchOutcome {
  readonly batchId: number;
  readonly counts: Conservation;
  /** True when the batch had been committed before and nothing was done. */
  readonly repeated: boolean;
}

/** Who and what stands behind a batch that no gateway sealed. */
export interface BatchOptions {
  readonly actor?: string;
  /** A person asked for it: no age limit. */
  readonly anyAge?: boolean;
  /** The estimates of a day's close, which do not make that day dirty again. */
  readonly closing?: boolean;
  /** Work of the same transaction, after the rows are written. */
  readonly alongside?: (tx: Connection, batchId: number) => Promise<void>;
}

/** Another transaction wrote one of our keys in between: begin again. */
class Met extends Error {}

export async function processBatch(
  batch: SealedBatch,
  deps: PipelineDeps,
  options: BatchOptions = {},
): Promise<BatchOutcome> {
  await deps.directory.learn(batch.blocks);
  let path: Path = deps.hint.choose(batch, deps.clock.nowMs());
  for (let restarts = 0; ; restarts += 1) {
    try {
      // Judged anew each time: the outcome belongs to one transaction.
      const prepared = prepareBatch(batch, deps, options);
      const outcome = await writeBatch(batch, prepared, path, deps, options);
      if (outcome.counts.duplicate > prepared.duplicate) deps.hint.met(batch.origin);
      return outcome;
    } catch (error) {
      if (!(error instanceof Met) || restarts >= LIMITS.ingestRestartsMax) {
        throw error instanceof Met ? error.cause : error;
      }
      path = 'careful';
      deps.hint.met(batch.origin);
    }
  }
}

function prepareBatch(batch: SealedBatch, deps: PipelineDeps, options: BatchOptions): Prepared {
  const limits = arrivalContext(batch.origin, batch.receivedMs);
  const ctx = options.anyAge === true ? { ...limits, tooOldMs: undefined } : limits;
  const prepared = prepare(batch, (block) => deps.directory.find(block), ctx);
  if (prepared.offered !== batch.offered) {
    throw new Error(`batch ${batch.uid} offers ${batch.offered}, but holds ${prepared.offered}`);
  }
  const policy = deps.policy;
  settleOverlaps(prepared.intervals, batch.origin, policy, prepared);
  settleOverlaps(prepared.registers, batch.origin, policy, prepared);
  return prepared;
}

function writeBatch(
  batch: SealedBatch,
  prepared: Prepared,
  path: Path,
  deps: PipelineDeps,
  options: BatchOptions,
): Promise<BatchOutcome> {
  return readingTransaction(deps.db, async (tx) => {
    const assumed = countsOf(prepared, 0);
    const opened = await openBatch(tx, newBatch(batch, assumed, prepared.absent, options));
    if (opened === undefined) return await outcomeOf(tx, batch.uid);
    const { origin } = batch;
    const policy = deps.policy;
    const write = { prepared, path, origin, policy, buffers: deps.buffers, batchId: opened.id };
    const written = await writeReadings(tx, write).catch((error: unknown) => {
      throw isMeeting(error) ? new Met('keys exist', { cause: error }) : error;
    });
    await noteLate(tx, opened.closedDate, written, options.closing !== true);
    await addRefused(tx, 'quarantine', opened.id, prepared.quarantined.finish());
    await addRefused(tx, 'rejection', opened.id, prepared.rejected.finish());
    await options.alongside?.(tx, opened.id);
    const counts = countsOf(prepared, written.duplicate);
    if (counts.stored !== written.inserted + written.replaced || !isConserved(counts)) {
      throw new Error(`batch ${batch.uid} does not add up: ${canonicalJson({ counts, written })}`);
    }
    if (canonicalJson(counts) !== canonicalJson(assumed)) {
      await setBatchCounts(tx, opened.id, counts);
    }
    if (written.replaced > 0) await auditReplaced(tx, batch, opened.id, written.replaced, options);
    return { batchId: opened.id, counts, repeated: false };
  });
}

/** A key that exists, a version that was replaced meanwhile, or two writers that wait for each other. */
function isMeeting(error: unknown): boolean {
  if (error instanceof VersionMoved) return true;
  const state = sqlState(error);
  return state === UNIQUE_VIOLATION || state === '40P01';
}

function countsOf(prepared: Prepared, duplicateStored: number): Conservation {
  const duplicate = prepared.duplicate + duplicateStored;
  const rejected = prepared.rejected.records;
  const quarantined = prepared.quarantined.records;
  const { offered } = prepared;
  return {
    offered,
    stored: offered - duplicate - rejected - quarantined,
    duplicate,
    rejected,
    quarantined,
  };
}

/** The row of a sealed batch, with its bytes. */
export function newBatch(
  batch: SealedBatch,
  counts: Conservation,
  absent: number,
  options: BatchOptions,
): NewBatch {
  return {
    uid: batch.uid,
    origin: batch.origin,
    receivedMs: batch.receivedMs,
    actor: options.actor ?? 'ingest',
    messages: batch.messages,
    counts,
    absent,
    ...(batch.raw === ''
      ? undefined
      : {
          raw: Buffer.from(batch.raw, 'base64'),
          rawHash: Buffer.from(batch.rawHash, 'hex'),
        }),
  };
}

async function outcomeOf(tx: Connection, uid: string): Promise<BatchOutcome> {
  const recorded = await recordedBatch(tx, uid);
  if (recorded === undefined) throw new Error(`batch ${uid} is neither new nor there`);
  return { batchId: recorded.id, counts: recorded.counts, repeated: true };
}

function auditReplaced(
  tx: Connection,
  batch: SealedBatch,
  batchId: number,
  replaced: number,
  options: BatchOptions,
): Promise<void> {
  return appendAudit(tx, {
    chain: 'ingest',
    actor: options.actor ?? batch.origin,
    action: 'readings.replaced',
    subjectKind: 'batch',
    subjectId: String(batchId),
    detail: { origin: batch.origin, replaced, uid: batch.uid },
  });
}

/** Everything a batch holds, for callers that build one themselves. */
export function offeredOf(batch: Pick<SealedBatch, 'blocks' | 'refusals'>): number {
  const values = batch.blocks.reduce((sum, block) => sum + offeredValues(block), 0);
  return batch.refusals.reduce((sum, refusal) => sum + refusal.records, values);
}
