/** The billing role: bill shards, collections. */
import { startCollectionsWorker } from '../../billing/collections/worker.ts';
import { type BillWorker, startBillWorker } from '../../billing/invoices/worker.ts';
import type { Role, RoleDeps } from './role.ts';

export interface BillingRole extends Role {
  readonly bills: BillWorker;
}

export async function startBilling(deps: RoleDeps): Promise<BillingRole> {
  const { db, clock, log, prefix, random, redis } = deps;
  const bills = startBillWorker({ db, clock, random, redis, prefix, log });
  const collections = startCollectionsWorker({ db, clock, random, jitter: random, log });
  return {
    bills,
    checks: [],
    plugins: [],
    async stop() {
      await collections.stop();
      await bills.stop();
    },
  };
}
