import { describe, expect, it } from 'vitest';
import { type Envelope, LIMITS, offeredValues } from '../../domain/index.ts';
import { decode, originOf } from '../../gateway/payload/decode.ts';
import { parseReply } from '../../gateway/payload/events.ts';
import { parseExactJson } from '../../gateway/payload/json.ts';

const START = '2026-10-01T00:00:00Z';

function mqtt(payload: unknown, kind = 'readings'): Envelope {
  const text = typeof payload === 'string' ? payload : JSON.stringify(payload);
  return {
    source: 'mqtt',
    peer: 'M1',
    receivedMs: 1,
    contentType: 'application/json',
    locator: `v1/M1/up/${kind}`,
    raw: Buffer.from(text),
  };
}

function push(text: string, contentType = 'application/json'): Envelope {
  return {
    ...mqtt(text),
    source: 'http',
    peer: 'head-end-1',
    contentType,
    locator: '/v1/readings',
  };
}

const interval = (values: unknown[], more: object = {}) => ({
  channel: '1-0:1.8.0',
  start: START,
  interval_s: 900,
  values,
  ...more,
});

describe('a message of a meter', () => {
  it('becomes blocks of whole counts named by their start', () => {
    const message = {
      meter: 'M1',
      sent_at: '2026-10-02T00:00:05+02:00',
      readings: [
        interval([100, '130', null, 0], {
          unit: 'Wh',
          decimals: 1,
          flags: [['OUTAGE'], [], [], []],
        }),
        { channel: '1-0:1.8.0*255', at: '2026-10-02T00:00:00Z', register: '123456' },
      ],
    };
    expect(decode(mqtt(message))).toEqual({
      blocks: [
        {
          kind: 'interval',
          meter: 'M1',
          channel: '1-0:1.8.0',
          startMs: Date.UTC(2026, 9, 1),
          intervalS: 900,
          values: [100, 130, null, 0],
          unit: 'Wh',
          decimals: 1,
          flags: [1, 0, 0, 0],
          at: 'readings/0',
        },
        {
          kind: 'register',
          meter: 'M1',
          channel: '1-0:1.8.0',
          startMs: Date.UTC(2026, 9, 2),
          intervalS: 0,
          values: [123456],
          at: 'readings/1',
        },
      ],
      refusals: [],
      events: [],
    });
  });

  it('keeps the good records and counts the readings of the bad ones', () => {
    const message = { readings: [interval([1, 2]), interval([1, 1.5, null]), interval([3])] };
    const decoded = decode(mqtt(message));
    expect(decoded.blocks.map((block) => block.values)).toEqual([[1, 2], [3]]);
    expect(decoded.refusals).toEqual([
      {
        code: 'NOT_INTEGER',
        reason: 'readings/1/values/1: value 1.5 is not a whole number of its unit',
        message: 0,
        at: 'readings/1',
        records: 2,
      },
    ]);
  });

  it.each([
    ['1e400', 'NOT_INTEGER'],
    ['0.99999999999999999999', 'NOT_INTEGER'],
    ['1.0', 'NOT_INTEGER'],
    ['9007199254740993', 'VALUE_RANGE'],
    ['-9007199254740992', 'VALUE_RANGE'],
    ['"9007199254740992"', 'VALUE_RANGE'],
    ['"12345678901234567890"', 'VALUE_RANGE'],
    ['" 1"', 'NOT_INTEGER'],
    ['"0x10"', 'NOT_INTEGER'],
    ['""', 'NOT_INTEGER'],
    ['true', 'PAYLOAD_SCHEMA'],
    ['[1]', 'PAYLOAD_SCHEMA'],
    ['{}', 'PAYLOAD_SCHEMA'],
  ])('refuses the value %s as %s', (token, code) => {
    const text = JSON.stringify({ readings: [interval([7, 8])] }).replace('[7,8]', `[7,${token}]`);
    const decoded = decode(mqtt(text));
    expect(decoded.blocks).toEqual([]);
    expect(decoded.refusals).toMatchObject([{ code, at: 'readings/0', records: 2 }]);
    expect(decoded.refusals[0]?.reason).toContain('readings/0/values/1');
  });

  it('takes -0 for 0 and the largest exact integers', () => {
    const values = '[-0,"-0",9007199254740991,-9007199254740991,"9007199254740991"]';
    const text = JSON.stringify({ readings: [interval([7])] }).replace('[7]', values);
    const big = Number.MAX_SAFE_INTEGER;
    expect(decode(mqtt(text)).blocks[0]?.values).toEqual([0, 0, big, -big, big]);
  });

  it('is refused whole when it speaks for another meter', () => {
    const decoded = decode(
      mqtt({ meter: 'M2', readings: [interval([1, 2, null]), interval([3])] }),
    );
    expect(decoded.blocks).toEqual([]);
    expect(decoded.refusals).toMatchObject([
      { code: 'IDENTITY_MISMATCH', at: 'message', records: 3 },
    ]);
  });

  it('tells all problems of a record at once', () => {
    const bad = { channel: '', start: '2026-02-30T00:00:00Z', interval_s: 0, values: [], x: 1 };
    const [refusal] = decode(mqtt({ readings: [bad] })).refusals;
    for (const place of ['channel', 'start', 'interval_s', 'values', 'unknown member x']) {
      expect(refusal?.reason).toContain(place);
    }
  });

  it('lists problems up to the bound and counts the rest', () => {
    const readings = Array.from({ length: LIMITS.pushProblemsMax + 50 }, () => interval([0.5, 1]));
    const { refusals } = decode(push(JSON.stringify({ readings })));
    expect(refusals).toHaveLength(LIMITS.pushProblemsMax + 1);
    expect(refusals.at(-1)?.reason).toContain('50 more records');
    expect(refusals.reduce((sum, refusal) => sum + refusal.records, 0)).toBe(2 * readings.length);
  });

  it('holds no more readings than the bound', () => {
    const half = interval(Array.from({ length: LIMITS.messageReadingsMax / 2 + 1 }, () => 1));
    const { blocks, refusals } = decode(mqtt({ readings: [half, half] }));
    expect(blocks).toHaveLength(1);
    expect(refusals).toMatchObject([{ at: 'readings/1', records: half.values.length }]);
  });

  it.each([
    ['', 'PAYLOAD_SYNTAX'],
    ['{"readings":[', 'PAYLOAD_SYNTAX'],
    ['null', 'PAYLOAD_SCHEMA'],
    ['[]', 'PAYLOAD_SCHEMA'],
    ['{}', 'PAYLOAD_SCHEMA'],
    ['{"readings":{}}', 'PAYLOAD_SCHEMA'],
    ['{"readings":[]}', 'PAYLOAD_SCHEMA'],
    [`${'['.repeat(10_000)}${']'.repeat(10_000)}`, 'PAYLOAD_SCHEMA'],
    ['{"__proto__":{"readings":[1]}}', 'PAYLOAD_SCHEMA'],
    ['\ufeff{"readings":[]}', 'PAYLOAD_SYNTAX'],
  ])('garbage %j is one refusal of one record', (text, code) => {
    expect(decode(mqtt(text))).toMatchObject({ blocks: [], refusals: [{ code, records: 1 }] });
  });

  it('cannot reach a prototype', () => {
    const text = `{"readings":[{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},
      "channel":"1-0:1.8.0","start":"${START}","interval_s":900,"values":[1],"flags":[["__proto__"]]}]}`;
    expect(decode(mqtt(text)).blocks).toEqual([]);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });

  it('takes the last of duplicate keys', () => {
    const text = `{"readings":[1],"readings":[${JSON.stringify(interval([5]))}]}`;
    expect(decode(mqtt(text)).blocks[0]?.values).toEqual([5]);
  });
});

describe('events and replies', () => {
  it('reads events and refuses bad ones one by one', () => {
    const events = [
      { at: START, code: 'TAMPER', detail: 'cover' },
      { at: START, code: 'x' },
    ];
    const decoded = decode(mqtt({ events }, 'events'));
    expect(decoded.events).toEqual([
      { meter: 'M1', atMs: Date.UTC(2026, 9, 1), code: 'TAMPER', detail: 'cover' },
    ]);
    expect(decoded.refusals).toMatchObject([{ at: 'events/1', records: 1 }]);
  });

  it('checks a reply', () => {
    const reply = { id: 'c1', outcome: 'done', output: 'open', control: 'open', at: START };
    expect(parseReply(Buffer.from(JSON.stringify(reply)))).toEqual({ reply });
    for (const bad of [
      { ...reply, outcome: 'maybe' },
      { ...reply, id: 1 },
      { ...reply, y: 1 },
      [],
    ]) {
      expect(parseReply(Buffer.from(JSON.stringify(bad)))).toHaveProperty('reason');
    }
    expect(decode(mqtt('{', 'reply')).refusals).toMatchObject([{ records: 1 }]);
  });
});

describe('a head-end push', () => {
  const record = (meter: string, values: unknown[]) => ({ meter, ...interval(values) });

  it('names the meter in every record', () => {
    const body = { readings: [record('A', [1]), interval([2]), record('B', [3, null])] };
    const decoded = decode(push(JSON.stringify(body)));
    expect(decoded.blocks.map((block) => block.meter)).toEqual(['A', 'B']);
    expect(decoded.refusals[0]?.reason).toContain('readings/1/meter');
  });

  it('may be NDJSON, one reading a line', () => {
    const lines = [JSON.stringify(record('A', [1])), '', '{oops', JSON.stringify(record('B', [2]))];
    const decoded = decode(push(`${lines.join('\r\n')}\n`, 'application/x-ndjson'));
    expect(decoded.blocks.map((block) => [block.meter, block.at])).toEqual([
      ['A', 'line 1'],
      ['B', 'line 4'],
    ]);
    expect(decoded.refusals).toMatchObject([{ code: 'PAYLOAD_SYNTAX', at: 'line 3', records: 1 }]);
    expect(decode(push('\n\n', 'application/x-ndjson')).refusals).toHaveLength(1);
  });

  it('is refused whole when it has members nobody knows', () => {
    const text = JSON.stringify({ readings: [record('A', [1, 2])], meters: 1 });
    expect(decode(push(text))).toMatchObject({
      blocks: [],
      refusals: [{ at: 'message', records: 2 }],
    });
  });
});

describe('around the payload', () => {
  it('names the origin by channel and peer', () => {
    expect(originOf({ source: 'mqtt', peer: 'M1' })).toBe('mqtt');
    expect(originOf({ source: 'http', peer: 'K' })).toBe('http:K');
    expect(originOf({ source: 'file', peer: 'a.csv' })).toBe('file:a.csv');
    expect(originOf({ source: 'dlms', peer: 'M1' })).toBe('dlms');
  });

  it('passes the blocks of drivers through and refuses what it cannot read', () => {
    const block = decode(mqtt({ readings: [interval([1, null])] })).blocks[0];
    if (block === undefined) throw new Error('no block');
    expect(offeredValues(block)).toBe(1);
    const dlms: Envelope = { ...mqtt(''), source: 'dlms', blocks: [block] };
    expect(decode(dlms).blocks).toEqual([block]);
    expect(decode({ ...mqtt(''), source: 'file' }).refusals).toMatchObject([{ records: 1 }]);
  });

  it('keeps every fraction visible', () => {
    expect(parseExactJson('{"a":[1.50,-2e3,"1.5, \\" :1.5",3],"b":1E2}')).toEqual({
      a: [{ $fraction: '1.50' }, { $fraction: '-2e3' }, '1.5, " :1.5', 3],
      b: { $fraction: '1E2' },
    });
    expect(() => parseExactJson('[01.5]')).toThrow(SyntaxError);
  });
});
