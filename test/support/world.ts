/** Small worlds for tests: one call gives a place with a meter, a channel and an account. */
import { loadMasterData, type MasterData } from '../../db/master.ts';
import type { Database } from '../../db/pool.ts';
import {
  type Clock,
  offeredValues,
  type ReadingBlock,
  type SealedBatch,
  uuidV7,
} from '../../domain/index.ts';
import { seededRandom } from '../../simulators/random.ts';

export interface FixedClock extends Clock {
  set(ms: number): void;
}

/** A clock that stands where it is put; waiting does not take time. */
export function fixedClock(atMs: number): FixedClock {
  let now = atMs;
  return {
    nowMs: () => now,
    monotonicMs: () => performance.now(),
    sleep: (_ms, signal) =>
      new Promise((resolve, reject) => {
        if (signal?.aborted) reject(signal.reason);
        else setTimeout(resolve, 1);
      }),
    set(ms) {
      now = ms;
    },
  };
}

export function seededBytes(seed: number | string) {
  const random = seededRandom(seed);
  return (count: number) => Uint8Array.from({ length: count }, () => random.below(256));
}

export interface HomeOptions {
  readonly zone?: string;
  readonly tariff?: string;
  readonly currency?: string;
  readonly contract?: Readonly<Record<string, string>>;
  readonly from?: string;
  readonly installedAt?: string;
  readonly register?: { readonly modulus: number };
  readonly protection?: 'none' | 'protected' | 'unknown';
  readonly protectionCheckedAt?: string;
  readonly intervalS?: number;
}

/** Customer, account, service point, meter with breaker and channel 1-0:1.8.0, named by `n`. */
export function home(n: string, options: HomeOptions = {}): MasterData {
  const meter = `M-${n}`;
  const channel = { meter, code: '1-0:1.8.0', direction: 'import' as const, unit: 'Wh' };
  return {
    customers: [{ code: `C-${n}`, name: `Customer ${n}` }],
    accounts: [
      {
        number: `A-${n}`,
        customer: `C-${n}`,
        branch: 'north',
        currency: options.currency ?? 'EUR',
      },
    ],
    servicePoints: [
      {
        code: `S-${n}`,
        timeZone: options.zone ?? 'Europe/Madrid',
        branch: 'north',
        feeder: 'F1',
        transformer: `T-${n}`,
        ...(options.protection && { protection: options.protection }),
        ...(options.protectionCheckedAt && { protectionCheckedAt: options.protectionCheckedAt }),
      },
    ],
    meters: [{ serial: meter, protocol: 'mqtt', hasBreaker: true, secret: `secret-${n}` }],
    channels: [
      { ...channel, kind: 'interval', intervalS: options.intervalS ?? 900 },
      ...(options.register
        ? [
            {
              ...channel,
              kind: 'register' as const,
              intervalS: 0,
              modulus: options.register.modulus,
            },
          ]
        : []),
    ],
    installations: [
      { meter, servicePoint: `S-${n}`, from: options.installedAt ?? '2026-01-01T00:00:00Z' },
    ],
    agreements: [
      {
        account: `A-${n}`,
        servicePoint: `S-${n}`,
        tariff: options.tariff ?? 'residential-tou',
        contract: options.contract ?? { kwP1: '4.6', kwP2: '4.6' },
        from: options.from ?? '2026-01-01',
      },
    ],
  };
}

export async function load(db: Database, ...worlds: MasterData[]): Promise<void> {
  for (const world of worlds) await db.transaction((tx) => loadMasterData(tx, world, 'test'));
}

/** A batch as a gateway would seal it, without raw bytes. */
export function batchOf(
  blocks: readonly ReadingBlock[],
  options: { origin?: string; receivedMs: number; seed?: string },
): SealedBatch {
  const random = seededBytes(options.seed ?? `${Math.random()}`);
  return {
    uid: uuidV7(options.receivedMs, random),
    origin: options.origin ?? 'mqtt',
    receivedMs: options.receivedMs,
    blocks: blocks.map((block) => ({ ...block, message: 0 })),
    refusals: [],
    messages: 1,
    offered: blocks.reduce((sum, block) => sum + offeredValues(block), 0),
    raw: '',
    rawHash: '',
  };
}

export function intervals(
  n: string,
  startMs: number,
  values: readonly (number | null)[],
  more: Partial<ReadingBlock> = {},
): ReadingBlock {
  return {
    kind: 'interval',
    meter: `M-${n}`,
    channel: '1-0:1.8.0',
    startMs,
    intervalS: 900,
    values,
    ...more,
  };
}
