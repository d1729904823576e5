/** `meterline dlms profile`: the intervals of a load profile in a table. */
import {
  DAY_MS,
  Fault,
  flagNames,
  formatInstant,
  formatScaled,
  parseInstant,
  type ReadingBlock,
} from '../../domain/index.ts';
import type { Context } from '../context.ts';
import { type Column, table } from '../output/table.ts';
import type { Bench } from './bench.ts';
import { sayClock } from './read.ts';

export interface ProfileFlags {
  readonly from?: string;
  readonly to?: string;
  readonly instance?: string;
  readonly registers?: boolean;
  readonly json?: boolean;
}

interface Line {
  readonly startMs: number;
  readonly flags: number;
  readonly values: ReadonlyMap<string, string>;
}

export async function showProfile(
  ctx: Context,
  { driver, target }: Bench,
  flags: ProfileFlags,
): Promise<void> {
  const toMs = instant('--to', flags.to) ?? ctx.clock.nowMs();
  const fromMs = instant('--from', flags.from) ?? toMs - DAY_MS;
  const reading = await driver.collectProfile(target, {
    fromMs,
    toMs,
    instance: flags.instance,
    as: flags.registers === true ? 'registers' : 'intervals',
  });
  const { blocks, notes, rows, time } = reading;
  if (flags.json === true) {
    const { driftMs, uncertainMs } = time;
    const clock = { driftMs, uncertainMs };
    ctx.out(JSON.stringify({ meter: target.meter, clock, rows, notes, blocks }));
    return;
  }
  const channels = [...new Set(blocks.map((b) => b.channel))];
  const columns: Column<Line>[] = [
    { head: flags.registers === true ? 'at' : 'start', value: (l) => formatInstant(l.startMs) },
    ...channels.map((channel) => ({
      head: `${channel} ${blocks.find((b) => b.channel === channel)?.unit ?? ''}`,
      right: true,
      value: (l: Line) => l.values.get(channel) ?? '',
    })),
    { head: 'flags', value: (l) => flagNames(l.flags).join(' ') },
  ];
  ctx.out(table(columns, linesOf(blocks)));
  const values = blocks.reduce((sum, b) => sum + b.values.length, 0);
  ctx.out(`${values} values of ${channels.length} channels from ${rows} rows; ${sayClock(time)}`);
  for (const note of notes) ctx.out(`note: ${note}`);
}

/** One line for each start; a start that came twice has two. */
function linesOf(blocks: readonly ReadingBlock[]): Line[] {
  const lines = new Map<string, { startMs: number; flags: number; values: Map<string, string> }>();
  for (const block of blocks) {
    const seen = new Map<number, number>();
    block.values.forEach((value, i) => {
      const startMs = block.startMs + i * block.intervalS * 1_000;
      const again = seen.get(startMs) ?? 0;
      seen.set(startMs, again + 1);
      let key = `${startMs}/${again}`;
      while (lines.get(key)?.values.has(block.channel)) key += '+';
      const line = lines.get(key) ?? { startMs, flags: 0, values: new Map<string, string>() };
      const text = typeof value === 'number' ? formatScaled(value, block.decimals ?? 0) : value;
      line.values.set(block.channel, text ?? '-');
      line.flags |= block.flags?.[i] ?? 0;
      lines.set(key, line);
    });
  }
  return [...lines.values()].sort((a, b) => a.startMs - b.startMs);
}

function instant(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const ms = parseInstant(text);
  if (ms !== undefined) return ms;
  const detail = `${name} must be a time with its zone, such as 2026-05-12T00:00:00Z`;
  throw new Fault('BAD_REQUEST', { detail });
}
