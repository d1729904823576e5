/** The hand-written checks against the schema that documents them, and against mutated bytes. */
import { Ajv } from 'ajv';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FLAG_NAMES } from '../../domain/index.ts';
import { decode } from '../../gateway/payload/decode.ts';
import { parseReply } from '../../gateway/payload/events.ts';
import {
  EventsMessageSchema,
  PAYLOAD_FORMATS,
  PushBodySchema,
  ReadingsMessageSchema,
  ReplySchema,
} from '../../gateway/payload/schema.ts';

const ajv = new Ajv({ formats: { ...PAYLOAD_FORMATS } });
const compiled = {
  readings: ajv.compile(ReadingsMessageSchema),
  events: ajv.compile(EventsMessageSchema),
  push: ajv.compile(PushBodySchema),
  reply: ajv.compile(ReplySchema),
};

/** Mostly the good arbitrary, now and then anything else. */
const mostly = <T>(good: fc.Arbitrary<T>) =>
  fc.oneof(
    { weight: 30, arbitrary: good as fc.Arbitrary<unknown> },
    { weight: 1, arbitrary: junk },
  );
const junk = fc.oneof(
  fc.constantFrom<unknown>(
    null,
    '',
    '1.5',
    '-0',
    1.5,
    -1,
    2 ** 53,
    true,
    [],
    {},
    '2026-02-30T00:00Z',
  ),
  fc.jsonValue({ maxDepth: 2 }),
);
const instant = fc
  .integer({ min: 0, max: 4_000_000_000 })
  .map((seconds) => new Date(seconds * 1000).toISOString());
const count = fc.oneof(
  fc.maxSafeInteger(),
  fc.integer({ min: 0, max: 5 }),
  fc.maxSafeInteger().map(String),
);
const scale = {
  channel: mostly(fc.constantFrom('1-0:1.8.0', '1-0:2.8.0*255', 'E1')),
  unit: mostly(fc.constantFrom('Wh', 'kWh', 'm³')),
  decimals: mostly(fc.integer({ min: 0, max: 9 })),
};
const values = fc.array(mostly(fc.oneof(count, fc.constant(null))), { minLength: 1, maxLength: 5 });
const flagList = mostly(fc.array(mostly(fc.constantFrom(...FLAG_NAMES)), { maxLength: 3 }));
const intervals = fc.record(
  {
    ...scale,
    start: mostly(instant),
    interval_s: mostly(fc.constantFrom(60, 900, 3600)),
    values: mostly(values),
    flags: mostly(fc.array(flagList, { minLength: 1, maxLength: 5 })),
    strange: junk,
  },
  { requiredKeys: ['channel', 'start', 'interval_s', 'values'] },
);
const register = fc.record(
  { ...scale, at: mostly(instant), register: mostly(count), start: mostly(instant) },
  { requiredKeys: ['channel', 'at', 'register'] },
);
const dropStart = (record: object) => {
  const { start: _, ...rest } = record as { start?: unknown };
  return rest;
};
const dropStrange = (record: object) => {
  const { strange: _, ...rest } = record as { strange?: unknown };
  return rest;
};
/** As many flag lists as values, so that most records are good ones. */
const evenFlags = (record: object) => {
  const { flags, values } = record as { flags?: unknown; values?: unknown };
  if (!Array.isArray(flags) || !Array.isArray(values)) return record;
  return { ...record, flags: values.map((_, i) => flags[i % flags.length] ?? []) };
};
const record = fc.oneof(
  { weight: 8, arbitrary: intervals.map(dropStrange).map(evenFlags) },
  { weight: 1, arbitrary: intervals },
  { weight: 5, arbitrary: register.map(dropStart) },
  { weight: 1, arbitrary: register },
);
const serial = mostly(fc.constantFrom('M1', 'a:b.c_d-e'));

/** Rules beside the schema: identity, and as many flag lists as values. */
function flagsFit(record: unknown): boolean {
  const { flags, values } = record as { flags?: unknown; values?: unknown };
  return flags === undefined || (flags as unknown[]).length === (values as unknown[])?.length;
}

function envelope(source: 'mqtt' | 'http', kind: string, raw: Uint8Array) {
  const locator = source === 'mqtt' ? `v1/M1/up/${kind}` : '/v1/readings';
  return { source, peer: 'M1', receivedMs: 0, contentType: 'application/json', locator, raw };
}

const bytes = (value: unknown) => Buffer.from(JSON.stringify(value));
const asSent = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

describe('the checks and the schema give the same verdict', () => {
  it('on messages of readings', () => {
    const message = fc.record(
      {
        meter: mostly(fc.constant('M1')),
        sent_at: mostly(instant),
        readings: mostly(fc.array(record, { maxLength: 3 })),
      },
      { requiredKeys: ['readings'] },
    );
    let good = 0;
    fc.assert(
      fc.property(message, (value) => {
        const sent = asSent(value) as { meter?: unknown; readings: unknown[] };
        const mine = sent.meter === undefined || sent.meter === 'M1';
        const expected = compiled.readings(sent) && mine && sent.readings.every(flagsFit);
        const decoded = decode(envelope('mqtt', 'readings', bytes(value)));
        expect(decoded.refusals.length === 0).toBe(expected);
        if (expected) good += 1;
        if (expected) expect(decoded.blocks).toHaveLength(sent.readings.length);
      }),
      { numRuns: 3_000 },
    );
    expect(good).toBeGreaterThan(300);
  });

  it('on head-end pushes', () => {
    const named = fc.tuple(record, serial).map(([rest, meter]) => ({ ...rest, meter }));
    const body = fc.record({
      readings: fc.array(fc.oneof(named, named, named, record), { maxLength: 3 }),
    });
    fc.assert(
      fc.property(body, (value) => {
        const sent = asSent(value) as { readings: unknown[] };
        const expected = compiled.push(sent) && sent.readings.every(flagsFit);
        expect(decode(envelope('http', '', bytes(value))).refusals.length === 0).toBe(expected);
      }),
      { numRuns: 2_000 },
    );
  });

  it('on events and replies', () => {
    const event = fc.record(
      {
        at: mostly(instant),
        code: mostly(fc.constantFrom('TAMPER', 'P_1')),
        detail: mostly(fc.string()),
      },
      { requiredKeys: ['at', 'code'] },
    );
    const relay = mostly(fc.constantFrom('open', 'closed', 'ready', 'unknown'));
    const reply = fc.record(
      {
        id: mostly(fc.string({ maxLength: 70 })),
        outcome: mostly(fc.constantFrom('accepted', 'done', 'refused', 'expired', 'duplicate')),
        output: relay,
        control: relay,
        reason: mostly(fc.string()),
        at: mostly(instant),
        other: junk,
      },
      { requiredKeys: ['id', 'outcome', 'at'] },
    );
    fc.assert(
      fc.property(
        fc.record({ events: fc.array(event, { maxLength: 3 }) }),
        reply,
        (events, answer) => {
          const decoded = decode(envelope('mqtt', 'events', bytes(events)));
          expect(decoded.refusals.length === 0).toBe(compiled.events(asSent(events)));
          expect('reply' in parseReply(bytes(answer))).toBe(compiled.reply(asSent(answer)));
        },
      ),
      { numRuns: 2_000 },
    );
  });
});

describe('mutated bytes', () => {
  const seedMessage = bytes({
    meter: 'M1',
    readings: [
      {
        channel: '1-0:1.8.0',
        start: '2026-10-01T00:00:00Z',
        interval_s: 900,
        values: [1, '2', null, -3],
        flags: [[], ['LATE'], [], []],
      },
      { channel: '1-0:1.8.0', at: '2026-10-02T00:00:00Z', register: 123456 },
    ],
  });
  const pieces = [
    '"__proto__":{"x":1},',
    '1e400',
    '-0',
    '9007199254740993',
    '\\ud800',
    '[[[[',
    '{',
    '\u0000',
    '\n',
  ];

  it('never throw, never invent, never touch a prototype, within two seconds', () => {
    const seed = Date.now() % 2 ** 31;
    const next = xorshift(seed);
    const until = performance.now() + 2_000;
    let runs = 0;
    for (; performance.now() < until; runs += 1) {
      const raw = mutate(seedMessage, next, pieces);
      for (const sample of [envelope('mqtt', 'readings', raw), envelope('http', '', raw)]) {
        const decoded = decode(sample);
        const context = `seed ${seed} run ${runs}: ${raw.toString('base64')}`;
        expect(decoded.blocks.length + decoded.refusals.length, context).toBeGreaterThan(0);
        for (const block of decoded.blocks) {
          for (const value of block.values) {
            if (value !== null) expect(Number.isSafeInteger(value), context).toBe(true);
          }
        }
      }
    }
    expect(runs).toBeGreaterThan(1_000);
    expect(Object.keys(Object.prototype)).toEqual([]);
  });
});

function xorshift(seed: number): (below: number) => number {
  let state = seed | 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

function mutate(from: Buffer, next: (below: number) => number, pieces: readonly string[]): Buffer {
  let out = Buffer.from(from);
  for (let i = next(4); i >= 0; i -= 1) {
    const at = next(out.length + 1);
    const length = next(12);
    const kind = next(4);
    if (kind === 0 && out.length > 0) out[at % out.length] = next(256);
    else if (kind === 1) out = Buffer.concat([out.subarray(0, at), out.subarray(at + length)]);
    else if (kind === 2) {
      const piece = Buffer.from(pieces[next(pieces.length)] as string);
      out = Buffer.concat([out.subarray(0, at), piece, out.subarray(at)]);
    } else
      out = Buffer.concat([out.subarray(0, at), out.subarray(at - length, at), out.subarray(at)]);
  }
  return out;
}
