/** Block transfer of both kinds, and profile rows with their nulls filled in. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { LIMITS } from '../../domain/index.ts';
import { BlockAssembler, cutBlocks } from '../../gateway/protocols/dlms/blocks.ts';
import {
  dateTimeAt,
  decodeDateTime,
  encodeDateTime,
  instantMs,
} from '../../gateway/protocols/dlms/datetime.ts';
import {
  GbtAssembler,
  type GbtBlock,
  GbtEndpoint,
  gbtPush,
} from '../../gateway/protocols/dlms/gbt.ts';
import { captureObjects, expandRows, scalerUnit } from '../../gateway/protocols/dlms/profile.ts';
import type { Data } from '../../gateway/protocols/dlms/types.ts';
import { refusal } from './dlms-refusal.ts';

const hex = (octets: Uint8Array): string => Buffer.from(octets).toString('hex');
const message = fc.uint8Array({ maxLength: 400 });
const size = fc.integer({ min: 1, max: 60 });

describe('datablocks', () => {
  test('cut and joined is the same message', () => {
    fc.assert(
      fc.property(message, size, (octets, blockBytes) => {
        const assembler = new BlockAssembler();
        const whole = cutBlocks(octets, blockBytes).flatMap((block) => assembler.push(block) ?? []);
        expect(whole.map(hex)).toEqual([hex(octets)]);
      }),
    );
  });

  test('a block out of order is refused; a last block may be empty', () => {
    const [first, second] = cutBlocks(new Uint8Array(10), 5) as [never, never];
    expect(refusal(() => new BlockAssembler().push(second))).toBe('DLMS_BLOCK');
    const assembler = new BlockAssembler();
    assembler.push(first);
    expect(refusal(() => assembler.push(first))).toBe('DLMS_BLOCK');
    expect(assembler.lastNumber).toBe(1);
    const end = { blockNumber: 2, lastBlock: true, rawData: new Uint8Array(0) };
    expect(hex(assembler.push(end) as Uint8Array)).toBe('0000000000');
    expect(refusal(() => cutBlocks(new Uint8Array(1), 0))).toBe('DLMS_BLOCK');
    expect(refusal(() => cutBlocks(new Uint8Array(65_536), 1))).toBe('DLMS_LIMIT');
  });
});

describe('general block transfer', () => {
  test('pushed blocks join; a message cut off gives way to the next', () => {
    fc.assert(
      fc.property(message, message, size, (lost, octets, blockBytes) => {
        const assembler = new GbtAssembler();
        const cutOff = gbtPush(lost, blockBytes).slice(0, -1);
        const whole = [...cutOff, ...gbtPush(octets, blockBytes)].flatMap(
          (block) => assembler.push(block) ?? [],
        );
        expect(whole.map(hex)).toEqual([hex(octets)]);
      }),
    );
    const [, second] = gbtPush(new Uint8Array(10), 3) as [GbtBlock, GbtBlock];
    expect(refusal(() => new GbtAssembler().push(second))).toBe('DLMS_BLOCK');
  });

  test('request and response cross a line that loses blocks, as many as there are tries', () => {
    const window = fc.integer({ min: 1, max: 6 });
    const losses = fc.uniqueArray(fc.nat(60), { maxLength: LIMITS.dlmsGbtRetriesMax });
    fc.assert(
      fc.property(
        message,
        message,
        size,
        window,
        window,
        losses,
        (request, response, blockBytesMax, a, b, lost) => {
          const client = new GbtEndpoint({ windowOwn: a, blockBytesMax, windowPeer: b });
          const server = new GbtEndpoint({ windowOwn: b, blockBytesMax, windowPeer: a });
          const outcome = exchange(client, server, request, response, lost);
          expect(outcome).toEqual({ atServer: [hex(request)], atClient: [hex(response)] });
        },
      ),
      { numRuns: 200 },
    );
  });

  test('nothing getting better ends in a fault', () => {
    const endpoint = new GbtEndpoint({ windowOwn: 1, blockBytesMax: 10 });
    endpoint.send(new Uint8Array(30));
    const tries = [1, 2, 3, 4].map(() => refusal(() => endpoint.timeout()));
    expect(tries).toEqual(['accepted', 'accepted', 'accepted', 'DLMS_BLOCK']);
    expect(refusal(() => new GbtEndpoint({ windowOwn: 64, blockBytesMax: 1 }))).toBe('DLMS_BLOCK');
    const stray = { ...(gbtPush(new Uint8Array(1), 1)[0] as GbtBlock), blockNumberAck: 9 };
    expect(refusal(() => endpoint.receive(stray))).toBe('DLMS_BLOCK');
  });
});

/** Carries blocks to and fro; whoever waits in silence is told so. */
function exchange(
  client: GbtEndpoint,
  server: GbtEndpoint,
  request: Uint8Array,
  response: Uint8Array,
  lost: readonly number[],
): { atServer: string[]; atClient: string[] } {
  const [atServer, atClient]: [string[], string[]] = [[], []];
  let sent = 0;
  const arrives = (): boolean => !lost.includes(sent++);
  let up = client.send(request);
  for (let round = 0; round < 2_000 && atClient.length === 0; round += 1) {
    const down: GbtBlock[] = [];
    for (const block of up.filter(arrives)) {
      const step = server.receive(block);
      down.push(...step.blocks);
      if (step.apdu === undefined) continue;
      atServer.push(hex(step.apdu));
      down.push(...server.send(response));
    }
    const next: GbtBlock[] = [];
    for (const block of down.filter(arrives)) {
      const step = client.receive(block);
      next.push(...step.blocks);
      if (step.apdu !== undefined) atClient.push(hex(step.apdu));
    }
    up = next.length > 0 ? next : client.timeout();
  }
  return { atServer, atClient };
}

describe('profile rows', () => {
  const columns = captureObjects.read({
    type: 'array',
    value: [
      [8, '0000010000ff', 2],
      [3, '0100010800ff', 2],
    ].map(([classId, name, attributeId]) => ({
      type: 'structure' as const,
      value: [
        { type: 'long-unsigned' as const, value: classId as number },
        {
          type: 'octet-string' as const,
          value: new Uint8Array(Buffer.from(name as string, 'hex')),
        },
        { type: 'integer' as const, value: attributeId as number },
        { type: 'long-unsigned' as const, value: 0 },
      ],
    })),
  });
  const clock = (ms: number): Data => ({
    type: 'octet-string',
    value: encodeDateTime(dateTimeAt(ms, -60)),
  });
  const none: Data = { type: 'null-data' };
  const count = (value: number): Data => ({ type: 'double-long-unsigned', value });
  const buffer = (...rows: Data[][]): Data => ({
    type: 'array',
    value: rows.map((value) => ({ type: 'structure', value })),
  });
  const endMs = Date.UTC(2026, 11, 31, 22, 45);
  const times = (rows: readonly (readonly Data[])[]) =>
    rows.map(([cell]) =>
      cell?.type === 'octet-string' ? instantMs(decodeDateTime(cell.value)) : null,
    );

  test('a null clock is the one before plus the period, across the new year; a null value repeats', () => {
    const rows = expandRows(
      buffer([clock(endMs), count(7)], [none, none], [none, count(9)]),
      columns,
      900,
    );
    expect(times(rows)).toEqual([endMs, endMs + 900_000, endMs + 1_800_000]);
    expect(rows.map(([, value]) => value)).toEqual([count(7), count(7), count(9)]);
  });

  test('nulls with nothing before them stay null, and so does a clock without period', () => {
    expect(expandRows(buffer([none, none]), columns, 900)).toEqual([[none, none]]);
    const rows = expandRows(buffer([clock(endMs), count(1)], [none, none]), columns, 0);
    expect(times(rows)).toEqual([endMs, null]);
  });

  test('what was unspecified in the clock stays unspecified', () => {
    const open = { ...dateTimeAt(endMs, undefined), dayOfWeek: undefined, hundredths: undefined };
    const first: Data = { type: 'octet-string', value: encodeDateTime(open) };
    const [, second] = expandRows(buffer([first, count(1)], [none, none]), columns, 900);
    const moved = second?.[0];
    expect(moved?.type === 'octet-string' ? decodeDateTime(moved.value) : undefined).toMatchObject({
      dayOfWeek: undefined,
      hundredths: undefined,
      deviationMinutes: undefined,
      hour: 23,
      minute: 0,
    });
  });

  test('scaler and unit', () => {
    const data: Data = {
      type: 'structure',
      value: [
        { type: 'integer', value: -1 },
        { type: 'enum', value: 35 },
      ],
    };
    expect(scalerUnit.read(data)).toEqual({ scaler: -1, unit: 35 });
    expect(scalerUnit.write({ scaler: -1, unit: 35 })).toEqual(data);
  });
});
