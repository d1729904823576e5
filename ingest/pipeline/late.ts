/** Readings that arrive after their day was closed: one comparison a block, rarely more. */
import { markClosedDays } from '../../db/closed-days.ts';
import type { Connection } from '../../db/pool.ts';
import { DAY_MS, HOUR_MS } from '../../domain/index.ts';
import { startOf } from './prepare.ts';
import type { Written } from './write.ts';

/** Local days end up to 12 hours after the same day in UTC (UTC-12). */
const LATEST_ZONE_MS = 12 * HOUR_MS;

export async function noteLate(
  tx: Connection,
  closedDate: string | undefined,
  written: Written,
  makesDirty: boolean,
): Promise<void> {
  if (closedDate === undefined) return;
  const horizonMs = Date.parse(`${closedDate}T00:00:00Z`) + DAY_MS + LATEST_ZONE_MS;
  const late = { channelIds: [] as number[], startsMs: [] as number[], deltas: [] as number[] };
  for (const { block, values } of written.insertions) {
    if (block.startMs >= horizonMs) continue;
    values.forEach((value, i) => {
      if (value === null || startOf(block, i) >= horizonMs) return;
      late.channelIds.push(block.entry.channel.id);
      late.startsMs.push(startOf(block, i));
      late.deltas.push(value);
    });
  }
  if (late.channelIds.length > 0) await markClosedDays(tx, late, closedDate, 'late', makesDirty);
  const { changes } = written;
  if (changes.channelIds.some((_, i) => (changes.startsMs[i] as number) < horizonMs)) {
    await markClosedDays(tx, changes, closedDate, 'replaced', makesDirty);
  }
}
