/**
 * Register reads: each is judged against the one before it (and the one after it, when it comes
 * late), so that a fall is a rollover or nobody's reading (vee.md 4.5).
 *
 * Plausible for a rollover: `intervalMax` of the channel, taken per hour, times the hours between
 * the reads; where it is not known, a tenth of the register's range.
 */
import type { Connection } from '../../db/pool.ts';
import { type Neighbour, registerNeighbours } from '../../db/register-reads.ts';
import { FLAG, HOUR_MS, type RegisterDelta, registerDelta } from '../../domain/index.ts';
import type { ChannelEntry } from '../vee/arrival/rule.ts';
import { blank, detailOf, type Prepared, type ReadyBlock, startOf } from './prepare.ts';

interface Read {
  readonly block: ReadyBlock;
  readonly index: number;
  readonly atMs: number;
  readonly value: number;
}

/**
 * Takes reads that fell without a rollover out of the blocks, into quarantine. Returns one block a
 * read, flagged where the register rolled over. Locks of the channels must be held.
 */
export async function judgeRegisters(tx: Connection, prepared: Prepared): Promise<ReadyBlock[]> {
  const reads = inOrder(prepared.registers);
  const neighbours = await registerNeighbours(
    tx,
    reads.map((read) => ({ channelId: read.block.entry.channel.id, atMs: read.atMs })),
  );
  const accepted: ReadyBlock[] = [];
  let last: Read | undefined;
  reads.forEach((read, i) => {
    const { entry } = read.block;
    const { before, after } = neighbours[i] as { before?: Neighbour; after?: Neighbour };
    const earlier = last?.block.entry === entry ? later(last, before) : before;
    const delta = earlier === undefined ? undefined : deltaOf(earlier, read, entry);
    const next = after === undefined ? undefined : deltaOf(read, after, entry);
    if (delta?.kind === 'decrease' || next?.kind === 'decrease') {
      refuse(read, (delta?.kind === 'decrease' ? earlier : after)?.value, prepared);
      return;
    }
    last = read;
    accepted.push(asBlock(read, delta?.kind === 'rollover'));
  });
  return accepted;
}

function inOrder(blocks: readonly ReadyBlock[]): Read[] {
  const reads = blocks.flatMap((block) =>
    block.values.flatMap((value, index) =>
      value === null ? [] : [{ block, index, atMs: startOf(block, index), value }],
    ),
  );
  const channel = (read: Read) => read.block.entry.channel.id;
  return reads.sort((a, b) => channel(a) - channel(b) || a.atMs - b.atMs);
}

function later(a: Neighbour, b: Neighbour | undefined): Neighbour {
  return b === undefined || a.atMs > b.atMs ? a : b;
}

function deltaOf(
  a: Neighbour,
  b: Neighbour,
  { channel, intervalMax }: ChannelEntry,
): RegisterDelta {
  if (channel.direction === 'net') return { kind: 'normal', delta: b.value - a.value };
  const hours = (b.atMs - a.atMs) / HOUR_MS;
  const plausible =
    intervalMax === undefined ? (channel.modulus ?? 0) / 10 : Math.ceil(intervalMax * hours);
  return registerDelta(a.value, b.value, channel.modulus, plausible);
}

function refuse(read: Read, previous: number | undefined, prepared: Prepared): void {
  const { block, index } = read;
  const detail = { previous, channel: block.source.channel };
  prepared.quarantined.add(block.source, block.offset + index, 'REGISTER_DECREASE', () =>
    detailOf(block, index, detail),
  );
  blank(block, index);
}

function asBlock({ block, index, atMs, value }: Read, rolledOver: boolean): ReadyBlock {
  return {
    ...block,
    offset: block.offset + index,
    startMs: atMs,
    values: [value],
    addedFlags: rolledOver ? FLAG.ROLLOVER : 0,
  };
}
