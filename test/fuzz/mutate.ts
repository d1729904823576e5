/** Seeded mutation of octets: the same seed gives the same cases on every machine. */

/** An integer from 0 up to but not including `below`. */
export type Random = (below: number) => number;

/** mulberry32: small, fast, good enough to pick mutations. */
export function seeded(seed: number): Random {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return below <= 0 ? 0 : ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

const TELLING = [
  0x00, 0x01, 0x02, 0x09, 0x13, 0x7e, 0x7f, 0x80, 0x81, 0x82, 0x84, 0xa0, 0xfe, 0xff,
];
const MUTATIONS_MAX = 6;

type Mutation = (octets: Uint8Array, random: Random, other: Uint8Array) => Uint8Array;

const at = (octets: Uint8Array, random: Random): number => random(octets.length);
const join = (...parts: Uint8Array[]): Uint8Array => Buffer.concat(parts);
const put = (octets: Uint8Array, place: number, octet: number): Uint8Array => {
  const out = new Uint8Array(octets);
  if (place < out.length) out[place] = octet & 0xff;
  return out;
};

const MUTATIONS: readonly Mutation[] = [
  (o, r) => {
    const place = at(o, r);
    return put(o, place, (o[place] ?? 0) ^ (1 << r(8)));
  },
  (o, r) => put(o, at(o, r), r(256)),
  (o, r) => put(o, at(o, r), TELLING[r(TELLING.length)] as number),
  (o, r) => {
    const place = at(o, r);
    return put(o, place, (o[place] ?? 0) + (r(2) === 0 ? 1 : 255));
  },
  (o, r) => o.subarray(0, at(o, r)),
  (o, r) => o.subarray(at(o, r)),
  (o, r) => {
    const place = at(o, r);
    return join(o.subarray(0, place), o.subarray(place + 1 + r(8)));
  },
  (o, r) => {
    const place = at(o, r);
    return join(
      o.subarray(0, place),
      Uint8Array.of(TELLING[r(TELLING.length)] as number),
      o.subarray(place),
    );
  },
  (o, r) => {
    const from = at(o, r);
    const part = o.subarray(from, from + r(40));
    return join(o.subarray(0, from), part, part, o.subarray(from));
  },
  (o, r, other) => join(o.subarray(0, at(o, r)), other.subarray(at(other, r))),
];

/** One entry of the corpus, changed once or a few times; now and then left as it is. */
export function mutate(corpus: readonly Uint8Array[], random: Random): Uint8Array {
  const pick = (): Uint8Array => corpus[random(corpus.length)] ?? new Uint8Array(0);
  let octets = pick();
  for (let left = random(MUTATIONS_MAX + 1); left > 0; left -= 1) {
    octets = (MUTATIONS[random(MUTATIONS.length)] as Mutation)(octets, random, pick());
  }
  return octets;
}
