/** Goal: driver and meter agree on associations, services and blocks over real sockets. */
import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import { cryptoRandom, type Fault, isFault } from '../../domain/index.ts';
import { memoryCounterStore } from '../../gateway/drivers/dlms/counters.ts';
import { DlmsDriver } from '../../gateway/drivers/dlms/driver.ts';
import { readClock, setClock } from '../../gateway/drivers/dlms/meter-clock.ts';
import type { DlmsTarget } from '../../gateway/drivers/dlms/target.ts';
import { decodeApdu } from '../../gateway/protocols/dlms/apdu.ts';
import { EXCEPTION_SERVICES } from '../../gateway/protocols/dlms/messages.ts';
import type { Data } from '../../gateway/protocols/dlms/types.ts';
import { WrapperReader } from '../../gateway/protocols/dlms/wrapper.ts';
import { OBJECTS } from '../../simulators/dlms-meter/objects/all.ts';
import { dlmsBench, FRAMINGS, withBench } from '../support/dlms.ts';
import { wireTap } from '../support/wire-tap.ts';

const NAME = { classId: 1, instance: '0-0:42.0.0', attributeId: 2 };
const CLOCK = { classId: 8, instance: '0-0:1.0.0', attributeId: 2 };
const IMPORT = { classId: 3, instance: '1-0:1.8.0', attributeId: 2 };
const OBJECT_LIST = { classId: 15, instance: '0-0:40.0.0', attributeId: 2 };
/** Counts on with every request. */
const COUNTER = '0-0:43.1.0';
const MODE = { classId: 70, instance: '0-0:96.3.10', attributeId: 4 };

function textOf(data: Data): string {
  return data.type === 'octet-string' ? Buffer.from(data.value).toString('latin1') : data.type;
}

async function faultOf(work: Promise<unknown>): Promise<Fault> {
  try {
    await work;
  } catch (error) {
    if (isFault(error)) return error;
    throw error;
  }
  throw new Error('no fault');
}

describe.each(FRAMINGS)('associations over %s', (framing) => {
  it.each(['public', 'reading', 'management'] as const)('%s client reads', async (role) => {
    await withBench({ framing }, async ({ driver, target }) => {
      const name = await driver.read(target(role), (s) => s.get(NAME));
      expect(textOf(name)).toBe('MLNSIM1');
    });
  });

  it('each client gets what it may and no more', async () => {
    await withBench({ framing }, async ({ driver, target }) => {
      const results = await driver.read(target('public'), async (s) => [
        await s.tryGet(CLOCK),
        await s.tryGet(IMPORT),
        await s.tryGet({ ...IMPORT, instance: '1-0:99.99.99' }),
        await s.tryGet({ ...IMPORT, classId: 1 }),
      ]);
      expect(results.map((r) => ('error' in r ? r.error : 'data'))).toEqual([
        'data',
        'read-write-denied',
        'object-undefined',
        'object-class-inconsistent',
      ]);
      const denied = driver.act(target('reading'), (s) => s.set(MODE, { type: 'enum', value: 2 }));
      expect(await faultOf(denied)).toMatchObject({ code: 'DLMS_EXCEPTION' });
    });
  });

  it('lists about forty objects, in blocks', async () => {
    await withBench({ framing }, async ({ driver, target }) => {
      const list = await driver.read(target(), (s) => s.get(OBJECT_LIST));
      const rows = list.type === 'array' ? list.value : [];
      expect(rows.length).toBe(OBJECTS.length);
      expect(rows.length).toBeGreaterThanOrEqual(40);
      const few = await driver.read(target('public'), (s) => s.get(OBJECT_LIST));
      expect(few.type === 'array' && few.value.length).toBe(
        OBJECTS.filter((o) => o.readers.includes('public')).length,
      );
    });
  });

  it('reads every attribute of every object, singly and as a list alike', async () => {
    await withBench({ framing }, async ({ driver, target }) => {
      const all = OBJECTS.filter((o) => o.classId !== 7 && o.instance !== COUNTER).flatMap(
        ({ classId, instance, attributes }) =>
          ['1', ...Object.keys(attributes)].map((id) => ({
            classId,
            instance,
            attributeId: Number(id),
            selection: undefined,
          })),
      );
      await driver.read(target(), async (session) => {
        const together = await session.getList(all);
        expect(together.filter((r) => 'error' in r)).toEqual([]);
        const alone = [];
        for (const a of all.slice(0, 40)) alone.push(await session.tryGet(a));
        expect(together.slice(0, 40)).toEqual(alone);
      });
    });
  });

  it.each(['refused', 'short'] as const)(
    'lists that are %s are asked one by one',
    async (lists) => {
      await withBench({ framing, meters: [{ lists }] }, async ({ driver, target, host }) => {
        const wanted = [NAME, IMPORT, CLOCK].map((a) => ({ ...a, selection: undefined }));
        const results = await driver.read(target(), (s) => s.getList(wanted));
        expect(results.map((r) => 'data' in r)).toEqual([true, true, true]);
        expect(host.connections).toBe(1);
      });
    },
  );

  it('SET and ACTION go in blocks when the meter takes little at a time', async () => {
    await withBench({ framing, meters: [{ maxPduOctets: 80 }] }, async (bench) => {
      const { driver, target, meter } = bench;
      await driver.act(target(), async (session) => {
        await session.set(MODE, { type: 'enum', value: 6 });
        expect(meter.relay.mode).toBe(6);
        const long: Data = { type: 'octet-string', value: new Uint8Array(200) };
        expect(await faultOf(session.set(MODE, long))).toMatchObject({
          code: 'DLMS_ACCESS',
          detail: { result: 'type-unmatched' },
        });
        const script = { classId: 9, instance: '0-0:10.0.106', methodId: 1 };
        expect((await session.action(script, long)).result).toBe('type-unmatched');
        const run = await session.action(script, { type: 'long-unsigned', value: 1 });
        expect([run.result, meter.relay.closed]).toEqual(['success', false]);
      });
    });
  });

  it('reads the clock, tells the drift, sets it', async () => {
    const meters = [{ clockPlan: { offsetMs: 95_000 } }];
    await withBench({ framing, meters }, async ({ driver, target, meter, clock }) => {
      const time = await driver.read(target(), readClock);
      expect(Math.abs(time.driftMs - 95_000)).toBeLessThanOrEqual(time.uncertainMs);
      expect(time.deviationMinutes).toBe(-120);
      await driver.act(target(), (s) => setClock(s, time.deviationMinutes));
      expect(meter.clock.nowMs()).toBe(clock.nowMs());
    });
  });
});

describe('who is who', () => {
  it.each<[string, (t: DlmsTarget) => DlmsTarget, string, RegExp]>([
    ['password', (t) => ({ ...t, clientSap: 2, credentials: LOW }), 'DLMS_REFUSED', /failure/],
    ['mechanism', (t) => ({ ...t, clientSap: 2, credentials: NONE }), 'DLMS_REFUSED', /mechanism/],
    ['context', (t) => ({ ...t, clientSap: 1, credentials: NONE }), 'DLMS_REFUSED', /context/],
    ['encryption key', (t) => withKey(t, 'encryption'), 'DLMS_REFUSED', /failure/],
    ['authentication key', (t) => withKey(t, 'authentication'), 'DLMS_REFUSED', /failure/],
    ['server title', (t) => withTitle(t), 'DLMS_AUTHENTICITY', /system title/],
  ])('a wrong %s is refused with the reason', async (_what, change, code, reason) => {
    await withBench({}, async ({ driver, target }) => {
      const fault = await faultOf(driver.read(change(target()), (s) => s.get(NAME)));
      expect(fault.code).toBe(code);
      expect(fault.message).toMatch(reason);
    });
  });

  it('a client the meter does not know gets silence, and a fault in time', async () => {
    await withBench({ rate: 20 }, async ({ driver, target }) => {
      const nobody = { ...target('public'), clientSap: 77, answerMs: 2_000 };
      expect(await faultOf(driver.read(nobody, (s) => s.get(NAME)))).toMatchObject({
        code: 'DLMS_TIMEOUT',
      });
    });
  });
});

const NONE = { mechanism: 'lowest' } as const;
const LOW = { mechanism: 'low', password: Buffer.from('wrong') } as const;

function withKey(target: DlmsTarget, which: 'encryption' | 'authentication'): DlmsTarget {
  const { credentials } = target;
  if (credentials.mechanism !== 'high-gmac') throw new Error('needs keys');
  const keys = { ...credentials.keys, [which]: new Uint8Array(16) };
  return { ...target, credentials: { ...credentials, keys } };
}

function withTitle(target: DlmsTarget): DlmsTarget {
  const { credentials } = target;
  if (credentials.mechanism !== 'high-gmac') throw new Error('needs keys');
  return { ...target, credentials: { ...credentials, serverTitle: Buffer.from('MLN99999') } };
}

describe('replay', () => {
  it('what was said once is refused the second time, with the counter that is expected', async () => {
    const bench = await dlmsBench();
    const tap = await wireTap(bench.host.port);
    try {
      const target = { ...bench.target(), port: tap.port };
      await bench.driver.act(target, (s) =>
        s.action(
          { classId: 70, instance: '0-0:96.3.10', methodId: 1 },
          { type: 'integer', value: 0 },
        ),
      );
      expect(bench.meter.relay.closed).toBe(false);
      bench.meter.operate('remote-reconnect');
      const answers = await sayAgain(bench.host.port, tap.said);
      expect(answers.length).toBe(tap.said.length);
      expect(bench.meter.relay.closed).toBe(true);
      const refusals = answers.slice(0, 3).map((apdu) => decodeApdu(apdu));
      expect(refusals[0]).toMatchObject({
        kind: 'exception-response',
        serviceError: {
          code: EXCEPTION_SERVICES.invocationCounterError,
          invocationCounter: bench.meter.clientCounter + 1,
        },
      });
      expect(refusals.every((r) => r.kind === 'exception-response')).toBe(true);
    } finally {
      await tap.close();
      await bench.close();
    }
  });

  it('within an association too: the same bytes do nothing twice', async () => {
    const bench = await dlmsBench();
    const tap = await wireTap(bench.host.port);
    try {
      const target = { ...bench.target(), port: tap.port };
      await bench.driver.act(target, async (session) => {
        const relay = { classId: 70, instance: '0-0:96.3.10' };
        await session.action({ ...relay, methodId: 1 }, { type: 'integer', value: 0 });
        const disconnect = tap.said.at(-1) as Buffer;
        await session.action({ ...relay, methodId: 2 }, { type: 'integer', value: 0 });
        await sayAgain(bench.host.port, [disconnect]);
        expect(bench.meter.relay.closed).toBe(true);
      });
    } finally {
      await tap.close();
      await bench.close();
    }
  });

  it('a driver that lost its counters is told what the meter expects, and goes on', async () => {
    await withBench({}, async ({ clock, driver, target, meter }) => {
      for (let i = 0; i < 3; i += 1) await driver.read(target(), (s) => s.get(NAME));
      const before = meter.clientCounter;
      const ports = { clock, random: cryptoRandom, counters: memoryCounterStore() };
      const other = new DlmsDriver(ports);
      expect(textOf(await other.read(target(), (s) => s.get(NAME)))).toBe('MLNSIM1');
      expect(meter.clientCounter).toBeGreaterThan(before);
    });
  });

  it('a counter too far ahead is not believed', async () => {
    await withBench({ rate: 20 }, async ({ driver, target, meter }) => {
      meter.clientCounter = 0xf0000000;
      const fault = await faultOf(driver.read(target(), (s) => s.get(NAME)));
      expect(fault.code).toBe('DLMS_COUNTER');
      expect(fault.detail['expected']).toBe(0xf0000001);
    });
  });

  it('numbers are on disk before they are used, 256 at a time', async () => {
    const reserved: number[] = [];
    const store = memoryCounterStore();
    await withBench({}, async ({ clock, target, meter }) => {
      const counters = {
        ...store,
        async reserve(key: string, count: number, atLeast: number) {
          const first = await store.reserve(key, count, atLeast);
          expect(meter.clientCounter).toBeLessThan(first);
          reserved.push(first, count);
          return first;
        },
      };
      const driver = new DlmsDriver({ clock, random: cryptoRandom, counters });
      await driver.read(target(), async (session) => {
        for (let i = 0; i < 300; i += 1) await session.get(NAME);
      });
    });
    expect(reserved).toEqual([0, 256, 256, 256]);
  });
});

/** Every chunk on a new connection; the APDUs that come back. */
async function sayAgain(port: number, said: readonly Buffer[]): Promise<Uint8Array[]> {
  const reader = new WrapperReader();
  const answers: Uint8Array[] = [];
  const socket = connect({ host: '127.0.0.1', port });
  socket.on('data', (chunk) => {
    for (const { apdu } of reader.push(chunk)) answers.push(apdu);
  });
  for (const [i, chunk] of said.entries()) {
    socket.write(chunk);
    for (let waited = 0; answers.length <= i && waited < 2_000; waited += 5) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }
  socket.destroy();
  return answers;
}
