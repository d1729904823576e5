/** Protection, HLS, signatures, counters: what was sealed opens, what was touched does not. */
import { generateKeyPairSync } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  decodeCiphered,
  type GeneralSigned,
  isCiphered,
} from '../../gateway/protocols/dlms/security/ciphered.ts';
import {
  checkHlsAnswer,
  type HlsCredentials,
  hlsAnswer,
} from '../../gateway/protocols/dlms/security/hls.ts';
import {
  openApdu,
  sealApdu,
  sealWithHeader,
} from '../../gateway/protocols/dlms/security/protection.ts';

import { refusal } from './dlms-refusal.ts';

const bytes = (hex: string): Uint8Array => new Uint8Array(Buffer.from(hex, 'hex'));
const hex = (octets: Uint8Array): string => Buffer.from(octets).toString('hex');
const CLIENT_TITLE = bytes('4d4d4d0000000001');
const SERVER_TITLE = bytes('4d4d4d0000bc614e');
const keysOf = (suite: number) => ({
  encryption: new Uint8Array(suite === 2 ? 32 : 16).map((_, i) => i),
  authentication: new Uint8Array(suite === 2 ? 32 : 16).map((_, i) => 0xd0 + i),
});
const PLAIN = bytes('c001c100080000010000ff0200');

type Unsigned = Exclude<ReturnType<typeof decodeCiphered>, GeneralSigned>;
const decode = (octets: Uint8Array): Unsigned => decodeCiphered(octets) as Unsigned;

const options = fc.record({
  suite: fc.constantFrom(0, 1, 2),
  authenticated: fc.boolean(),
  encrypted: fc.boolean(),
  broadcastKey: fc.boolean(),
  invocationCounter: fc.integer({ min: 0, max: 0xffffffff }),
  form: fc.constantFrom('service' as const, 'general' as const),
  keySet: fc.constantFrom('glo' as const, 'ded' as const),
});

function sealed(o: typeof options extends fc.Arbitrary<infer T> ? T : never): Uint8Array {
  const { form, keySet, invocationCounter, ...control } = o;
  const keys = keysOf(control.suite);
  const systemTitle = CLIENT_TITLE;
  return sealApdu(PLAIN, { keys, systemTitle, invocationCounter, control, form, keySet });
}

describe('sealing and opening', () => {
  test('every suite, security control, form and key set', () => {
    fc.assert(
      fc.property(options, (o) => {
        if (!o.authenticated && !o.encrypted) {
          expect(refusal(() => sealed(o))).toBe('DLMS_SECURITY');
          return;
        }
        const octets = sealed(o);
        expect(isCiphered(octets)).toBe(true);
        const opened = openApdu(decode(octets), {
          keys: keysOf(o.suite),
          systemTitle: CLIENT_TITLE,
        });
        expect(hex(opened.plain)).toBe(hex(PLAIN));
        expect(opened).toMatchObject({ invocationCounter: o.invocationCounter });
        expect(hex(opened.systemTitle)).toBe(hex(CLIENT_TITLE));
      }),
    );
  });

  test('one changed bit of an authenticated APDU is always noticed', () => {
    fc.assert(
      fc.property(options, fc.nat(), (o, place) => {
        const octets = sealed({ ...o, authenticated: true }).slice();
        const bit = place % (octets.length * 8);
        octets[bit >> 3] = (octets[bit >> 3] as number) ^ (1 << (bit & 7));
        const open = () =>
          openApdu(decode(octets), { keys: keysOf(o.suite), systemTitle: CLIENT_TITLE });
        // Without its A bit an APDU no longer claims to be authentic; nothing else may open.
        const outcome = refusal(open);
        if (outcome === 'accepted') expect(open().control.authenticated).toBe(false);
        else expect(outcome).toMatch(/^DLMS_/);
      }),
      { numRuns: 300 },
    );
  });

  test('a service form that holds another service is refused', () => {
    const control = { suite: 0, authenticated: true, encrypted: true, broadcastKey: false };
    const input = { keys: keysOf(0), systemTitle: CLIENT_TITLE, invocationCounter: 1, control };
    const octets = sealApdu(PLAIN, { ...input, form: 'service' }).slice();
    octets[0] = 0xc9;
    expect(refusal(() => openApdu(decode(octets), input))).toBe('DLMS_SECURITY');
  });

  test('general-ciphering authenticates its header', () => {
    const header = {
      transactionId: bytes('0102030405060708'),
      originatorTitle: CLIENT_TITLE,
      recipientTitle: SERVER_TITLE,
      dateTime: new Uint8Array(0),
      otherInformation: new Uint8Array(0),
    };
    const control = { suite: 1, authenticated: true, encrypted: true, broadcastKey: false };
    const keys = keysOf(1);
    const keyInfo = { identified: 'unicast' as const };
    const octets = sealWithHeader(PLAIN, { keys, control, invocationCounter: 7, header, keyInfo });
    const ciphered = decode(octets);
    expect(hex(openApdu(ciphered, { keys, systemTitle: undefined }).plain)).toBe(hex(PLAIN));
    if (ciphered.kind !== 'general-ciphering') throw new Error(ciphered.kind);
    const touched = { ...ciphered, header: { ...header, recipientTitle: CLIENT_TITLE } };
    expect(refusal(() => openApdu(touched, { keys, systemTitle: undefined }))).toBe(
      'DLMS_AUTHENTICITY',
    );
  });

  test('what cannot be done says so', () => {
    const control = { suite: 0, authenticated: true, encrypted: true, broadcastKey: false };
    const base = { keys: keysOf(0), systemTitle: CLIENT_TITLE, invocationCounter: 1, control };
    const seal = (change: object, plain = PLAIN) =>
      refusal(() => sealApdu(plain, { ...base, form: 'service', ...change }));
    expect(seal({ keys: keysOf(2) })).toBe('DLMS_SECURITY');
    expect(seal({ systemTitle: bytes('4d4d') })).toBe('DLMS_SECURITY');
    expect(seal({ control: { ...control, suite: 3 } })).toBe('DLMS_SECURITY');
    expect(seal({}, bytes('d80101'))).toBe('DLMS_SECURITY');
    const open = decode(sealApdu(PLAIN, { ...base, form: 'service' }));
    expect(refusal(() => openApdu(open, { keys: keysOf(0), systemTitle: undefined }))).toBe(
      'DLMS_SECURITY',
    );
    const compressed = { ...open.body, control: { ...open.body.control, compressed: true } };
    expect(refusal(() => openApdu({ ...open, body: compressed } as Unsigned, base))).toBe(
      'DLMS_SECURITY',
    );
  });
});

describe('high level security', () => {
  const secret = bytes('30313233343536373839303132333435');
  const p256 = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' });
  const own = { own: CLIENT_TITLE, peer: SERVER_TITLE };
  const ecdsa = (suite: 1 | 2, pair: typeof p256): HlsCredentials => ({
    mechanism: 'high-ecdsa',
    ownKey: { suite, key: pair.privateKey },
    peerKey: { suite, key: pair.publicKey },
    titles: own,
  });
  const gmac = (suite: number): HlsCredentials => ({
    mechanism: 'high-gmac',
    suite,
    keys: keysOf(suite),
    titles: own,
    invocationCounter: 3,
  });
  const credentials: [string, HlsCredentials][] = [
    ['high', { mechanism: 'high', secret }],
    ['high-md5', { mechanism: 'high-md5', secret }],
    ['high-sha1', { mechanism: 'high-sha1', secret }],
    ['high-sha256', { mechanism: 'high-sha256', secret, titles: own }],
    ['high-gmac suite 0', gmac(0)],
    ['high-gmac suite 2', gmac(2)],
    ['high-ecdsa suite 1', ecdsa(1, p256)],
    ['high-ecdsa suite 2', ecdsa(2, p384)],
  ];
  const challenge = fc.uint8Array({ minLength: 8, maxLength: 64 });
  const swapped = (c: HlsCredentials): HlsCredentials =>
    'titles' in c ? { ...c, titles: { own: c.titles.peer, peer: c.titles.own } } : c;

  test.each(credentials)(
    '%s: passes between client and server, fails when touched',
    (_, client) => {
      const server = swapped(client);
      fc.assert(
        fc.property(challenge, challenge, fc.nat(), (cToS, sToC, place) => {
          fc.pre(Buffer.compare(cToS, sToC) !== 0);
          const answer = hlsAnswer(client, { sent: cToS, received: sToC });
          const atServer = { sent: sToC, received: cToS };
          checkHlsAnswer(server, atServer, answer);
          const touched = answer.slice();
          const at = place % touched.length;
          touched[at] = (touched[at] as number) ^ 1;
          for (const wrong of [touched, answer.subarray(1), new Uint8Array(0)]) {
            const code = refusal(() => checkHlsAnswer(server, atServer, wrong));
            expect(['DLMS_AUTHENTICITY', 'DLMS_TRUNCATED', 'DLMS_TRAILING']).toContain(code);
          }
          if (client.mechanism === 'high-gmac' || client.mechanism === 'high-sha256') {
            const reflected = { sent: cToS, received: sToC };
            expect(refusal(() => checkHlsAnswer(client, reflected, answer))).toBe(
              'DLMS_AUTHENTICITY',
            );
          }
        }),
        { numRuns: 20 },
      );
    },
  );

  test('pass 4 of the Green Book: f(CtoS) of the server', () => {
    const server: HlsCredentials = {
      mechanism: 'high-gmac',
      suite: 0,
      keys: keysOf(0),
      titles: { own: SERVER_TITLE, peer: CLIENT_TITLE },
      invocationCounter: 0x01234567,
    };
    const challenges = { sent: bytes('503677524a323146'), received: bytes('4b35366956616759') };
    expect(hex(hlsAnswer(server, challenges))).toBe('1001234567fe1466afb3dbcd4f9389e2b7');
  });

  test('our own challenge, and challenges too short or long, are refused', () => {
    const c: HlsCredentials = { mechanism: 'high-md5', secret };
    const eight = new Uint8Array(8);
    const code = (sent: Uint8Array, received: Uint8Array) =>
      refusal(() => hlsAnswer(c, { sent, received }));
    expect(code(eight, eight)).toBe('DLMS_AUTHENTICITY');
    expect(code(eight, new Uint8Array(7))).toBe('DLMS_SECURITY');
    expect(code(eight, new Uint8Array(65))).toBe('DLMS_SECURITY');
  });
});
