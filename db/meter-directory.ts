/** The gateway's view of meters, from the database: who they are and whether a secret is theirs. */
import { timingSafeEqual } from 'node:crypto';
import type { Clock, MeterDirectory, MeterEntry, Protocol } from '../domain/index.ts';
import { hashSecret } from './master.ts';
import { isConnectionError, type Queryable, type Row } from './pool.ts';

/** Compared with when the meter is not known, so that both answers take the same work. */
const NOBODY = Buffer.alloc(32);

interface Known {
  readonly entry: MeterEntry;
  readonly secretHash: Buffer | null;
  readonly readMs: number;
}

interface MeterRow extends Row {
  readonly id: number;
  readonly serial: string;
  readonly protocol: Protocol;
  readonly has_breaker: boolean;
  readonly secret_hash: Buffer | null;
}

async function readMeter(db: Queryable, serial: string): Promise<MeterRow | undefined> {
  const [row] = await db.query<MeterRow>(
    'SELECT id, serial, protocol, has_breaker, secret_hash FROM meter WHERE serial = $1',
    [serial],
  );
  return row;
}

export interface DirectoryOptions {
  readonly db: Queryable;
  readonly clock: Clock;
  /** Entries kept in memory; the least recently read go first. */
  readonly entriesMax?: number;
  /** A revoked secret is noticed within this. */
  readonly maxAgeMs?: number;
}

export function databaseDirectory(options: DirectoryOptions): MeterDirectory {
  const entriesMax = options.entriesMax ?? 100_000;
  const maxAgeMs = options.maxAgeMs ?? 5_000;
  const known = new Map<string, Known>();

  async function look(serial: string): Promise<Known | undefined> {
    const now = options.clock.monotonicMs();
    const cached = known.get(serial);
    if (cached !== undefined && now - cached.readMs < maxAgeMs) return cached;
    let row: MeterRow | undefined;
    try {
      row = await readMeter(options.db, serial);
    } catch (error) {
      // Meters must be able to come back and deliver while the database is away.
      if (cached !== undefined && isConnectionError(error)) return cached;
      throw error;
    }
    known.delete(serial);
    if (row === undefined) return undefined;
    if (known.size >= entriesMax) known.delete(known.keys().next().value as string);
    const entry: MeterEntry = {
      id: row.id,
      serial: row.serial,
      protocol: row.protocol,
      hasBreaker: row.has_breaker,
    };
    const fresh = { entry, secretHash: row.secret_hash, readMs: now };
    known.set(serial, fresh);
    return fresh;
  }

  return {
    async authenticate(serial, secret) {
      const meter = await look(serial);
      const matches = timingSafeEqual(meter?.secretHash ?? NOBODY, hashSecret(secret));
      return matches && meter?.secretHash != null;
    },
    async find(serial) {
      return (await look(serial))?.entry;
    },
  };
}
