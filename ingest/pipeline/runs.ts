/** Values that were not taken, gathered into runs: neighbours of one block with one reason. */
import {
  type FaultCode,
  type FaultDetail,
  offeredValues,
  type ReadingBlock,
  type Refusal,
  type SealedBatch,
  sayFault,
} from '../../domain/index.ts';

export type SourceBlock = SealedBatch['blocks'][number];

/** One quarantine or rejection row. */
export interface Run {
  readonly code: FaultCode | string;
  readonly reason: string;
  readonly message: number;
  readonly at: string;
  readonly records: number;
  /** The part of the block it stands for, to be replayed or shown; absent = never decoded. */
  readonly block?: ReadingBlock;
}

interface OpenRun {
  readonly source: SourceBlock;
  readonly code: FaultCode;
  readonly detail: FaultDetail;
  readonly from: number;
  to: number;
}

export class RunCollector {
  readonly #runs: OpenRun[] = [];
  readonly #refusals: Refusal[] = [];
  records = 0;

  /** The value at `index` of a block is not taken. `detail` is asked for once a run. */
  add(source: SourceBlock, index: number, code: FaultCode, detail: () => FaultDetail): void {
    this.records += 1;
    const last = this.#runs.at(-1);
    if (last?.source === source && last.code === code && isNext(source, last.to, index)) {
      last.to = index + 1;
      return;
    }
    this.#runs.push({ source, code, detail: detail(), from: index, to: index + 1 });
  }

  /** Values [from, to) of a block are not taken; absent values do not count. */
  addRange(source: SourceBlock, from: number, to: number, code: FaultCode, detail: FaultDetail) {
    const records = offeredValues({ values: source.values.slice(from, to) });
    if (records === 0) return;
    this.records += records;
    this.#runs.push({ source, code, detail, from, to });
  }

  /** What the gateway could not decode. */
  addRefusal(refusal: Refusal): void {
    this.records += refusal.records;
    this.#refusals.push(refusal);
  }

  finish(): Run[] {
    const refused = this.#refusals.map(({ code, reason, message, at, records }) => ({
      code,
      reason,
      message,
      at,
      records,
    }));
    return [...refused, ...this.#runs.map(closeRun)];
  }
}

/** Only absent values lie between. */
function isNext(source: SourceBlock, from: number, to: number): boolean {
  if (to < from) return false;
  for (let i = from; i < to; i += 1) if (source.values[i] !== null) return false;
  return true;
}

function closeRun(run: OpenRun): Run {
  const block = cutBlock(run.source, run.from, run.to);
  return {
    code: run.code,
    reason: sayFault(run.code, run.detail),
    message: run.source.message,
    at: run.source.at ?? '',
    records: offeredValues(block),
    block,
  };
}

/** Values [from, to) as a block of their own. */
export function cutBlock(source: SourceBlock, from: number, to: number): ReadingBlock {
  const { message: _message, values, qualities, flags, startMs, ...rest } = source;
  return {
    ...rest,
    startMs: startMs + from * source.intervalS * 1_000,
    values: values.slice(from, to),
    ...(qualities === undefined ? undefined : { qualities: qualities.slice(from, to) }),
    ...(flags === undefined ? undefined : { flags: flags.slice(from, to) }),
  };
}
