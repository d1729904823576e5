/** What every transaction of collections is given, and what it knows while it works on an account. */
import type { AccountGuard } from '../../db/account-guards.ts';
import type { Database, Queryable } from '../../db/pool.ts';
import type { Clock, RandomBytes } from '../../domain/index.ts';
import type { AccountFacts } from './model.ts';
import type { KnownPlan } from './schema.ts';

export interface CollectDeps {
  readonly db: Database;
  readonly clock: Clock;
  readonly random: RandomBytes;
  /** Spreads the cuts of one morning (threat T10); absent: each begins with its window. */
  readonly jitter?: RandomBytes;
}

export interface Work {
  readonly tx: Queryable;
  readonly deps: CollectDeps;
  readonly nowMs: number;
  /** Locked; its version goes with every disconnect. */
  readonly guard: AccountGuard;
  readonly facts: AccountFacts;
  readonly known: KnownPlan;
}
