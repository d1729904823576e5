/**
 * Goal: whatever the order, the splitting and the repeats of the same records, and however many
 * workers take them at once, the same readings are current in the end and every record is counted.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { QUALITY, type ReadingBlock } from '../../domain/index.ts';
import { type PipelineDeps, processBatch } from '../../ingest/pipeline/process-batch.ts';
import { freshDatabase, type TestDatabase } from '../support/database.ts';
import { addChannel, block, ledgerOf, pipelineAt, QUARTER_MS, seal } from '../support/ingest.ts';

const T0 = Date.parse('2026-03-02T00:00:00Z');
const METERS = 2;
const SLOTS = 4;

/** Version 0 has no source version and one value; 1 and 2 name theirs and differ. */
const record = fc.record({
  meter: fc.integer({ min: 0, max: METERS - 1 }),
  from: fc.integer({ min: 0, max: SLOTS - 1 }),
  length: fc.integer({ min: 1, max: 6 }),
  version: fc.integer({ min: 1, max: 3 }),
  estimated: fc.boolean(),
});
type Piece = typeof record extends fc.Arbitrary<infer T> ? T : never;

const wattHours = (p: Piece, slot: number) =>
  100 * slot + (p.version === 3 && slot % 2 === 0 ? 1 : p.version) + (p.estimated ? 50 : 0);

function toBlock(prefix: string, p: Piece): ReadingBlock {
  const values = Array.from({ length: p.length }, (_, i) => wattHours(p, p.from + i));
  const given = block(`${prefix}-${p.meter}`, T0 + p.from * QUARTER_MS, values);
  const quality = p.estimated ? QUALITY.ESTIMATED_SOURCE.code : QUALITY.RAW.code;
  return { ...given, quality, versionMs: T0 + p.version };
}

/** The rule in one line: an actual beats an estimate, then the newest version. */
function expected(pieces: readonly Piece[]): Map<string, number> {
  const best = new Map<string, { rank: number; value: number }>();
  for (const p of pieces) {
    for (let slot = p.from; slot < p.from + p.length; slot += 1) {
      const rank = (p.estimated ? 0 : 10) + p.version;
      const key = `${p.meter}|${slot}`;
      const before = best.get(key);
      if (before === undefined || rank > before.rank)
        best.set(key, { rank, value: wattHours(p, slot) });
    }
  }
  return new Map([...best].map(([key, { value }]) => [key, value]));
}

/** Batch boundaries: true = a new batch begins with this block. */
const scenario = fc.record({
  pieces: fc.array(record, { minLength: 1, maxLength: 25 }),
  cuts: fc.array(fc.boolean(), { minLength: 25, maxLength: 25 }),
  lanes: fc.integer({ min: 1, max: 3 }),
});

describe('arrival order', () => {
  let t: TestDatabase;
  let deps: PipelineDeps;
  let runs = 0;
  beforeAll(async () => {
    t = await freshDatabase('ingest_order');
    deps = await pipelineAt(t.db, T0 + 86_400_000);
  });
  afterAll(() => t.drop());

  async function run(pieces: readonly Piece[], cuts: readonly boolean[], lanes: number) {
    runs += 1;
    const prefix = `R${runs}`;
    for (let m = 0; m < METERS; m += 1) await addChannel(t.db, `${prefix}-${m}`);
    const groups: ReadingBlock[][] = [[]];
    pieces.forEach((piece, i) => {
      if (cuts[i] === true) groups.push([]);
      (groups.at(-1) as ReadingBlock[]).push(toBlock(prefix, piece));
    });
    const batches = groups.filter((g) => g.length > 0).map((g) => seal(g, { origin: 'file:a' }));
    const queue = [...batches, ...batches.filter((_, i) => i % 3 === 0)];
    const lane = async () => {
      for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
        await processBatch(next, deps);
      }
    };
    await Promise.all(Array.from({ length: lanes }, lane));
    const rows = await t.db.query<{ key: string; value: bigint }>(
      `SELECT split_part(m.serial, '-', 2) || '|' ||
                (extract(epoch FROM r.start_at - $2::timestamptz) / 900)::int AS key, r.value
       FROM reading r JOIN channel c ON c.id = r.channel_id JOIN meter m ON m.id = c.meter_id
       WHERE m.serial LIKE $1`,
      [`${prefix}-%`, new Date(T0).toISOString()],
    );
    return new Map(rows.map((row) => [row.key, Number(row.value)]));
  }

  it('does not matter', async () => {
    await fc.assert(
      fc.asyncProperty(scenario, async ({ pieces, cuts, lanes }) => {
        const wanted = [...expected(pieces)].sort();
        expect([...(await run(pieces, cuts, lanes))].sort()).toEqual(wanted);
        expect([...(await run([...pieces].reverse(), cuts, 1))].sort()).toEqual(wanted);
      }),
      { numRuns: 50, seed: 20260302 },
    );
    const { counts, tables } = await ledgerOf(t.db);
    expect(tables).toEqual({
      versions: counts['stored'],
      quarantined: counts['quarantined'],
      rejected: counts['rejected'],
    });
  });

  it('remembers that a newer version of the source confirmed a value', async () => {
    const versions = [1, 2, 3].map((version) => ({
      meter: 0,
      from: 0,
      length: 2,
      version,
      estimated: false,
    }));
    for (const order of [
      [0, 1, 2],
      [0, 2, 1],
      [1, 0, 2],
      [1, 2, 0],
      [2, 0, 1],
      [2, 1, 0],
    ]) {
      const pieces = order.map((i) => versions[i] as Piece);
      const stored = await run(pieces, [true, true, true], 1);
      expect([order, ...stored]).toEqual([order, ...expected(pieces)]);
    }
  });

  it('holds for plain resends on the fast path, from three workers', async () => {
    await addChannel(t.db, 'PLAIN');
    const parts = [...Array(30).keys()].map((i) => {
      const values = Array.from({ length: 8 }, (_, j) => 10 * (i * 4 + j));
      return seal([block('PLAIN', T0 + i * 4 * QUARTER_MS, values)]);
    });
    const queue = [...parts, ...parts];
    const lane = async () => {
      for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
        await processBatch(next, deps);
      }
    };
    await Promise.all([lane(), lane(), lane()]);
    const [row] = await t.db.query(
      `SELECT count(*)::int AS n, bool_and(r.value = 10 * extract(epoch FROM start_at - $1) / 900) AS ok
       FROM reading r JOIN channel c ON c.id = r.channel_id JOIN meter m ON m.id = c.meter_id
       WHERE m.serial = 'PLAIN'`,
      [new Date(T0).toISOString()],
    );
    expect(row).toEqual({ n: 124, ok: true });
  });
});
