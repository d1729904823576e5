/** Bounds on Data, refusals that name what is wrong, and shapes that do not fit. */
import { describe, expect, test } from 'vitest';
import { LIMITS } from '../../domain/index.ts';
import { decodeAcse, encodeAcse, isAcse } from '../../gateway/protocols/dlms/acse.ts';
import { type Apdu, decodeApdu, encodeApdu } from '../../gateway/protocols/dlms/apdu.ts';
import { decodeData, encodeData } from '../../gateway/protocols/dlms/data.ts';
import { dateTimeAt } from '../../gateway/protocols/dlms/datetime.ts';
import { readSelection, selectEntries, selectRange } from '../../gateway/protocols/dlms/profile.ts';
import { parseLogicalName } from '../../gateway/protocols/dlms/schema.ts';
import { anyInteger, arrayOf, bool, dateTime, number } from '../../gateway/protocols/dlms/shape.ts';
import type { Data } from '../../gateway/protocols/dlms/types.ts';
import { encodeWpdu } from '../../gateway/protocols/dlms/wrapper.ts';
import { refusal } from './dlms-refusal.ts';

const bytes = (hex: string): Uint8Array => new Uint8Array(Buffer.from(hex, 'hex'));
const decode = (hex: string) => refusal(() => decodeData(bytes(hex)));
const encode = (data: unknown) => refusal(() => encodeData(data as Data));

describe('bounds of one Data', () => {
  const nested = (depth: number): Data => {
    let data: Data = { type: 'null-data' };
    for (let i = 1; i < depth; i += 1) data = { type: 'structure', value: [data] };
    return data;
  };

  test('sixteen levels pass, seventeen do not, either way', () => {
    const deepest = nested(LIMITS.dlmsDepthMax);
    expect(decodeData(encodeData(deepest))).toEqual(deepest);
    expect(encode(nested(17))).toBe('DLMS_LIMIT');
    expect(decode(`${'0201'.repeat(16)}00`)).toBe('DLMS_LIMIT');
    expect(decode('0201'.repeat(50_000))).toBe('DLMS_LIMIT');
  });

  test('65,535 elements pass, 65,536 do not, either way', () => {
    const nulls = (count: number): Data => ({
      type: 'array',
      value: Array.from({ length: count }, () => ({ type: 'null-data' as const })),
    });
    const full = decodeData(encodeData(nulls(65_535)));
    expect(full.type === 'array' ? full.value.length : 0).toBe(65_535);
    expect(encode(nulls(65_536))).toBe('DLMS_LIMIT');
    expect(decode(`018400010000${'00'.repeat(65_536)}`)).toBe('DLMS_LIMIT');
  });

  test('a count beyond the octets that are left is refused at once', () => {
    expect(decode('0182ffff00')).toBe('DLMS_TRUNCATED');
    expect(decode('0184ffffffff')).toBe('DLMS_LIMIT');
    expect(decode('0984ffffffff')).toBe('DLMS_TRUNCATED');
    expect(decode('0484ffffffff')).toBe('DLMS_TRUNCATED');
  });

  test('a few octets of compact-array cannot make millions of elements', () => {
    // array of 65,535 × array of 65,535 null-data, and one octet to make it begin.
    expect(decode('1301ffff01ffff000100')).toBe('DLMS_LIMIT');
    expect(decode('1301ffff01ffff01ffff000100')).toBe('DLMS_LIMIT');
    // In a list every answer draws on the same budget.
    const one = `001301ffff0202000382ffff${'01'.repeat(65_535)}`;
    expect(refusal(() => decodeApdu(bytes(`c403c109${one.repeat(9)}`)))).toBe('DLMS_LIMIT');
  });

  test('a compact-array whose elements have no octets is refused', () => {
    expect(decode('13000100')).toBe('DLMS_VALUE');
    expect(decode('13020001aa')).toBe('DLMS_VALUE');
    const empty = { type: 'compact-array', description: { type: 'null-data' }, value: [] };
    expect(encode(empty)).toBe('accepted');
    expect(encode({ ...empty, value: [{ type: 'null-data' }] })).toBe('DLMS_VALUE');
  });

  test('the compact-array of the Blue Book example', () => {
    expect(decodeData(bytes('1302021206' + '0c' + '0001000003e80002000007d0'))).toEqual({
      type: 'compact-array',
      description: {
        type: 'structure',
        elements: [{ type: 'long-unsigned' }, { type: 'double-long-unsigned' }],
      },
      value: [1, 2].map((n) => ({
        type: 'structure',
        value: [
          { type: 'long-unsigned', value: n },
          { type: 'double-long-unsigned', value: n * 1_000 },
        ],
      })),
    });
  });
});

describe('refusals', () => {
  test.each([
    ['unused tags', '07000000', 'DLMS_TAG'],
    ['no octets', '', 'DLMS_TRUNCATED'],
    ['trailing octets', '0000', 'DLMS_TRAILING'],
    ['a length in no octets', '0980', 'DLMS_VALUE'],
    ['a length in five octets', '09850000000001', 'DLMS_VALUE'],
    ['what is not UTF-8', '0c02c328', 'DLMS_VALUE'],
  ])('%s', (_, hex, code) => {
    expect(decode(hex)).toBe(code);
  });

  test('values that do not fit their type', () => {
    expect(encode({ type: 'unsigned', value: 256 })).toBe('DLMS_VALUE');
    expect(encode({ type: 'integer', value: -129 })).toBe('DLMS_VALUE');
    expect(encode({ type: 'long', value: 1.5 })).toBe('DLMS_VALUE');
    expect(encode({ type: 'long64', value: 2n ** 63n })).toBe('DLMS_VALUE');
    expect(encode({ type: 'long64-unsigned', value: -1n })).toBe('DLMS_VALUE');
    expect(encode({ type: 'long64', value: 1 })).toBe('DLMS_VALUE');
    expect(encode({ type: 'date', value: new Uint8Array(4) })).toBe('DLMS_VALUE');
    expect(encode({ type: 'octet-string', value: 'text' })).toBe('DLMS_VALUE');
    expect(encode({ type: 'bit-string', value: '012' })).toBe('DLMS_VALUE');
    expect(encode({ type: 'visible-string', value: '€' })).toBe('DLMS_VALUE');
    expect(encode({ type: 'utf8-string', value: '\ud800' })).toBe('DLMS_VALUE');
    expect(encode({ type: 'boolean', value: 1 })).toBe('DLMS_VALUE');
  });

  test('lists that answer each other must have one length, either way', () => {
    const invoke = { id: 1, confirmed: true, highPriority: false };
    const apdu: Apdu = {
      kind: 'set-request-with-list',
      invoke,
      attributes: [],
      values: [{ type: 'null-data' }],
    };
    expect(refusal(() => encodeApdu(apdu))).toBe('DLMS_VALUE');
    expect(refusal(() => decodeApdu(bytes('c104410001' + '00')))).toBe('DLMS_VALUE');
  });

  test('numbers and names outside their fields', () => {
    const attribute = { classId: 1, instance: '1-0:1.8.0', attributeId: 2 };
    const request = (invokeId: number, instance: string): Apdu => ({
      kind: 'get-request-normal',
      invoke: { id: invokeId, confirmed: true, highPriority: false },
      attribute: { ...attribute, instance },
      selection: undefined,
    });
    expect(refusal(() => encodeApdu(request(16, '1-0:1.8.0')))).toBe('DLMS_VALUE');
    expect(refusal(() => encodeApdu(request(1, '1.8.0')))).toBe('DLMS_VALUE');
    expect(refusal(() => parseLogicalName('1-0:1.8.256'))).toBe('DLMS_VALUE');
    expect(refusal(() => decodeApdu(bytes('c009')))).toBe('DLMS_TAG');
    expect(refusal(() => decodeApdu(bytes('ff')))).toBe('DLMS_TAG');
    expect(refusal(() => encodeApdu({ kind: 'no-such' } as unknown as Apdu))).toBe('DLMS_TAG');
    const apdu = new Uint8Array(65_536);
    expect(refusal(() => encodeWpdu({ source: 1, destination: 1, apdu }))).toBe('DLMS_LIMIT');
  });

  test('association control: what is missing, unknown or doubled', () => {
    expect(refusal(() => decodeAcse(bytes('6000')))).toBe('DLMS_VALUE');
    expect(refusal(() => decodeAcse(bytes('c000')))).toBe('DLMS_TAG');
    const context = 'a109060760857405080101';
    const skipped = decodeAcse(bytes(`6012${'9f0105'}${'80020780'}${context}`));
    expect(skipped).toMatchObject({ kind: 'aarq', applicationContext: 'LN' });
    const doubled = decodeAcse(bytes(`6016${context}a109060760857405080103`));
    expect(doubled).toMatchObject({ applicationContext: 'LN' });
    expect(isAcse(bytes('62'))).toBe(true);
    expect(isAcse(bytes(''))).toBe(false);
    const bad = { kind: 'aarq', applicationContext: 'XX' } as unknown as Parameters<
      typeof encodeAcse
    >[0];
    expect(refusal(() => encodeAcse(bad))).toBe('DLMS_VALUE');
  });
});

describe('shapes', () => {
  test('data of another type is refused', () => {
    const text: Data = { type: 'visible-string', value: 'x' };
    for (const shape of [number('enum'), anyInteger('long'), bool, dateTime, arrayOf(bool)]) {
      expect(refusal(() => shape.read(text))).toBe('DLMS_VALUE');
    }
    const big: Data = { type: 'long64-unsigned', value: 2n ** 63n };
    expect(refusal(() => anyInteger('long').read(big))).toBe('DLMS_VALUE');
    expect(anyInteger('long').read({ type: 'long64', value: -5n })).toBe(-5);
  });

  test('selections read back as they were asked', () => {
    const from = dateTimeAt(Date.UTC(2026, 0, 1), 0);
    const to = dateTimeAt(Date.UTC(2026, 0, 2), 0);
    expect(readSelection(selectRange(from, to))).toMatchObject({ kind: 'range', from, to });
    const entries = { fromEntry: 5, toEntry: 0, fromColumn: 1, toColumn: 0 };
    expect(readSelection(selectEntries(entries))).toEqual({ kind: 'entries', ...entries });
    expect(refusal(() => readSelection({ ...selectEntries(entries), selector: 3 }))).toBe(
      'DLMS_VALUE',
    );
  });
});
