/** The ingest role: the readings queue into the database, the ledger of intervals. */
import { batchTotals } from '../../db/conservation.ts';
import { type LedgerWorker, startLedgerWorker } from '../../ingest/ledger/worker.ts';
import { openPipeline, type PipelineDeps } from '../../ingest/pipeline/process-batch.ts';
import { startIngestWorker } from '../../ingest/pipeline/worker.ts';
import type { Role, RoleDeps } from './role.ts';

export interface IngestRole extends Role {
  readonly pipeline: PipelineDeps;
  readonly ledger: LedgerWorker;
}

/** @param onCommitted a hint for the gateway when it runs in the same process */
export async function startIngest(
  deps: RoleDeps,
  onCommitted: (uid: string) => void,
): Promise<IngestRole> {
  const { db, clock, log, prefix, random, redis, redisUrl } = deps;
  const pipeline = openPipeline(db, clock);
  const worker = startIngestWorker({
    redisUrl,
    pipeline,
    prefix,
    onCommitted,
    onError: (error, uid) => log.warn({ err: error, uid }, 'ingest'),
  });
  await worker.ready();
  const ledger = startLedgerWorker({ pipeline, random, redis, prefix, log });
  deps.metrics.gauges('meterline_records', 'records of all batches by fate', 'fate', async () => {
    const totals = await batchTotals(db);
    return new Map(Object.entries(totals));
  });
  return {
    pipeline,
    ledger,
    checks: [],
    plugins: [],
    async stop() {
      await ledger.stop();
      await worker.close();
    },
  };
}
