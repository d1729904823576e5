/** The short run of the DLMS fuzzer; `npx tsx test/fuzz/dlms.ts` runs it for longer. */
import { expect, test } from 'vitest';
import { allVectors, bytes } from '../conformance/dlms/vectors.ts';
import { fuzzDlms, generatedCorpus } from './dlms.ts';

const CASES = 1_500;

test.each([1, 20_261_122])('mutated captures and APDUs decode or are refused, seed %i', (seed) => {
  const corpus = [...allVectors().map((v) => bytes(v.hex)), ...generatedCorpus(seed)];
  const report = fuzzDlms({ corpus, seed, casesMax: CASES });
  expect(report.cases).toBe(CASES);
  // A fuzzer that meets no decoder proves nothing: both outcomes, and all kinds of refusal.
  expect(report.decoded).toBeGreaterThan(CASES / 4);
  expect(Object.keys(report.faults)).toEqual(
    expect.arrayContaining([
      'DLMS_TRUNCATED',
      'DLMS_TRAILING',
      'DLMS_TAG',
      'DLMS_VALUE',
      'DLMS_WRAPPER',
      'HDLC_FRAME',
      'HDLC_CHECK',
    ]),
  );
});

test('the same seed runs the same cases', () => {
  const corpus = generatedCorpus(5, 10);
  const run = () => fuzzDlms({ corpus, seed: 5, casesMax: 200 });
  const [first, second] = [run(), run()];
  expect({ ...first, slowestMs: 0 }).toEqual({ ...second, slowestMs: 0 });
});
