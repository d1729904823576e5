/** Whether an acknowledgement still means what it says: the engines are asked at each /readyz. */
import type { Redis } from 'ioredis';
import { checkDurability } from '../../db/durability.ts';
import type { Queryable } from '../../db/pool.ts';
import { describeError, Fault, isFault } from '../../domain/index.ts';
import type { HealthCheck } from './health.ts';

const REDIS_NEEDED = [
  ['appendonly', 'yes'],
  ['maxmemory-policy', 'noeviction'],
] as const;

/** Throws UNSAFE_DURABILITY naming the first setting without which jobs could vanish. */
export async function checkRedis(redis: Redis): Promise<void> {
  for (const [setting, needed] of REDIS_NEEDED) {
    const answer = (await redis.config('GET', setting)) as string[];
    const value = answer[1] ?? 'unknown';
    if (value === needed) continue;
    throw new Fault('UNSAFE_DURABILITY', { engine: 'Redis', setting, value, needed });
  }
}

/** @param allowed started with METERLINE_UNSAFE_DURABILITY: ready all the same, and says so */
export function durabilityCheck(db: Queryable, redis: Redis, allowed: boolean): HealthCheck {
  return {
    name: 'durability',
    async check() {
      if (redis.status !== 'ready') throw new Error(`redis is ${redis.status}`);
      try {
        await checkDurability(db);
        await checkRedis(redis);
        return allowed ? 'as needed, but would start without' : 'as needed';
      } catch (error) {
        if (!allowed || !isFault(error, 'UNSAFE_DURABILITY')) throw error;
        return `UNSAFE, started with METERLINE_UNSAFE_DURABILITY: ${describeError(error)}`;
      }
    },
  };
}
