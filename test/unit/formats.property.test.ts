/** Goal: any valid NEM12 file is read exactly; any damaged one ends in problems, never in chaos. */
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FLAG } from '../../domain/index.ts';
import { outcomeOf } from './formats-support.ts';

const RUNS = 30;

interface Range {
  readonly length: number;
  readonly method: string;
  readonly reason: string;
}

interface Day {
  readonly offset: number;
  readonly values: readonly (readonly [whole: number, thousandths: number])[];
  readonly ranges: readonly Range[];
}

const value = fc.tuple(fc.nat(9_999), fc.nat(999));
const quality = fc.constantFrom(
  ...([
    ['A', ''],
    ['A', '79'],
    ['A', '89'],
    ['N', ''],
    ['S14', '76'],
    ['F51', '1'],
  ] as const),
);

function dayOf(count: number): fc.Arbitrary<Day> {
  const cuts = fc.uniqueArray(fc.integer({ min: 1, max: count - 1 }), { maxLength: 4 });
  return fc.record({
    offset: fc.nat(20_000),
    values: fc.array(value, { minLength: count, maxLength: count }),
    ranges: fc
      .tuple(cuts, fc.array(quality, { minLength: 5, maxLength: 5 }))
      .map(([ends, qualities]) =>
        [...ends.sort((a, b) => a - b), count].map((end, i, all) => ({
          length: end - (all[i - 1] ?? 0),
          method: qualities[i]?.[0] as string,
          reason: qualities[i]?.[1] as string,
        })),
      ),
  });
}

const stream = fc.constantFrom(5, 15, 30).chain((minutes) =>
  fc.record({
    minutes: fc.constant(minutes),
    nmi: fc.stringMatching(/^[A-Z0-9]{10}$/),
    serial: fc.stringMatching(/^[A-Z0-9]{0,12}$/),
    suffix: fc.stringMatching(/^[EBQK][1-9]$/),
    days: fc.array(dayOf(1440 / minutes), { minLength: 1, maxLength: 2 }),
  }),
);

const EPOCH = Date.UTC(1990, 0, 1);
const DAY_MS = 86_400_000;
const dateOf = (offset: number) =>
  new Date(EPOCH + offset * DAY_MS).toISOString().slice(0, 10).replaceAll('-', '');

function linesOfDay(day: Day): string[] {
  const values = day.values.map(([a, b]) => `${a}.${String(b).padStart(3, '0')}`);
  const single = day.ranges.length === 1 ? day.ranges[0] : undefined;
  const tail = single === undefined ? 'V,,,' : `${single.method},${single.reason},,`;
  const head = `300,${dateOf(day.offset)},${values.join(',')},${tail}20200101000000,`;
  if (single !== undefined) return [head];
  let from = 1;
  const ranges = day.ranges.map(({ length, method, reason }) => {
    const line = `400,${from},${from + length - 1},${method},${reason},`;
    from += length;
    return line;
  });
  return [head, ...ranges];
}

const file = fc.array(stream, { minLength: 1, maxLength: 4 }).map((streams) => ({
  streams,
  text: [
    '100,NEM12,202001010000,MDP,RET',
    ...streams.flatMap(({ nmi, suffix, serial, minutes, days }) => [
      `200,${nmi},${suffix},,${suffix},,${serial},kWh,${minutes},`,
      ...days.flatMap(linesOfDay),
    ]),
    '900',
    '',
  ].join('\r\n'),
}));

const REASON_FLAGS: Readonly<Record<string, number>> = { 79: FLAG.OUTAGE, 89: FLAG.CLOCK_SET };

describe('a valid NEM12 file', () => {
  it('gives back exactly what it was made of', async () => {
    await fc.assert(
      fc.asyncProperty(file, async ({ streams, text }) => {
        const { blocks, fatal } = await outcomeOf(text);
        expect(fatal).toEqual([]);
        const expected = streams.flatMap(({ nmi, serial, suffix, minutes, days }) =>
          days.map((day) => {
            const ranges = day.ranges.flatMap((r) => new Array<Range>(r.length).fill(r));
            return {
              meter: serial === '' ? nmi : serial,
              channel: suffix,
              startMs: EPOCH + day.offset * DAY_MS - 10 * 3_600_000,
              intervalS: minutes * 60,
              values: day.values.map(([a, b], i) =>
                ranges[i]?.method === 'N' ? null : a * 1000 + b,
              ),
              flags: ranges.map((r) => REASON_FLAGS[r.reason] ?? 0),
            };
          }),
        );
        const ours = blocks.map(({ meter, channel, startMs, intervalS, values, flags }) => ({
          ...{ meter, channel, startMs, intervalS, values },
          flags: flags ?? values.map(() => 0),
        }));
        expect(ours).toEqual(expected);
      }),
      { numRuns: RUNS },
    );
  });

  it('is the same file however its bytes are cut', async () => {
    const cuts = fc.array(fc.nat(), { maxLength: 60 });
    await fc.assert(
      fc.asyncProperty(file, cuts, fc.boolean(), async ({ text }, places, packed) => {
        const bytes = packed ? gzipSync(text) : Buffer.from(text);
        const whole = await outcomeOf(text);
        const cut = await outcomeOf(bytes, {}, places);
        expect(cut.events).toEqual(whole.events);
      }),
      { numRuns: RUNS },
    );
  });
});

const series = fc
  .array(fc.tuple(fc.nat(99), fc.nat(99)), { minLength: 2, maxLength: 30 })
  .map((values) => {
    const at = (i: number) => new Date(EPOCH + i * 3_600_000).toISOString();
    return `start,value\n${values.map(([a, b], i) => `${at(i)},${a}.${b}`).join('\n')}\n`;
  });

/** Replace, drop or insert bytes; `places` are taken modulo the length. */
function damage(text: string, hits: readonly (readonly [number, number, number])[]): Buffer {
  let bytes = Buffer.from(text);
  for (const [place, how, byte] of hits) {
    const at = place % (bytes.length + 1);
    const inserted = how === 1 ? [] : [byte];
    const skipped = how === 2 ? 0 : 1;
    bytes = Buffer.concat([
      bytes.subarray(0, at),
      Buffer.from(inserted),
      bytes.subarray(at + skipped),
    ]);
  }
  return bytes;
}

describe('a damaged file', () => {
  const byte = fc.oneof(fc.nat(255), fc.constantFrom(...Buffer.from('\r\n,0123459.-"VNA')));
  const hits = fc.array(fc.tuple(fc.nat(), fc.nat(2), byte), { minLength: 1, maxLength: 8 });
  const any = fc.oneof(
    file.map(({ text }) => text),
    series,
  );

  it('ends, and gives nothing when it is refused', async () => {
    await fc.assert(
      fc.asyncProperty(any, hits, fc.nat(5), async (text, where, packed) => {
        const plain = packed === 0 ? gzipSync(text).toString('latin1') : text;
        const bytes = damage(plain, where);
        const { survey, events, blocks, fatal } = await outcomeOf(bytes);
        const last = events.at(-1);
        expect(last?.kind).toBe('end');
        expect(survey.accepted).toBe(fatal.length === 0);
        if (!survey.accepted) expect(blocks).toEqual([]);
        const given = blocks.reduce((sum, block) => sum + block.values.length, 0);
        expect(last).toMatchObject({ summary: { intervals: given, blocks: blocks.length } });
        const counts = blocks.flatMap((block) => block.values).filter((v) => v !== null);
        expect(counts.every((v) => Number.isSafeInteger(v))).toBe(true);
      }),
      { numRuns: RUNS * 4 },
    );
  });
});
