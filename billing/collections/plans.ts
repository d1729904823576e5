/** The plans that are stored, and which of them an account is collected by. */
import { listPlans, savePlan } from '../../db/collections.ts';
import type { Database, Queryable } from '../../db/pool.ts';
import { acceptPlan } from './parse.ts';
import type { KnownPlan, Plan } from './schema.ts';

export interface PlanBook {
  /** The revision that a case was opened under. */
  find(code: string, revision: number): KnownPlan | undefined;
  /** The newest plan in the currency; one that names the branch goes before one for all. */
  choose(account: { readonly currency: string; readonly branch: string }): KnownPlan | undefined;
}

export async function loadPlans(db: Queryable): Promise<PlanBook> {
  const rows = await listPlans(db);
  const plans = rows.map((row) => ({
    plan: acceptPlan(row.definition),
    revision: row.revision,
    hash: row.definition_hash,
  }));
  return planBook(plans);
}

/** Plans in order of code and revision. */
export function planBook(plans: readonly KnownPlan[]): PlanBook {
  const newest = [...new Map(plans.map((known) => [known.plan.code, known])).values()];
  return {
    find: (code, revision) => plans.find((k) => k.plan.code === code && k.revision === revision),
    choose({ currency, branch }) {
      const fits = newest.filter((k) => k.plan.currency === currency);
      return (
        fits.find((k) => k.plan.branches?.includes(branch)) ??
        fits.find((k) => k.plan.branches === undefined)
      );
    },
  };
}

/** Stores a plan; throws PLAN_INVALID with every problem. Cases keep the revision they have. */
export function storePlan(db: Database, definition: unknown, actor: string) {
  const plan: Plan = acceptPlan(definition);
  return db.transaction((tx) => savePlan(tx, plan.code, plan, actor));
}
