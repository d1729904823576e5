/** Goal: whatever the bytes and however they are cut, the same lines, or a reason. */
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { LIMITS } from '../../domain/index.ts';
import { DecimalReader } from '../../ingest/formats/decimal.ts';
import { plainBytes } from '../../ingest/formats/gunzip.ts';
import { nem12Reader } from '../../ingest/formats/nem12.ts';
import { day, nem12, outcomeOf, refusals, sourceOf } from './formats-support.ts';

const TEXT = nem12([day(new Array<string>(48).fill('1.25'))]);

describe('a gzip archive', () => {
  it('is unpacked by its magic, not its name', async () => {
    const plain = await outcomeOf(TEXT);
    const packed = await outcomeOf(gzipSync(TEXT), {}, [1, 20], 'no-ending');
    expect(packed.events).toEqual(plain.events);
  });

  it('that is cut off or damaged is refused, wherever the damage shows', async () => {
    const whole = gzipSync(TEXT);
    expect(refusals(await outcomeOf(whole.subarray(0, -4)))[0]).toMatch(/gzip archive is damaged/);
    const bad = Buffer.from(whole);
    bad.writeUInt8(bad.readUInt8(bad.length - 6) ^ 1, bad.length - 6);
    expect(refusals(await outcomeOf(bad))[0]).toMatch(/gzip archive is damaged/);
  });

  it('that unpacks to absurdly much is refused without unpacking it all', async () => {
    const bomb = gzipSync(Buffer.alloc(LIMITS.importGzipGraceBytes * 2, `${' '.repeat(999)}\n`));
    let seen = 0;
    const drain = async () => {
      for await (const chunk of plainBytes(sourceOf([bomb]), 'bomb')) seen += chunk.length;
    };
    await expect(drain()).rejects.toThrow(/unpacks to more than 250 times its size/);
    expect(seen).toBeLessThanOrEqual(bomb.length * LIMITS.importGzipRatioMax);
    expect(seen).toBeLessThan(LIMITS.importGzipGraceBytes * 2);
    const hidden = Buffer.concat([gzipSync(TEXT.replace('\r\n900', '')), bomb]);
    expect(refusals(await outcomeOf(hidden)).join()).toMatch(/250 times its size/);
  });
});

describe('lines', () => {
  it('beyond the bound are refused with their number, in one chunk or in many', async () => {
    const long = `${TEXT}\r\n${'1'.repeat(LIMITS.importLineCharsMax + 2)}`;
    const expected = [`5: line is longer than ${LIMITS.importLineCharsMax} bytes`];
    expect(refusals(await outcomeOf(long))).toEqual(expected);
    const cuts = Array.from({ length: 99 }, (_, i) => i * 20_000);
    expect(refusals(await outcomeOf(long, {}, cuts))).toEqual(expected);
  });

  it('in UTF-16 are told as such', async () => {
    const utf16 = Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from('start,value', 'utf16le')]);
    const series = { zone: 'Z' };
    expect(refusals(await outcomeOf(utf16, { series }))[0]).toBe('1: UTF-16 text; use UTF-8');
  });
});

describe('a source', () => {
  const context = { fileName: 'f', options: {} };

  it('that can be read once only is a mistake of the caller', async () => {
    const once = (async function* () {
      yield Buffer.from(TEXT);
    })();
    await expect(nem12Reader.read(once, context).next()).rejects.toThrow(/readable twice/);
  });

  it('that changed since the survey gives no end', async () => {
    const survey = await nem12Reader.survey(sourceOf([Buffer.from(TEXT)]), context);
    const drain = async (text: string) => {
      for await (const event of nem12Reader.read(sourceOf([Buffer.from(text)]), context, survey)) {
        if (event.kind === 'end') return 'end';
      }
      return 'no end';
    };
    expect(await drain(TEXT)).toBe('end');
    const finer = TEXT.replace('1.25', '1.2345');
    const shorter = TEXT.replace('1.25,', '');
    const longer = TEXT.replace('900', `${day(new Array<string>(48).fill('1'))}\r\n900`);
    for (const text of [finer, shorter, longer, TEXT.replace('E1,,S', 'E2,,S')]) {
      await expect(drain(text)).rejects.toThrow('changed between its two readings');
    }
  });
});

it.each([
  ['0', 'exact', 0, 0],
  ['007.50', 'exact', 75, 1],
  ['.5', 'exact', 5, 1],
  ['5.', 'exact', 5, 0],
  [' 1 ', 'exact', 1, 0],
  ['+1', 'exact', 1, 0],
  ['-0', 'exact', 0, 0],
  ['9007199254740991', 'exact', Number.MAX_SAFE_INTEGER, 0],
  ['1.2300000000000', 'exact', 123, 2],
  ['0.1234567890000', 'exact', 123456789, 9],
  ['3.3139999999999996', 'noise', 3314, 3],
  ['-0.30000000000000004', 'noise', -3, 1],
  ['1e-05', 'exact', 1, 5],
  ['1.5E3', 'exact', 1500, 0],
] as const)('the decimal %s', (text, verdict, mantissa, decimals) => {
  const reader = new DecimalReader();
  expect([reader.read(text), reader.mantissa, reader.decimals]).toEqual([
    verdict,
    mantissa,
    decimals,
  ]);
});

it.each([
  ['', 'not-a-number'],
  ['.', 'not-a-number'],
  ['1,5', 'not-a-number'],
  ['0x10', 'not-a-number'],
  ['Infinity', 'not-a-number'],
  ['1 2', 'not-a-number'],
  ['1'.repeat(65), 'not-a-number'],
  ['9007199254740992', 'too-large'],
  ['1e99', 'too-large'],
  ['0.0000000001', 'too-fine'],
  ['0.1234567891234', 'too-fine'],
] as const)('%s is no decimal we keep', (text, verdict) => {
  expect(new DecimalReader().read(text)).toBe(verdict);
});
