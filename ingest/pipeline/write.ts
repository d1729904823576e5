/** The rows of one prepared batch, by the fast or the careful path, inside its transaction. */
import type { Connection } from '../../db/pool.ts';
import { type Insertion, lockChannels, settleExisting } from './careful.ts';
import { type CopyBuffers, copyInsertions } from './copy.ts';
import type { EqualRankPolicy } from './judge.ts';
import type { Prepared } from './prepare.ts';
import { judgeRegisters } from './registers.ts';

/** Fast: every row is taken to be new. Careful: what is stored is looked up and judged first. */
export type Path = 'fast' | 'careful';

export interface Written {
  inserted: number;
  replaced: number;
  duplicate: number;
  /** Interval rows that are new. */
  insertions: readonly Insertion[];
  /** Interval rows that were replaced. */
  changes: { channelIds: number[]; startsMs: number[]; deltas: number[] };
}

export interface Write {
  readonly prepared: Prepared;
  readonly path: Path;
  readonly origin: string;
  readonly policy: EqualRankPolicy;
  readonly buffers: CopyBuffers;
  readonly batchId: number;
}

export async function writeReadings(tx: Connection, write: Write): Promise<Written> {
  const { prepared, path } = write;
  const careful = path === 'careful' ? prepared.intervals : [];
  const locked = [...careful, ...prepared.registers];
  if (locked.length > 0) await lockChannels(tx, locked);
  const written: Written = {
    inserted: 0,
    replaced: 0,
    duplicate: 0,
    insertions: prepared.intervals.map((block) => ({ block, values: block.values })),
    changes: { channelIds: [], startsMs: [], deltas: [] },
  };
  if (careful.length > 0) {
    const tally = await settleExisting(tx, { ...write, table: 'reading', blocks: careful });
    Object.assign(written, tally);
  }
  const rows = { table: 'reading' as const, insertions: written.insertions };
  written.inserted = await copyInsertions(tx, { ...write, ...rows });
  if (prepared.registers.length > 0) await writeRegisters(tx, write, written);
  return written;
}

async function writeRegisters(tx: Connection, write: Write, written: Written): Promise<void> {
  const table = 'register_read';
  const blocks = await judgeRegisters(tx, write.prepared);
  const tally = await settleExisting(tx, { ...write, table, blocks });
  const { insertions } = tally;
  written.inserted += await copyInsertions(tx, { ...write, table, insertions });
  written.replaced += tally.replaced;
  written.duplicate += tally.duplicate;
}
