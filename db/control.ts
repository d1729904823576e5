/** The kill switch of all breakers. Anybody with the scope stops; only a second person restarts. */
import { Fault } from '../domain/index.ts';
import { appendAudit } from './audit.ts';
import type { Database, Queryable } from './pool.ts';

const KILL = 'breaker.kill';

/** Any fixed number: all gateways agree on it. */
const BREAKER_LOCK = 7_211_905;

/**
 * One breaker decision at a time in the whole installation, until the transaction ends: so the
 * budgets are one, however many gateways run, and a stop waits its turn instead of starving.
 */
export async function lockBreakers(tx: Queryable): Promise<void> {
  await tx.query('SELECT pg_advisory_xact_lock($1)', [BREAKER_LOCK]);
}

export interface KillSwitch {
  /** True unless the row is there and says 'off': what is not known is safe. */
  readonly on: boolean;
  readonly setBy: string | undefined;
  readonly setAtMs: number | undefined;
}

interface FlagRow extends Record<string, unknown> {
  value: string;
  set_by: string;
  set_at: number;
}

export async function readKillSwitch(db: Queryable): Promise<KillSwitch> {
  return look(db, '');
}

/** As read, and held against a change until the sending transaction ends. */
export async function holdKillSwitch(tx: Queryable): Promise<KillSwitch> {
  return look(tx, 'FOR SHARE');
}

async function look(db: Queryable, lock: '' | 'FOR SHARE' | 'FOR UPDATE'): Promise<KillSwitch> {
  const [row] = await db.query<FlagRow>(
    `SELECT value, set_by, set_at FROM control_flag WHERE name = $1 ${lock}`,
    [KILL],
  );
  return { on: row?.value !== 'off', setBy: row?.set_by, setAtMs: row?.set_at };
}

/**
 * Once this has returned with `on`, no claim commits any more. Turning it off by the one who turned
 * it on is SECOND_PERSON; a missing row counts as on and is set on first.
 */
export async function setKillSwitch(
  db: Database,
  on: boolean,
  actor: string,
  reason: string,
): Promise<KillSwitch> {
  return db.transaction(async (tx) => {
    await lockBreakers(tx);
    await tx.query(
      `INSERT INTO control_flag (name, value, set_by) VALUES ($1, 'on', $2) ON CONFLICT DO NOTHING`,
      [KILL, actor],
    );
    const before = await look(tx, 'FOR UPDATE');
    if (!on && before.on && before.setBy === actor) {
      throw new Fault('SECOND_PERSON', { what: 'releasing the kill switch', actor });
    }
    // Who stopped first stays the one who may not release, also when another says stop again.
    if (before.on !== on) {
      await tx.query(
        'UPDATE control_flag SET value = $2, set_by = $3, set_at = clock_timestamp() WHERE name = $1',
        [KILL, on ? 'on' : 'off', actor],
      );
    }
    await appendAudit(tx, {
      chain: 'command',
      actor,
      action: on ? 'breaker.killed' : 'breaker.released',
      subjectKind: 'control',
      subjectId: KILL,
      detail: { reason, before: before.on ? 'on' : 'off' },
    });
    return look(tx, '');
  });
}
