/**
 * The shape of an arrival rule: pure, over a whole block, fast enough for the hot path. A rule that
 * is content returns NONE and allocates nothing.
 */
import type { Channel, FaultCode, FaultDetail, ReadingBlock } from '../../../domain/index.ts';

export type Severity = 'INFO' | 'ISSUE' | 'TERMINATE';

/** A channel as arrival rules and the pipeline know it. */
export interface ChannelEntry {
  readonly serial: string;
  readonly channel: Channel;
  /** Zone of the service point; known only where the grid depends on it (intervals over 15 min). */
  readonly zone?: string;
  /** Most that can flow in one interval, or through a register in one hour. */
  readonly intervalMax?: number;
}

export interface ArrivalContext {
  /** When the batch reached us: waiting in a queue makes nothing too old. Epoch ms. */
  readonly receivedMs: number;
  readonly futureToleranceMs: number;
  /** Undefined = no age limit (files, and what a person replays). */
  readonly tooOldMs: number | undefined;
  readonly snapToGridMs: number;
  /** True for head-ends and files: they may declare qualities above a plain actual. */
  readonly mayOutrank: boolean;
}

/** Values [from, to) of the block are refused with this code. */
export interface ArrivalFinding {
  readonly code: FaultCode;
  readonly detail: FaultDetail;
  readonly from: number;
  readonly to: number;
}

export interface ArrivalRule {
  readonly id: string;
  readonly version: number;
  readonly severity: Severity;
  check(block: ReadingBlock, entry: ChannelEntry, ctx: ArrivalContext): readonly ArrivalFinding[];
}

export const NONE: readonly ArrivalFinding[] = [];

/** A finding on all values of a block. */
export function whole(
  block: ReadingBlock,
  code: FaultCode,
  detail: FaultDetail,
): readonly ArrivalFinding[] {
  return [{ code, detail, from: 0, to: block.values.length }];
}
