/** Settings without which an acknowledgement would be a lie; start-up refuses when they differ. */
import { Fault } from '../domain/index.ts';
import type { Queryable } from './pool.ts';

const NEEDED: readonly { setting: string; allowed: readonly string[] }[] = [
  { setting: 'fsync', allowed: ['on'] },
  { setting: 'full_page_writes', allowed: ['on'] },
  { setting: 'synchronous_commit', allowed: ['on', 'remote_apply', 'remote_write'] },
];

/** Throws UNSAFE_DURABILITY naming the first setting that is wrong. */
export async function checkDurability(db: Queryable): Promise<void> {
  for (const { setting, allowed } of NEEDED) {
    const [row] = await db.query<{ value: string }>('SELECT current_setting($1) AS value', [
      setting,
    ]);
    const value = row?.value ?? 'unknown';
    if (!allowed.includes(value)) {
      throw new Fault('UNSAFE_DURABILITY', {
        engine: 'PostgreSQL',
        setting,
        value,
        needed: allowed.join(' or '),
      });
    }
  }
}
