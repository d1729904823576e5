/** The short run of the DLMS fuzzer; `npx tsx test/fuzz/dlms.ts` runs it for longer. */
import { expect, test } from 'vitest';
import { allVectors, bytes } from '../conformance/dlms/vectors.ts';
import { fuzzDlms, generatedCorpus } from './dlms.ts';

const CASES = 2_000;
const SECONDS_MAX = 4;

test('mutated captures and APDUs decode or are refused', () => {
  const seed = 20_261_122;
  const corpus = [...allVectors().map((v) => bytes(v.hex)), ...generatedCorpus(seed)];
  const report = fuzzDlms({ corpus, seed, casesMax: CASES, secondsMax: SECONDS_MAX });
  // A machine under load gets through fewer of them.
  expect(report.cases).toBeGreaterThan(CASES / 10);
  // A fuzzer that meets no decoder proves nothing: both outcomes, and all kinds of refusal.
  expect(report.decoded).toBeGreaterThan(report.cases / 4);
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
  const run = () => fuzzDlms({ corpus, seed: 5, casesMax: 100 });
  const [first, second] = [run(), run()];
  expect({ ...first, slowestMs: 0 }).toEqual({ ...second, slowestMs: 0 });
});
