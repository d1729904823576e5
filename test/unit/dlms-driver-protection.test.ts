/** Goal: an answer that is not authentic, not fresh or not the meter's is never taken. */
import { describe, expect, it } from 'vitest';
import { Counters, memoryCounterStore } from '../../gateway/drivers/dlms/counters.ts';
import { ClientProtection } from '../../gateway/drivers/dlms/protection.ts';
import { counterKey, type DlmsTarget } from '../../gateway/drivers/dlms/target.ts';
import { encodeApdu } from '../../gateway/protocols/dlms/apdu.ts';
import { sealApdu } from '../../gateway/protocols/dlms/security/protection.ts';
import { secretsOf } from '../../simulators/dlms-meter/meter.ts';
import { CLIENT_TITLE } from '../support/dlms.ts';

const { keys, systemTitle } = secretsOf('P', 'p');
const TARGET: DlmsTarget = {
  meter: 'P',
  host: 'nowhere',
  port: 4059,
  framing: 'wrapper',
  clientSap: 1,
  serverSap: 1,
  credentials: {
    mechanism: 'high-gmac',
    keys,
    clientTitle: CLIENT_TITLE,
    serverTitle: systemTitle,
  },
};
const ANSWER = encodeApdu({
  kind: 'get-response-normal',
  invoke: { id: 1, confirmed: true, highPriority: true },
  result: { data: { type: 'boolean', value: true } },
});

interface Sealing {
  readonly title?: Uint8Array;
  readonly counter?: number;
  readonly authenticated?: boolean;
  readonly encrypted?: boolean;
  readonly form?: 'service' | 'general';
  readonly otherKey?: boolean;
}

function sealed(how: Sealing): Uint8Array {
  const { authenticated = true, encrypted = true, form = 'service' } = how;
  return sealApdu(ANSWER, {
    keys: how.otherKey === true ? { ...keys, authentication: new Uint8Array(16) } : keys,
    systemTitle: how.title ?? systemTitle,
    invocationCounter: how.counter ?? 7,
    control: { suite: 0, authenticated, encrypted, broadcastKey: false },
    form,
  });
}

async function protectionWith(lastAccepted: number): Promise<ClientProtection> {
  const store = memoryCounterStore();
  await store.accepted(counterKey(TARGET), lastAccepted);
  const protection = await ClientProtection.of(TARGET, new Counters(store));
  if (protection === undefined) throw new Error('no protection');
  return protection;
}

describe('an answer', () => {
  it('that is protected and fresh is taken, once, in either form', async () => {
    for (const form of ['service', 'general'] as const) {
      const protection = await protectionWith(6);
      expect([...protection.open(sealed({ form }))]).toEqual([...ANSWER]);
      expect(() => protection.open(sealed({ form }))).toThrowError(/not above 7/);
    }
  });

  it('may have the counter 0 when nothing was accepted before', async () => {
    const protection = await protectionWith(-1);
    expect([...protection.open(sealed({ counter: 0 }))]).toEqual([...ANSWER]);
  });

  it.each<[string, Uint8Array, string]>([
    ['in clear', ANSWER, 'DLMS_AUTHENTICITY'],
    ['encrypted only', sealed({ authenticated: false }), 'DLMS_AUTHENTICITY'],
    ['authenticated only', sealed({ encrypted: false }), 'DLMS_AUTHENTICITY'],
    ['under another key', sealed({ otherKey: true }), 'DLMS_AUTHENTICITY'],
    [
      'of another meter',
      sealed({ title: Buffer.from('MLN99999'), form: 'general' }),
      'DLMS_AUTHENTICITY',
    ],
    ['of our own', sealed({ title: CLIENT_TITLE }), 'DLMS_AUTHENTICITY'],
    ['that is old', sealed({ counter: 6 }), 'DLMS_REPLAY'],
    [
      'as another service',
      Buffer.concat([Uint8Array.of(0xcf), sealed({}).subarray(1)]),
      'DLMS_SECURITY',
    ],
  ])('%s is refused', async (_what, octets, code) => {
    const protection = await protectionWith(6);
    expect(() => protection.open(octets)).toThrowError(expect.objectContaining({ code }));
    expect([...protection.open(sealed({ counter: 8 }))]).toEqual([...ANSWER]);
  });

  it('what was accepted outlives the session', async () => {
    const store = memoryCounterStore();
    const first = await ClientProtection.of(TARGET, new Counters(store));
    first?.open(sealed({ counter: 40 }));
    await first?.remember();
    const second = await ClientProtection.of(TARGET, new Counters(store));
    expect(() => second?.open(sealed({ counter: 40 }))).toThrowError(/not above 40/);
  });
});

describe('our counters', () => {
  it('are never given twice, whatever the meter claims', async () => {
    const store = memoryCounterStore();
    const counters = new Counters(store);
    const given = new Set<number>();
    const take = async (from: Counters) => {
      const next = await from.next('k');
      expect(given.has(next)).toBe(false);
      given.add(next);
      return next;
    };
    for (let i = 0; i < 300; i += 1) await take(counters);
    await counters.follow('k', 299, 250); // below: nothing happens
    expect(await take(counters)).toBe(300);
    await counters.follow('k', 300, 400); // within the block
    expect(await take(counters)).toBe(400);
    await counters.follow('k', 400, 9_000); // beyond it
    expect(await take(counters)).toBe(9_000);
    const other = new Counters(store); // the process died and came back
    expect(await take(other)).toBeGreaterThan(9_000);
    await expect(counters.follow('k', 9_000, 0xffffff00)).rejects.toMatchObject({
      code: 'DLMS_COUNTER',
    });
  });
});
