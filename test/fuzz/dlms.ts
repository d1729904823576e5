/**
 * Goal: no octets whatever make a decoder do anything but decode or throw a Fault, soon.
 * Method: mutate a corpus under a seed and feed every decoder. What decodes must encode, and
 * what was encoded must decode to the same octets again.
 *
 *   npx tsx test/fuzz/dlms.ts --seconds 60 --seed 7
 *
 * prints the number of cases, of decoded ones and of faults by code; on a finding the seed, the
 * case and the octets. The same seed runs the same cases.
 */
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { isFault } from '../../domain/index.ts';
import { decodeAcse, encodeAcse } from '../../gateway/protocols/dlms/acse.ts';
import { decodeApdu, encodeApdu } from '../../gateway/protocols/dlms/apdu.ts';
import { decodeData, encodeData } from '../../gateway/protocols/dlms/data.ts';
import { GbtAssembler, GbtEndpoint } from '../../gateway/protocols/dlms/gbt.ts';
import { expandRows } from '../../gateway/protocols/dlms/profile.ts';
import { decodeCiphered, encodeCiphered } from '../../gateway/protocols/dlms/security/ciphered.ts';
import { openApdu } from '../../gateway/protocols/dlms/security/protection.ts';
import { decodeWpdu, encodeWpdu, WrapperReader } from '../../gateway/protocols/dlms/wrapper.ts';
import { clientAddress, serverAddress } from '../../gateway/protocols/hdlc/address.ts';
import { HdlcClient } from '../../gateway/protocols/hdlc/client.ts';
import { Deframer } from '../../gateway/protocols/hdlc/deframer.ts';
import { decodeFrame, encodeFrame } from '../../gateway/protocols/hdlc/frame.ts';
import { NotificationAssembler } from '../../gateway/protocols/hdlc/notifications.ts';
import { decodeParameters, encodeParameters } from '../../gateway/protocols/hdlc/parameters.ts';
import { HdlcServer } from '../../gateway/protocols/hdlc/server.ts';
import { apdu } from './dlms-arbitrary-apdus.ts';
import { acse, ciphered } from './dlms-arbitrary-envelopes.ts';
import { mutate, type Random, seeded } from './mutate.ts';

export interface FuzzOptions {
  readonly corpus: readonly Uint8Array[];
  readonly seed: number;
  /** Whichever comes first ends the run. */
  readonly casesMax?: number;
  readonly secondsMax?: number;
  /** A case that takes longer is a finding. */
  readonly caseMsMax?: number;
}

export interface FuzzReport {
  readonly seed: number;
  readonly cases: number;
  readonly decoded: number;
  readonly faults: Readonly<Record<string, number>>;
  readonly slowestMs: number;
}

/** Takes octets; true when they decoded. Throws Fault; any other throw is a finding. */
type Target = (octets: Uint8Array, random: Random) => boolean;

function codec<T>(decode: (o: Uint8Array) => T, encode: (value: T) => Uint8Array): Target {
  return (octets) => {
    const value = decode(octets);
    const first = encodeOrFind(() => encode(value));
    const second = encodeOrFind(() => encode(decode(first)));
    if (Buffer.compare(first, second) !== 0) throw new Error('encode and decode do not agree');
    return true;
  };
}

/** A Fault is a fair answer to strange octets, but not to what was just decoded. */
function encodeOrFind(act: () => Uint8Array): Uint8Array {
  try {
    return act();
  } catch (error) {
    throw new Error('what was decoded does not encode', { cause: error });
  }
}

const KEYS = { encryption: new Uint8Array(16), authentication: new Uint8Array(16) };

const TARGETS: Readonly<Record<string, Target>> = {
  data: codec(decodeData, encodeData),
  apdu: codec(decodeApdu, encodeApdu),
  acse: codec(decodeAcse, encodeAcse),
  ciphered: codec(decodeCiphered, encodeCiphered),
  wpdu: codec(decodeWpdu, encodeWpdu),
  frame: codec(decodeFrame, (frame) => encodeFrame(frame).subarray(1, -1)),
  parameters: codec(decodeParameters, encodeParameters),
  open: (octets) => {
    const found = decodeCiphered(octets);
    if (found.kind === 'general-signing') return false;
    openApdu(found, { keys: KEYS, systemTitle: new Uint8Array(8) });
    return true;
  },
  rows: (octets) => {
    const columns = [{ classId: 8, instance: '0-0:1.0.0', attributeId: 2, dataIndex: 0 }];
    return expandRows(decodeData(octets), columns, 900).length > 0;
  },
  blocks: (octets) => {
    const block = decodeApdu(octets);
    if (block.kind !== 'general-block-transfer') return false;
    new GbtAssembler().push(block);
    const endpoint = new GbtEndpoint({ windowOwn: 3, blockBytesMax: 10 });
    endpoint.send(octets);
    endpoint.receive(block);
    return true;
  },
  stream: splitAnywhere,
  link: feedLink,
};

/** Frames and WPDUs must not depend on how the octets were cut. */
function splitAnywhere(octets: Uint8Array, random: Random): boolean {
  const whole = new Deframer().push(octets);
  const pieces = new Deframer();
  const cut = random(octets.length + 1);
  const parts = [...pieces.push(octets.subarray(0, cut)), ...pieces.push(octets.subarray(cut))];
  const same = Buffer.compare(Buffer.concat(whole), Buffer.concat(parts)) === 0;
  if (!same || whole.length !== parts.length) throw new Error('frames depend on the cut');
  const assembler = new NotificationAssembler();
  for (const frame of whole) assembler.push(decodeFrame(frame));
  return new WrapperReader().push(octets).length + whole.length > 0;
}

/** A linked client and server must take anything without a throw, not even a Fault. */
function feedLink(octets: Uint8Array, random: Random): boolean {
  const server = new HdlcServer({ address: serverAddress(1) });
  const client = new HdlcClient({ address: clientAddress(1), server: serverAddress(1) });
  client.receive(server.receive(client.connect(0), 0), 0);
  const cut = random(octets.length + 1);
  try {
    for (const station of [client, server]) {
      station.receive(octets.subarray(0, cut), 1);
      station.receive(octets.subarray(cut), 2);
      station.tick(10_000);
      for (let n = 0; station.next() !== undefined; n += 1) {
        if (n > 300) throw new Error('events without end');
      }
    }
  } catch (error) {
    throw new Error('a link threw on what the line brought', { cause: error });
  }
  return client.counts.frames > 1;
}

/** Throws an Error with seed, case number and octets on the first finding. */
export function fuzzDlms(options: FuzzOptions): FuzzReport {
  const { corpus, seed, casesMax = Number.POSITIVE_INFINITY, caseMsMax = 5_000 } = options;
  const random = seeded(seed);
  const endMs = performance.now() + (options.secondsMax ?? 3_600) * 1_000;
  const faults: Record<string, number> = {};
  const targets = Object.entries(TARGETS);
  let [cases, decoded, slowestMs] = [0, 0, 0];
  while (cases < casesMax && performance.now() < endMs) {
    const octets = mutate(corpus, random);
    for (const [name, target] of targets) {
      const startMs = performance.now();
      try {
        if (target(octets, random)) decoded += 1;
      } catch (error) {
        if (!isFault(error)) throw finding(seed, cases, name, octets, error);
        faults[error.code] = (faults[error.code] ?? 0) + 1;
      }
      const tookMs = performance.now() - startMs;
      slowestMs = Math.max(slowestMs, tookMs);
      if (tookMs > caseMsMax) throw finding(seed, cases, name, octets, `took ${tookMs} ms`);
    }
    cases += 1;
  }
  return { seed, cases, decoded, faults, slowestMs };
}

/** Octets of every kind from our own encoders, for a run without captured ones. */
export function generatedCorpus(seed: number, perKind = 60): Uint8Array[] {
  const sample = { seed, numRuns: perKind };
  return [
    ...fc.sample(apdu, { seed, numRuns: perKind * 5 }).map(encodeApdu),
    ...fc.sample(acse, sample).map(encodeAcse),
    ...fc.sample(ciphered, sample).map(encodeCiphered),
    ...fc
      .sample(apdu, sample)
      .map((a) => encodeWpdu({ source: 1, destination: 16, apdu: encodeApdu(a) })),
  ];
}

function finding(
  seed: number,
  at: number,
  name: string,
  octets: Uint8Array,
  cause: unknown,
): Error {
  const hex = Buffer.from(octets).toString('hex');
  return new Error(`seed ${seed}, case ${at}, ${name}: ${String(cause)}\n${hex}`, { cause });
}

async function main(args: readonly string[]): Promise<void> {
  const given = (flag: string): number | undefined => {
    const at = args.indexOf(flag);
    return at === -1 ? undefined : Number(args[at + 1]);
  };
  const seed = given('--seed') ?? 1;
  const { allVectors, bytes } = await import('../conformance/dlms/vectors.ts');
  const corpus = [...allVectors().map((v) => bytes(v.hex)), ...generatedCorpus(seed)];
  console.log(fuzzDlms({ corpus, seed, secondsMax: given('--seconds') ?? 60 }));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main(process.argv.slice(2));
