/** Goal: whatever range is asked of a meter's profile, the readings are the household's truth. */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FLAG, type ReadingBlock } from '../../domain/index.ts';
import { decodeEvidence, EVIDENCE_CONTENT_TYPE } from '../../gateway/drivers/dlms/evidence.ts';
import { readNewest, readProfileState } from '../../gateway/drivers/dlms/profile.ts';
import { decodeApdu } from '../../gateway/protocols/dlms/apdu.ts';
import { flowOf, supplyPoint } from '../../simulators/dlms-meter/load.ts';
import { type DlmsBench, dlmsBench, FRAMINGS, NOON, withBench } from '../support/dlms.ts';

const QUARTER_MS = 900_000;
const DAY_MS = 86_400_000;
const IMPORT = '1-0:1.8.0';
const EXPORT = '1-0:2.8.0';
const floor = (ms: number) => Math.floor(ms / QUARTER_MS) * QUARTER_MS;

/** start -> value; a start named twice is a failure of its own. */
function valuesOf(blocks: readonly ReadingBlock[], channel: string): Map<number, unknown> {
  const values = new Map<number, unknown>();
  for (const block of blocks.filter((b) => b.channel === channel)) {
    block.values.forEach((value, i) => {
      const start = block.startMs + i * block.intervalS * 1_000;
      expect(values.has(start)).toBe(false);
      values.set(start, value);
    });
  }
  return values;
}

function truth(seed: string, fromMs: number, toMs: number, channel = IMPORT): Map<number, number> {
  const values = new Map<number, number>();
  const point = supplyPoint(seed);
  for (let at = Math.ceil(fromMs / QUARTER_MS) * QUARTER_MS; at < toMs; at += QUARTER_MS) {
    const flow = flowOf(point, at, 900);
    values.set(at, channel === IMPORT ? flow.importWh : flow.exportWh);
  }
  return values;
}

describe('any range', () => {
  /** Days the meters have been running before NOON, and how many of these they remember. */
  const HISTORY_DAYS = 4;
  const ENTRIES = 200;
  const seeds = ['p-0', 'p-3', 'p-5'];
  let benches: DlmsBench[] = [];

  beforeAll(async () => {
    const common = { historyDays: HISTORY_DAYS, loadEntries: ENTRIES };
    const meters = [
      { ...common, serial: 'P1', seed: seeds[0] as string },
      { ...common, serial: 'P2', seed: seeds[1] as string, captures: 'periods' as const },
      { ...common, serial: 'P3', seed: seeds[2] as string, nullClocks: true, modulusWh: 50_000 },
    ];
    benches = await Promise.all(FRAMINGS.map((framing) => dlmsBench({ framing, meters })));
  });
  afterAll(async () => {
    await Promise.all(benches.map((bench) => bench.close()));
  });

  it('is the truth as far as the meter remembers, and nothing else', async () => {
    const newestEnd = floor(NOON);
    const quarters = HISTORY_DAYS * 96;
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: 1 }),
        fc.integer({ min: 0, max: 2 }),
        fc.constantFrom('management' as const, 'reading' as const),
        fc.integer({ min: -10, max: quarters }),
        fc.integer({ min: 0, max: 220 }),
        fc.integer({ min: 0, max: 899 }),
        async (line, which, role, back, length, odd) => {
          const bench = benches[line] as DlmsBench;
          const meter = bench.meters[which] as DlmsBench['meter'];
          const fromMs = newestEnd - back * QUARTER_MS + odd * 1_000;
          const toMs = fromMs + length * QUARTER_MS;
          const reading = await bench.driver.collectProfile(bench.target(role, meter), {
            fromMs,
            toMs,
            modulusOf: () => (which === 2 ? 50_000 : undefined),
          });
          // A register needs the capture before; an energy of the period does not.
          const remembered = ENTRIES - (which === 1 ? 0 : 1);
          const oldest = newestEnd - remembered * QUARTER_MS;
          // The capture at `from` itself is only there when `from` is on the grid.
          const first =
            which !== 1 && odd > 0 ? Math.ceil(fromMs / QUARTER_MS) * QUARTER_MS : fromMs;
          const from = Math.max(first, oldest);
          const end = which === 1 ? floor(toMs + QUARTER_MS - 1) : floor(toMs);
          for (const channel of [IMPORT, EXPORT]) {
            const seed = seeds[which] as string;
            const expected = truth(seed, from, Math.min(end, newestEnd), channel);
            const got = valuesOf(reading.blocks, channel);
            // Starts before `to` whose period ends after it may be there or not.
            for (const start of [...got.keys(), ...expected.keys()]) {
              if (start + QUARTER_MS > toMs) {
                got.delete(start);
                expected.delete(start);
              }
            }
            expect([...got].sort()).toEqual([...expected].sort());
          }
          expect(reading.notes).toEqual([]);
        },
      ),
      { numRuns: 60 },
    );
  });
});

describe.each(FRAMINGS)('over %s', (framing) => {
  it.each([
    ['spring', Date.UTC(2026, 2, 28, 23), 92],
    ['autumn', Date.UTC(2026, 9, 24, 22), 100],
  ])('the local day on which the clocks change in %s is whole', async (_season, fromMs, count) => {
    const toMs = fromMs + count * QUARTER_MS;
    for (const nullClocks of [false, true]) {
      const meters = [{ seed: 'dst', historyDays: 2, nullClocks }];
      await withBench({ framing, meters, nowMs: toMs + 60_000 }, async ({ driver, target }) => {
        const { blocks, rows } = await driver.collectProfile(target(), { fromMs, toMs });
        expect(rows).toBe(count + 1);
        expect(valuesOf(blocks, IMPORT)).toEqual(truth('dst', fromMs, toMs));
        expect(blocks.filter((b) => b.channel === IMPORT).length).toBe(1);
      });
    }
  });

  it('what the meter has overwritten is not there', async () => {
    const meters = [{ seed: 'ring', historyDays: 3, loadEntries: 96 }];
    await withBench({ framing, meters }, async ({ driver, target, meter, clock }) => {
      const fromMs = floor(NOON) - 3 * DAY_MS;
      const day = await driver.collectProfile(target(), { fromMs, toMs: fromMs + DAY_MS });
      expect([day.rows, day.blocks, day.envelope]).toEqual([0, [], undefined]);
      clock.move(3 * QUARTER_MS);
      const all = await driver.collectProfile(target(), { fromMs, toMs: clock.nowMs() });
      const oldest = floor(clock.nowMs()) - 95 * QUARTER_MS;
      expect(valuesOf(all.blocks, IMPORT)).toEqual(truth('ring', oldest, floor(clock.nowMs())));
      expect(meter.metering.load.overwritten).toBe(2 * 96 + 3);
      const {
        entriesInUse,
        entriesMax,
        oldest: row,
      } = await driver.read(target(), (s) => readProfileState(s, driver.layouts, '1-0:99.1.0'));
      expect([entriesInUse, entriesMax, row?.length]).toEqual([96, 96, 4]);
    });
  });
});

describe('readings', () => {
  const fromMs = floor(NOON) - DAY_MS;
  const toMs = floor(NOON);

  it('come with the APDUs they were made from, which give them again', async () => {
    await withBench({ meters: [{ seed: 'e', historyDays: 2 }] }, async ({ driver, target }) => {
      const { envelope, blocks } = await driver.collectProfile(target(), { fromMs, toMs });
      expect(envelope).toMatchObject({ source: 'dlms', peer: 'SIM1', blocks });
      expect(envelope?.contentType).toBe(EVIDENCE_CONTENT_TYPE);
      const { header, apdus } = decodeEvidence(envelope?.raw ?? new Uint8Array(0));
      expect(header).toMatchObject({ meter: 'SIM1', layout: { periodS: 900 } });
      const kinds = apdus.map(({ fromMeter, octets }) => [fromMeter, decodeApdu(octets).kind]);
      expect(kinds.slice(0, 4)).toEqual([
        [false, 'get-request-normal'],
        [true, 'get-response-with-datablock'],
        [false, 'get-request-next'],
        [true, 'get-response-with-datablock'],
      ]);
    });
  });

  it('name unit and decimals as the meter has them', async () => {
    await withBench({ meters: [{ historyDays: 2 }] }, async ({ driver, target }) => {
      const { blocks } = await driver.collectProfile(target(), { fromMs, toMs });
      expect(blocks.map((b) => [b.channel, b.unit, b.decimals, b.intervalS])).toEqual([
        [IMPORT, 'Wh', 0, 900],
        [EXPORT, 'Wh', 0, 900],
      ]);
    });
  });

  it('a register that fell gives no interval unless its modulus is known', async () => {
    const meters = [{ seed: 'roll', historyDays: 1, modulusWh: 5_000 }];
    await withBench({ meters }, async ({ driver, target }) => {
      const unknown = await driver.collectProfile(target(), { fromMs, toMs });
      expect(unknown.notes[0]).toMatch(/1-0:1.8.0 fell before/);
      const full = truth('roll', fromMs + QUARTER_MS, toMs);
      const got = valuesOf(unknown.blocks, IMPORT);
      expect(got.size).toBeLessThan(full.size);
      for (const [start, value] of got) expect(value).toBe(full.get(start));
      const known = await driver.collectProfile(target(), { fromMs, toMs, modulusOf: () => 5_000 });
      expect(valuesOf(known.blocks, IMPORT)).toEqual(full);
    });
  });

  it('nothing is invented around a clock that was set', async () => {
    const noon = floor(NOON);
    for (const captures of ['registers', 'periods'] as const) {
      const meters = [{ seed: 'set', historyDays: 1, captures }];
      await withBench({ meters }, async ({ driver, target, meter, clock }) => {
        clock.moveTo(noon + QUARTER_MS + 60_000);
        meter.metering.advance();
        meter.metering.setClock(noon + QUARTER_MS - 600_000);
        clock.move(3 * QUARTER_MS);
        const range = { fromMs: noon - QUARTER_MS, toMs: meter.clock.nowMs() };
        const { blocks } = await driver.collectProfile(target(), range);
        const imports = blocks.filter((b) => b.channel === IMPORT);
        const starts = imports.flatMap((b) => b.values.map((_, i) => b.startMs + i * QUARTER_MS));
        if (captures === 'registers') {
          expect(new Set(starts).size).toBe(starts.length);
          const full = truth('set', noon - QUARTER_MS, noon + 3 * QUARTER_MS);
          for (const b of imports) {
            b.values.forEach((v, i) => {
              expect(v).toBe(full.get(b.startMs + i * QUARTER_MS));
            });
          }
        } else {
          // The same quarter came twice; the second is marked, and ingest has to judge.
          expect(starts.filter((s) => s === noon).length).toBe(2);
          expect(imports[1]?.flags?.[0]).toBe(FLAG.CLOCK_SET);
        }
      });
    }
  });

  it('daily registers are read as registers, named by their instant', async () => {
    const meters = [{ seed: 'd', historyDays: 3 }];
    await withBench({ meters }, async ({ driver, target }) => {
      const { blocks } = await driver.collectProfile(target(), {
        instance: '1-0:99.2.0',
        fromMs: NOON - 3 * DAY_MS,
        toMs: NOON,
        as: 'registers',
      });
      const midnights = [10, 11, 12].map((day) => Date.UTC(2026, 4, day - 1, 22));
      for (const channel of ['1-0:1.8.1', '1-0:1.8.2', '1-0:2.8.0']) {
        const own = blocks.filter((b) => b.channel === channel);
        expect(own.map((b) => b.startMs)).toEqual(midnights);
        expect(own.every((b) => b.kind === 'register' && b.intervalS === 0)).toBe(true);
      }
    });
  });

  it('the newest entries come by number', async () => {
    await withBench({ meters: [{ seed: 'n', historyDays: 1 }] }, async ({ driver, target }) => {
      const { rows } = await driver.read(target('reading'), (s) =>
        readNewest(s, driver.layouts, '1-0:99.1.0', 5),
      );
      expect(rows.length).toBe(5);
    });
  });

  it('a range beyond a month is refused before anything is asked', async () => {
    await withBench({}, async ({ driver, target }) => {
      const work = driver.collectProfile(target(), { fromMs: NOON - 60 * DAY_MS, toMs: NOON });
      await expect(work).rejects.toMatchObject({ code: 'DLMS_LIMIT' });
    });
  });
});
