/**
 * A sealed batch as blocks that can be stored: channel known, arrival rules passed, values converted,
 * each (channel, start) at most once. What cannot be stored is gathered with its reason. Pure.
 */
import {
  type FaultCode,
  type FaultDetail,
  FLAG,
  formatInstant,
  offeredValues,
  QUALITY,
  type SealedBatch,
} from '../../domain/index.ts';
import { convertValues, scaleOf } from '../vee/arrival/convert.ts';
import { gridOffsetMs, midnightAfter } from '../vee/arrival/grid.ts';
import type { ArrivalContext, ChannelEntry } from '../vee/arrival/rule.ts';
import { ARRIVAL_RULES } from '../vee/arrival/rules.ts';
import { RunCollector, type SourceBlock } from './runs.ts';

const DAY_S = 86_400;
const SUSPECT_FLAGS = FLAG.OVERFLOW | FLAG.TEST_MODE | FLAG.DEVICE_ERROR;

/** Values of one channel at startMs + i * stepMs, in the channel's unit. Null = nothing to store. */
export interface ReadyBlock {
  readonly source: SourceBlock;
  /** Index in the source block of the first value. */
  readonly offset: number;
  readonly entry: ChannelEntry;
  readonly startMs: number;
  readonly stepMs: number;
  values: readonly (number | null)[];
  /** Flag bits added to all values. */
  readonly addedFlags: number;
}

export interface Prepared {
  readonly intervals: ReadyBlock[];
  readonly registers: ReadyBlock[];
  readonly quarantined: RunCollector;
  readonly rejected: RunCollector;
  duplicate: number;
  offered: number;
  absent: number;
}

/** The entry of a block's channel, or why there is none. */
export type Resolve = (block: SourceBlock) => ChannelEntry | 'METER_UNKNOWN' | 'CHANNEL_UNKNOWN';

export function prepare(batch: SealedBatch, resolve: Resolve, ctx: ArrivalContext): Prepared {
  const prepared: Prepared = {
    intervals: [],
    registers: [],
    quarantined: new RunCollector(),
    rejected: new RunCollector(),
    duplicate: 0,
    offered: 0,
    absent: 0,
  };
  for (const refusal of batch.refusals) {
    prepared.offered += refusal.records;
    prepared.quarantined.addRefusal(refusal);
  }
  for (const block of batch.blocks) {
    const offered = offeredValues(block);
    prepared.offered += offered;
    prepared.absent += block.values.length - offered;
    if (offered > 0) prepareBlock(block, resolve(block), ctx, prepared);
  }
  return prepared;
}

function prepareBlock(
  block: SourceBlock,
  entry: ReturnType<Resolve>,
  ctx: ArrivalContext,
  prepared: Prepared,
): void {
  if (typeof entry === 'string') {
    const detail = { meter: block.meter, channel: block.channel };
    prepared.quarantined.addRange(block, 0, block.values.length, entry, detail);
    return;
  }
  const kept = judgeArrival(block, entry, ctx, prepared.quarantined);
  if (kept === undefined) return;
  const scale = scaleOf(block, entry.channel);
  if (scale === undefined) {
    const { code, unit, exponent } = entry.channel;
    const expected = `10^${exponent} ${unit}`;
    const detail = { given: block.unit, channel: code, expected };
    prepared.quarantined.addRange(block, kept.from, kept.to, 'UNIT_MISMATCH', detail);
    return;
  }
  const given = kept.all ? block.values : block.values.slice(kept.from, kept.to);
  const { values, problems } = convertValues(given, scale, entry.channel.direction === 'net');
  for (const { index, code } of problems) {
    const at = kept.from + index;
    prepared.quarantined.add(block, at, code, () => valueDetail(block, at, code, entry));
  }
  if (problems.length === offeredValues({ values: given })) return;
  place(block, kept.from, entry, values, prepared);
}

function valueDetail(block: SourceBlock, index: number, code: FaultCode, entry: ChannelEntry) {
  const value = block.values[index] ?? undefined;
  const { unit, exponent } = entry.channel;
  const detail: FaultDetail = { value, unit: `10^${exponent} ${unit}` };
  return code === 'PAYLOAD_SCHEMA' ? { detail: `value ${value} is no decimal number` } : detail;
}

/** The range of values that no arrival rule refused; undefined = none. */
function judgeArrival(
  block: SourceBlock,
  entry: ChannelEntry,
  ctx: ArrivalContext,
  quarantined: RunCollector,
): { from: number; to: number; all: boolean } | undefined {
  let from = 0;
  let to = block.values.length;
  for (const rule of ARRIVAL_RULES) {
    for (const finding of rule.check(block, entry, ctx)) {
      const [first, last] = [Math.max(finding.from, from), Math.min(finding.to, to)];
      if (first >= last) continue;
      quarantined.addRange(block, first, last, finding.code, finding.detail);
      // Findings cover the whole block, its beginning (too old) or its end (future).
      if (first === from) from = last;
      else to = first;
    }
    if (from >= to) return undefined;
  }
  return { from, to, all: from === 0 && to === block.values.length };
}

function place(
  source: SourceBlock,
  offset: number,
  entry: ChannelEntry,
  values: readonly (number | null)[],
  prepared: Prepared,
): void {
  const stepMs = source.intervalS * 1_000;
  const given = source.startMs + offset * stepMs;
  if (source.kind === 'register') {
    prepared.registers.push({
      source,
      offset,
      entry,
      startMs: given,
      stepMs,
      values,
      addedFlags: 0,
    });
    return;
  }
  // The channel's length: a local day that lasts 23 hours still begins at midnight.
  const { intervalS } = entry.channel;
  const off = gridOffsetMs(given, intervalS, entry.zone);
  const startMs = given - off;
  const addedFlags = off === 0 ? 0 : FLAG.CLOCK_ROUNDED;
  if (intervalS !== DAY_S || entry.zone === undefined || values.length === 1) {
    // Written out: a spread here costs more than all rules together.
    prepared.intervals.push({ source, offset, entry, startMs, stepMs, values, addedFlags });
    return;
  }
  const { zone } = entry;
  for (const [i, value] of values.entries()) {
    const midnight = { startMs: midnightAfter(startMs, i, zone), values: [value] };
    prepared.intervals.push({ source, offset: offset + i, entry, stepMs, addedFlags, ...midnight });
  }
}

/** Quality to store: raw readings that passed arrival are valid, unless the device doubts them. */
export function storedQuality(block: ReadyBlock, index: number): number {
  const { quality, qualities } = block.source;
  const declared = qualities?.[block.offset + index] ?? quality ?? QUALITY.RAW.code;
  if (declared !== QUALITY.RAW.code) return declared;
  const flags = block.source.flags?.[block.offset + index] ?? 0;
  return (flags & SUSPECT_FLAGS) === 0 ? QUALITY.VALID.code : QUALITY.SUSPECT.code;
}

export function storedFlags(block: ReadyBlock, index: number): number {
  return (block.source.flags?.[block.offset + index] ?? 0) | block.addedFlags;
}

export function startOf(block: ReadyBlock, index: number): number {
  return block.startMs + index * block.stepMs;
}

/** Takes a value out of a block without touching the list it came from. */
export function blank(block: ReadyBlock, index: number): void {
  block.values = block.values.with(index, null);
}

export function detailOf(block: ReadyBlock, index: number, more: FaultDetail = {}): FaultDetail {
  return {
    start: formatInstant(startOf(block, index)),
    value: block.values[index] ?? undefined,
    ...more,
  };
}
