/** Structural rules of arrival, in the order of vee.md 0 (steps 1 to 4), and their versions. */
import { formatInstant, LIMITS, QUALITY, type ReadingBlock } from '../../../domain/index.ts';
import { gridOffsetMs, isLocalDayLength } from './grid.ts';
import { type ArrivalContext, type ArrivalRule, NONE, whole } from './rule.ts';

/** Years 2000 to 2200: what lies outside is a clock that was never set. */
const INSTANT_MIN_MS = 946_684_800_000;
const INSTANT_MAX_MS = 7_258_118_400_000;
const FLAGS_MAX = 0x7fff;
const DAY_S = 86_400;

const QUALITY_CODES = new Set<number>(Object.values(QUALITY).map((q) => q.code));

/** What the types promise, checked again: a block that breaks it is refused, never a crash. */
export const SHAPE: ArrivalRule = {
  id: 'SHAPE',
  version: 1,
  severity: 'TERMINATE',
  check(block) {
    const detail = shapeProblem(block);
    return detail === undefined ? NONE : whole(block, 'PAYLOAD_SCHEMA', { detail });
  },
};

function shapeProblem(block: ReadingBlock): string | undefined {
  const { startMs, values, qualities, flags, quality, intervalS, versionMs } = block;
  const instant = startMs >= INSTANT_MIN_MS && startMs <= INSTANT_MAX_MS;
  if (!Number.isInteger(startMs) || !instant) return 'start is no instant of 2000 to 2200';
  if (!Number.isInteger(intervalS) || intervalS < 0) return 'interval length is no whole second';
  if (block.kind === 'register' && intervalS === 0 && values.length > 1) {
    return 'several register reads need an interval length';
  }
  if (quality !== undefined && !QUALITY_CODES.has(quality)) return `no quality ${quality}`;
  if (versionMs !== undefined && !(versionMs >= 0 && versionMs <= INSTANT_MAX_MS)) {
    return 'version is no instant';
  }
  return listProblem(values.length, qualities, flags);
}

function listProblem(
  length: number,
  qualities: readonly number[] | undefined,
  flags: readonly number[] | undefined,
): string | undefined {
  if (qualities !== undefined) {
    if (qualities.length !== length) return 'qualities and values differ in number';
    for (const code of qualities) if (!QUALITY_CODES.has(code)) return `no quality ${code}`;
  }
  if (flags !== undefined) {
    if (flags.length !== length) return 'flags and values differ in number';
    for (const bits of flags) {
      if (!Number.isInteger(bits) || bits < 0 || bits > FLAGS_MAX) return `no flags ${bits}`;
    }
  }
  return undefined;
}

const ABOVE_ACTUAL = new Set<number>(
  Object.values(QUALITY)
    .filter((q) => q.rank > QUALITY.VALID.rank)
    .map((q) => q.code),
);

/** A meter cannot say of its own values that a person edited or verified them: nobody could correct it. */
export const DECLARED: ArrivalRule = {
  id: 'DECLARED',
  version: 1,
  severity: 'TERMINATE',
  check(block, _entry, ctx) {
    const { quality, qualities } = block;
    if (ctx.mayOutrank || (quality === undefined && qualities === undefined)) return NONE;
    const code = [quality, ...(qualities ?? [])].find(
      (q) => q !== undefined && ABOVE_ACTUAL.has(q),
    );
    if (code === undefined) return NONE;
    return whole(block, 'PAYLOAD_SCHEMA', { detail: `a meter may not declare quality ${code}` });
  },
};

export const INTERVAL_LENGTH: ArrivalRule = {
  id: 'INTERVAL_LENGTH',
  version: 2,
  severity: 'TERMINATE',
  check(block, { channel, zone }) {
    if (block.kind === 'register' || block.intervalS === channel.intervalS) return NONE;
    // A channel of days takes the 23 and 25 hours of a change of offset, where the zone has it.
    if (channel.intervalS === DAY_S && zone !== undefined && isLocalDayLength(block, zone)) {
      return NONE;
    }
    const detail = { given: block.intervalS, expected: channel.intervalS };
    return whole(block, 'INTERVAL_LENGTH', detail);
  },
};

export const GRID: ArrivalRule = {
  id: 'GRID',
  version: 2,
  severity: 'ISSUE',
  check(block, { channel, zone }, ctx) {
    if (block.kind === 'register') return NONE;
    if (Math.abs(gridOffsetMs(block.startMs, channel.intervalS, zone)) <= ctx.snapToGridMs) {
      return NONE;
    }
    const detail = { start: formatInstant(block.startMs), intervalS: block.intervalS };
    return whole(block, 'OFF_GRID', detail);
  },
};

export const FUTURE: ArrivalRule = {
  id: 'FUTURE',
  version: 1,
  severity: 'ISSUE',
  check(block, _entry, ctx) {
    const stepMs = block.intervalS * 1_000;
    const count = block.values.length;
    const latest = ctx.receivedMs + ctx.futureToleranceMs;
    const endOf = (index: number) =>
      block.startMs + index * stepMs + (block.kind === 'interval' ? stepMs : 0);
    if (endOf(count - 1) <= latest) return NONE;
    let from = count - 1;
    while (from > 0 && endOf(from - 1) > latest) from -= 1;
    const start = formatInstant(block.startMs + from * stepMs);
    return [{ code: 'FUTURE', detail: { start }, from, to: count }];
  },
};

export const TOO_OLD: ArrivalRule = {
  id: 'TOO_OLD',
  version: 1,
  severity: 'ISSUE',
  check(block, _entry, ctx) {
    if (ctx.tooOldMs === undefined) return NONE;
    const oldest = ctx.receivedMs - ctx.tooOldMs;
    if (block.startMs >= oldest) return NONE;
    const stepMs = block.intervalS * 1_000;
    let to = 1;
    while (to < block.values.length && block.startMs + to * stepMs < oldest) to += 1;
    return [{ code: 'TOO_OLD', detail: { start: formatInstant(block.startMs) }, from: 0, to }];
  },
};

export const ARRIVAL_RULES: readonly ArrivalRule[] = [
  SHAPE,
  DECLARED,
  INTERVAL_LENGTH,
  GRID,
  FUTURE,
  TOO_OLD,
];

/** Files bring history on purpose; everything else keeps to the window. */
export function arrivalContext(origin: string, receivedMs: number): ArrivalContext {
  return {
    receivedMs,
    futureToleranceMs: LIMITS.futureToleranceMs,
    tooOldMs: origin.startsWith('file:') ? undefined : LIMITS.tooOldMs,
    snapToGridMs: LIMITS.snapToGridMs,
    mayOutrank: origin.startsWith('file:') || origin.startsWith('http:'),
  };
}
