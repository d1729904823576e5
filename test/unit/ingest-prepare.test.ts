/** Goal: a batch becomes rows and reasons without losing or doubling a record. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type Channel,
  offeredValues,
  type ReadingBlock,
  type SealedBatch,
} from '../../domain/index.ts';
import { settleOverlaps } from '../../ingest/pipeline/overlap.ts';
import { type Prepared, prepare, startOf } from '../../ingest/pipeline/prepare.ts';
import { offeredOf } from '../../ingest/pipeline/process-batch.ts';
import type { ChannelEntry } from '../../ingest/vee/arrival/rule.ts';
import { arrivalContext } from '../../ingest/vee/arrival/rules.ts';

const T0 = Date.parse('2026-03-02T00:00:00Z');
const NOW = T0 + 60 * 86_400_000;

function entryOf(intervalS: number, zone?: string): ChannelEntry {
  const channel: Channel = {
    id: intervalS,
    meterId: 1,
    code: 'c',
    kind: 'interval',
    direction: 'import',
    unit: 'Wh',
    exponent: 0,
    intervalS,
    ratioNumerator: 1,
    ratioDenominator: 1,
  };
  return { serial: 'M', channel, ...(zone === undefined ? undefined : { zone }) };
}

function batchOf(blocks: readonly ReadingBlock[]): SealedBatch {
  const sent = blocks.map((block, message) => ({ ...block, message }));
  const offered = offeredOf({ blocks: sent, refusals: [] });
  const rest = {
    origin: 'file:a',
    receivedMs: NOW,
    refusals: [],
    messages: 1,
    raw: '',
    rawHash: '',
  };
  return { uid: '', blocks: sent, offered, ...rest };
}

function prepared(blocks: readonly ReadingBlock[], entry: ChannelEntry): Prepared {
  const result = prepare(batchOf(blocks), () => entry, arrivalContext('file:a', NOW));
  settleOverlaps(result.intervals, 'file:a', 'replace', result);
  return result;
}

const block = (startMs: number, values: ReadingBlock['values'], intervalS = 900): ReadingBlock => ({
  kind: 'interval',
  meter: 'M',
  channel: 'c',
  startMs,
  intervalS,
  values,
});

const rows = (p: Prepared) =>
  p.intervals.flatMap((b) =>
    b.values.flatMap((value, i) => (value === null ? [] : [[startOf(b, i), value] as const])),
  );

describe('prepare', () => {
  it('puts days on local midnights across the change of the clock', () => {
    const first = Date.parse('2026-03-27T23:00:00Z');
    const result = prepared([block(first, [1, 2, 3], 86_400)], entryOf(86_400, 'Europe/Madrid'));
    expect(rows(result).map(([ms, value]) => [new Date(ms).toISOString(), value])).toEqual([
      ['2026-03-27T23:00:00.000Z', 1],
      ['2026-03-28T23:00:00.000Z', 2],
      ['2026-03-29T22:00:00.000Z', 3],
    ]);
  });

  it('names the place of a bad value in the source', () => {
    const result = prepared([block(T0, [1, 'x', null, -1, 5])], entryOf(900));
    expect(rows(result)).toEqual([
      [T0, 1],
      [T0 + 4 * 900_000, 5],
    ]);
    expect(result.quarantined.finish()).toMatchObject([
      { code: 'PAYLOAD_SCHEMA', records: 1, block: { startMs: T0 + 900_000, values: ['x'] } },
      { code: 'NEGATIVE', records: 1, block: { startMs: T0 + 3 * 900_000, values: [-1] } },
    ]);
  });

  it('conserves whatever overlaps, and stores every start once', () => {
    const value = fc.oneof(fc.integer({ min: -1, max: 3 }), fc.constantFrom(null, '2', 'x', 1.5));
    const given = fc.record({
      at: fc.integer({ min: 0, max: 8 }),
      off: fc.constantFrom(0, 0, 0, 2_000, 60_000),
      values: fc.array(value, { maxLength: 6 }),
    });
    fc.assert(
      fc.property(fc.array(given, { maxLength: 12 }), (list) => {
        const blocks = list.map((b) => block(T0 + b.at * 900_000 + b.off, b.values));
        const result = prepared(blocks, entryOf(900));
        const stored = rows(result);
        expect(new Set(stored.map(([ms]) => ms)).size).toBe(stored.length);
        const refused = result.quarantined.finish();
        const rejected = result.rejected.finish();
        const counted = [...refused, ...rejected].reduce((sum, run) => sum + run.records, 0);
        expect(counted).toBe(result.quarantined.records + result.rejected.records);
        expect(stored.length + result.duplicate + counted).toBe(result.offered);
        expect(result.offered).toBe(blocks.reduce((sum, b) => sum + offeredValues(b), 0));
      }),
      { seed: 5, numRuns: 400 },
    );
  });
});
