/**
 * High level security, passes 3 and 4 (Green Book, 9.2.7.4): each side answers the
 * other's challenge. Both sides run the same function: "own" and "peer" trade places.
 */
import { createCipheriv, createHash, timingSafeEqual } from 'node:crypto';
import { Fault, LIMITS } from '../../../../domain/index.ts';
import type { MechanismName } from '../acse.ts';
import { Reader, Writer } from '../cursor.ts';
import { decodeSecurityControl, encodeSecurityControl, TAG_BYTES } from './body.ts';
import { type GcmKeys, seal } from './gcm.ts';
import { type SigningKey, signOctets, verifyOctets } from './signing.ts';

export interface Challenges {
  /** The one we sent: CtoS for the client, StoC for the server. */
  readonly sent: Uint8Array;
  readonly received: Uint8Array;
}

export interface Titles {
  readonly own: Uint8Array;
  readonly peer: Uint8Array;
}

/** What a mechanism needs. */
export type HlsCredentials =
  | { readonly mechanism: 'high' | 'high-md5' | 'high-sha1'; readonly secret: Uint8Array }
  | {
      readonly mechanism: 'high-gmac';
      readonly suite: number;
      readonly keys: GcmKeys;
      readonly titles: Titles;
      /** Fresh for every answer, from the same counter as ciphered APDUs. */
      readonly invocationCounter: number;
    }
  | { readonly mechanism: 'high-sha256'; readonly secret: Uint8Array; readonly titles: Titles }
  | {
      readonly mechanism: 'high-ecdsa';
      readonly ownKey: SigningKey;
      readonly peerKey: SigningKey;
      readonly titles: Titles;
    };

export type HlsMechanism = Exclude<MechanismName, 'lowest' | 'low'>;

const CHALLENGE_BYTES_MIN = 8;

/** f(challenge received): what we send in pass 3 (client) or 4 (server). Throws DLMS_SECURITY. */
export function hlsAnswer(credentials: HlsCredentials, challenges: Challenges): Uint8Array {
  checkChallenges(challenges);
  switch (credentials.mechanism) {
    case 'high-gmac': {
      const { titles, invocationCounter, suite } = credentials;
      return gmac(credentials.keys, suite, titles.own, invocationCounter, challenges.received);
    }
    case 'high-ecdsa':
      return signOctets(credentials.ownKey, ecdsaOctets(credentials.titles, challenges));
    default:
      return digest(credentials, challenges);
  }
}

/**
 * Whether the other side answered our challenge; for GMAC with the counter it used, which must
 * pass `acceptInvocationCounter` too. Throws DLMS_AUTHENTICITY when the answer is wrong.
 */
export function checkHlsAnswer(
  credentials: HlsCredentials,
  challenges: Challenges,
  answer: Uint8Array,
): { readonly invocationCounter: number | undefined } {
  checkChallenges(challenges);
  const mirrored: Challenges = { sent: challenges.received, received: challenges.sent };
  if (credentials.mechanism === 'high-gmac') return checkGmac(credentials, challenges.sent, answer);
  if (credentials.mechanism === 'high-ecdsa') {
    const octets = ecdsaOctets(swap(credentials.titles), mirrored);
    if (!verifyOctets(credentials.peerKey, octets, answer)) throw wrong();
    return { invocationCounter: undefined };
  }
  const titled = 'titles' in credentials;
  const theirs = titled ? { ...credentials, titles: swap(credentials.titles) } : credentials;
  checkEqual(digest(theirs, mirrored), answer);
  return { invocationCounter: undefined };
}

type DigestCredentials = Exclude<
  HlsCredentials,
  { mechanism: 'high-gmac' } | { mechanism: 'high-ecdsa' }
>;

function digest(credentials: DigestCredentials, { sent, received }: Challenges): Uint8Array {
  const { secret } = credentials;
  switch (credentials.mechanism) {
    case 'high':
      return ecb(secret, received);
    case 'high-md5':
      return createHash('md5').update(received).update(secret).digest();
    case 'high-sha1':
      return createHash('sha1').update(received).update(secret).digest();
    case 'high-sha256': {
      const { own, peer } = credentials.titles;
      const parts = [secret, own, peer, received, sent];
      return parts.reduce((hash, part) => hash.update(part), createHash('sha256')).digest();
    }
  }
}

/** Mechanism 2 is the maker's own; this is what most of them do. */
function ecb(secret: Uint8Array, challenge: Uint8Array): Uint8Array {
  if (secret.length > 16) {
    throw new Fault('DLMS_SECURITY', { detail: `secret of ${secret.length} octets` });
  }
  const key = Buffer.alloc(16);
  key.set(secret);
  const block = Buffer.alloc(Math.ceil(challenge.length / 16) * 16);
  block.set(challenge);
  const cipher = createCipheriv('aes-128-ecb', key, null).setAutoPadding(false);
  return Buffer.concat([cipher.update(block), cipher.final()]);
}

/** SC, counter, and the tag over SC, authentication key and challenge. */
function gmac(
  keys: GcmKeys,
  suite: number,
  systemTitle: Uint8Array,
  invocationCounter: number,
  challenge: Uint8Array,
): Uint8Array {
  const control = gmacControl(suite);
  const { tag } = seal({ control, keys, systemTitle, invocationCounter }, challenge);
  const writer = new Writer().u8(encodeSecurityControl(control)).u32(invocationCounter);
  return writer.bytes(tag as Uint8Array).done();
}

function checkGmac(
  credentials: Extract<HlsCredentials, { mechanism: 'high-gmac' }>,
  challenge: Uint8Array,
  answer: Uint8Array,
): { readonly invocationCounter: number } {
  const reader = new Reader(answer);
  const control = decodeSecurityControl(reader.u8('security control'));
  const invocationCounter = reader.u32('invocation counter');
  reader.take(TAG_BYTES, 'authentication tag');
  reader.end('HLS answer');
  const { suite, keys, titles } = credentials;
  const expected = gmac(keys, suite, titles.peer, invocationCounter, challenge);
  if (encodeSecurityControl(control) !== expected[0]) throw wrong();
  checkEqual(expected, answer);
  return { invocationCounter };
}

function gmacControl(suite: number): ReturnType<typeof decodeSecurityControl> {
  return { suite, authenticated: true, encrypted: false, broadcastKey: false, compressed: false };
}

function ecdsaOctets({ own, peer }: Titles, { sent, received }: Challenges): Uint8Array {
  return Buffer.concat([own, peer, received, sent]);
}

function swap({ own, peer }: Titles): Titles {
  return { own: peer, peer: own };
}

function checkChallenges({ sent, received }: Challenges): void {
  for (const challenge of [sent, received]) {
    const { length } = challenge;
    if (length >= CHALLENGE_BYTES_MIN && length <= LIMITS.dlmsChallengeBytesMax) continue;
    throw new Fault('DLMS_SECURITY', { detail: `challenge of ${length} octets` });
  }
  // An answer to our own challenge sent back to us would open the door.
  if (Buffer.compare(sent, received) === 0) {
    throw new Fault('DLMS_AUTHENTICITY', { what: 'challenge equal to ours' });
  }
}

function checkEqual(expected: Uint8Array, given: Uint8Array): void {
  if (expected.length !== given.length || !timingSafeEqual(expected, given)) throw wrong();
}

function wrong(): Fault {
  return new Fault('DLMS_AUTHENTICITY', { what: 'HLS answer' });
}
