/** Goal: which version stands is decided by rank, then source version, then policy; never by luck. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { QUALITY, qualityOf } from '../../domain/index.ts';
import { isContested, judge, type Version } from '../../ingest/pipeline/judge.ts';
import { RunCollector } from '../../ingest/pipeline/runs.ts';

const { VALID, SUSPECT, EDITED, SUBSTITUTED, ESTIMATED_SOURCE } = QUALITY;
const actual: Version = { value: 5, quality: VALID.code, origin: 'a' };

describe('judge', () => {
  it.each([
    ['the same again', actual, actual, 'duplicate'],
    ['the same, now actual', { ...actual, quality: ESTIMATED_SOURCE.code }, actual, 'replace'],
    ['the same, now doubted', actual, { ...actual, quality: SUSPECT.code }, 'duplicate'],
    ['a correction', actual, { ...actual, value: 6 }, 'replace'],
    ['another source', actual, { ...actual, value: 6, origin: 'b' }, 'CONFLICT'],
    ['worse', actual, { ...actual, value: 6, quality: SUBSTITUTED.code }, 'LOWER_RANK'],
    ['edited', { ...actual, quality: EDITED.code }, { ...actual, value: 6 }, 'EDITED_KEPT'],
    [
      'newer of another source',
      { ...actual, versionMs: 1 },
      { ...actual, value: 6, origin: 'b', versionMs: 2 },
      'replace',
    ],
    [
      'older of the same source',
      { ...actual, versionMs: 2 },
      { ...actual, value: 6, versionMs: 1 },
      'OLDER_VERSION',
    ],
    ['newer, the same', { ...actual, versionMs: 1 }, { ...actual, versionMs: 2 }, 'confirm'],
  ] as const)('%s', (_name, current, incoming, verdict) => {
    expect(judge(current, incoming, 'replace')).toBe(verdict);
  });

  it('holds a correction when the policy says so', () => {
    expect(judge(actual, { ...actual, value: 6 }, 'hold')).toBe('CONFLICT');
  });

  it('looks up origin and version wherever they can decide', () => {
    const version = fc.record({
      value: fc.integer({ min: 0, max: 2 }),
      quality: fc.constantFrom(...Object.values(QUALITY).map((q) => q.code)),
      origin: fc.constantFrom('a', 'b'),
      versionMs: fc.option(fc.integer({ min: 1, max: 3 }), { nil: undefined }),
    });
    fc.assert(
      fc.property(version, version, (current, incoming) => {
        if (isContested(current, incoming)) return;
        const { value, quality } = current;
        expect(judge({ value, quality, origin: '?' }, incoming, 'replace')).toBe(
          judge(current, incoming, 'replace'),
        );
      }),
      { seed: 11, numRuns: 500 },
    );
  });

  it('never lets a lower rank stand over a higher one', () => {
    const codes = Object.values(QUALITY).map((q) => q.code);
    for (const a of codes) {
      for (const b of codes) {
        const verdict = judge(
          { value: 1, quality: a, origin: 'x' },
          { value: 2, quality: b, origin: 'x' },
          'replace',
        );
        if (qualityOf(b).rank < qualityOf(a).rank) expect(verdict).not.toBe('replace');
      }
    }
  });
});

describe('runs of refused values', () => {
  const source = {
    kind: 'interval' as const,
    meter: 'M',
    channel: 'c',
    startMs: 0,
    intervalS: 900,
    values: [1, 2, null, 3, 4, 5],
    flags: [0, 1, 2, 3, 4, 5],
    message: 3,
    at: 'readings/0',
  };

  it('are one for neighbours with one reason, cut so that they can be replayed', () => {
    const runs = new RunCollector();
    for (const index of [1, 3]) runs.add(source, index, 'NEGATIVE', () => ({ value: 2 }));
    runs.add(source, 4, 'VALUE_RANGE', () => ({ value: 4 }));
    runs.add(source, 5, 'VALUE_RANGE', () => ({ value: 5 }));
    expect(runs.records).toBe(4);
    const block = { kind: 'interval', meter: 'M', channel: 'c', intervalS: 900, at: 'readings/0' };
    expect(runs.finish()).toMatchObject([
      {
        code: 'NEGATIVE',
        records: 2,
        message: 3,
        block: { ...block, startMs: 900_000, values: [2, null, 3], flags: [1, 2, 3] },
      },
      { code: 'VALUE_RANGE', records: 2, block: { ...block, startMs: 3_600_000, values: [4, 5] } },
    ]);
  });
});
