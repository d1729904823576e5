/** The ledger of channels an import created: days laid out as far as the file reaches, and closed. */
import { channelIds } from '../../db/imports.ts';
import { openLedgerDays } from '../../db/ledger.ts';
import { type CloseCounts, closeShard } from '../../ingest/ledger/close-shard.ts';
import type { Created } from './create.ts';
import type { ImportSession } from './session.ts';

export interface Closed extends CloseCounts {
  readonly laidOut: number;
}

/** Days that are not due yet stay open; the ingest role closes them in time. */
export async function closeCreated(
  session: ImportSession,
  created: Created,
): Promise<Closed | undefined> {
  const { endDate } = created;
  if (endDate === undefined) return undefined;
  const { db, random } = session.deps;
  const total = { laidOut: 0, complete: 0, examined: 0, estimated: 0, missing: 0, exceptions: 0 };
  for (const [from, to] of runsOf(await channelIds(db, created.channels))) {
    total.laidOut += await openLedgerDays(db, endDate, from, to);
    const counts = await closeShard({ pipeline: session.pipeline, random }, from, to);
    for (const key of Object.keys(counts) as (keyof CloseCounts)[]) total[key] += counts[key];
  }
  return total;
}

/** Half-open runs of neighbouring ids. */
function runsOf(ids: readonly number[]): [number, number][] {
  const runs: [number, number][] = [];
  for (const id of ids) {
    const last = runs.at(-1);
    if (last?.[1] === id) last[1] = id + 1;
    else runs.push([id, id + 1]);
  }
  return runs;
}
