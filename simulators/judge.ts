/** Compares what meters did with what a system says it has. */
import type { MeterEvent } from './meter-log.ts';

export interface StoredInterval {
  readonly start: number;
  readonly value: number | bigint;
}

export interface Verdict {
  readonly emitted: number;
  readonly acked: number;
  readonly stored: number;
  /** Acknowledged and not stored: lost. */
  readonly lost: readonly number[];
  /** Stored and never emitted: invented. */
  readonly invented: readonly number[];
  /** Stored more than once. */
  readonly doubled: readonly number[];
  /** Stored with a value the meter never gave. */
  readonly altered: readonly number[];
}

export function judge(events: readonly MeterEvent[], stored: readonly StoredInterval[]): Verdict {
  const emitted = new Map<number, Set<string>>();
  const acked = new Set<number>();
  for (const event of events) {
    if (event.kind === 'emitted') {
      const values = emitted.get(event.start) ?? new Set();
      emitted.set(event.start, values.add(String(event.value)));
    } else if (event.kind === 'acked') {
      for (const start of event.starts) acked.add(start);
    }
  }
  const seen = new Set<number>();
  const doubled: number[] = [];
  const invented: number[] = [];
  const altered: number[] = [];
  for (const { start, value } of stored) {
    if (seen.has(start)) doubled.push(start);
    seen.add(start);
    const values = emitted.get(start);
    if (values === undefined) invented.push(start);
    else if (!values.has(String(value))) altered.push(start);
  }
  const lost = [...acked].filter((start) => !seen.has(start));
  return {
    emitted: emitted.size,
    acked: acked.size,
    stored: stored.length,
    lost,
    invented,
    doubled,
    altered,
  };
}

/** How often each command moved the contact: more than once is a failure of the command path. */
export function breakerOperations(events: readonly MeterEvent[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const event of events) {
    if (event.kind === 'breaker') counts.set(event.id, (counts.get(event.id) ?? 0) + 1);
  }
  return counts;
}
