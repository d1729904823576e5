/** Envelopes with values that name themselves, and a database that judges what it is given. */
import { createHash } from 'node:crypto';
import { inflateRawSync } from 'node:zlib';
import { systemClock } from '../../cli/clock.ts';
import {
  type Clock,
  decodeEnvelopes,
  type Envelope,
  isUuid,
  type SealedBatch,
} from '../../domain/index.ts';
import { PART_CONTENT_TYPE, type PartReference } from '../../gateway/journal/parts.ts';
import type { BatchOutlet, Decode } from '../../gateway/journal/ports.ts';
import { type Chance, pick } from './journal-disk.ts';

const VALUES_MAX = 1_000;

/** Value k of message `id` is id * 1000 + k: every value names where it comes from. */
export function envelopeOf(id: number, values: number, peer = `M${id % 7}`): Envelope {
  const body = { id, values: Array.from({ length: values }, (_, k) => id * VALUES_MAX + k) };
  return {
    source: peer.startsWith('key') ? 'http' : 'mqtt',
    peer,
    receivedMs: 1_700_000_000_000 + id,
    contentType: 'application/json',
    locator: `v1/${peer}/up/readings`,
    raw: Buffer.from(JSON.stringify(body)),
  };
}

export const decode: Decode = (envelope) => {
  const body = JSON.parse(Buffer.from(envelope.raw).toString('utf8')) as {
    id: number;
    values: number[];
  };
  if (body.values.length === 0) {
    const refusal = { code: 'PAYLOAD_SCHEMA', reason: 'no values', at: '', records: 1 };
    return { blocks: [], refusals: [refusal] };
  }
  // Two blocks where possible, so that cutting a message crosses a block's edge.
  const middle = body.values.length >> 1;
  const blocks = [body.values.slice(0, middle), body.values.slice(middle)]
    .map((values, i) => ({
      kind: 'interval' as const,
      meter: String(body.id),
      channel: '1.8.0',
      startMs: i * middle * 900_000,
      intervalS: 900,
      values,
    }))
    .filter((block) => block.values.length > 0);
  return { blocks, refusals: [] };
};

export const originOf = (envelope: Envelope) =>
  envelope.source === 'http' ? `http:${envelope.peer}` : 'mqtt';

/** The messages of a batch as they came. */
export function rawOf(batch: SealedBatch): Envelope[] {
  return decodeEnvelopes(inflateRawSync(Buffer.from(batch.raw, 'base64')));
}

/** Their numbers, in order. */
export function messagesOf(batch: SealedBatch): number[] {
  return rawOf(batch).map((envelope) => {
    const body = JSON.parse(Buffer.from(envelope.raw).toString('utf8')) as { id: number };
    return body.id;
  });
}

/** Remembers under which batch each value came; wrong ones become `complaints`. */
export class Judge {
  readonly uidOf = new Map<number, string>();
  readonly batches = new Map<string, SealedBatch>();
  readonly committed = new Set<string>();
  readonly complaints: string[] = [];
  /** Refused records by batch. */
  refused = 0;
  offers = 0;

  take(batch: SealedBatch): void {
    this.offers += 1;
    const known = this.batches.get(batch.uid);
    if (known !== undefined) {
      if (known.rawHash !== batch.rawHash || known.offered !== batch.offered) {
        this.complaints.push(`batch ${batch.uid} changed`);
      }
      return;
    }
    this.batches.set(batch.uid, batch);
    this.refused += batch.refusals.length;
    this.check(batch);
  }

  hasMessage(id: number): boolean {
    return this.uidOf.has(id * VALUES_MAX);
  }

  /** Values 0..count-1 of a message: how many came, under one uid each. */
  valuesOf(id: number, count: number): number {
    let found = 0;
    for (let k = 0; k < count; k += 1) if (this.uidOf.has(id * VALUES_MAX + k)) found += 1;
    return found;
  }

  private check(batch: SealedBatch): void {
    if (!isUuid(batch.uid)) this.complaints.push(`bad uid ${batch.uid}`);
    let values = 0;
    for (const block of batch.blocks) {
      block.values.forEach((value, k) => {
        values += 1;
        this.place(batch.uid, Number(value), block.startMs / 900_000 + k);
      });
    }
    if (values + batch.refusals.length !== batch.offered) this.complaints.push('offered is wrong');
    this.checkRaw(batch);
  }

  private place(uid: string, value: number, index: number): void {
    if (value % VALUES_MAX !== index) this.complaints.push(`value ${value} stands at ${index}`);
    const other = this.uidOf.get(value);
    if (other !== undefined) this.complaints.push(`value ${value} is in ${other} and in ${uid}`);
    this.uidOf.set(value, uid);
  }

  private checkRaw(batch: SealedBatch): void {
    const framed = inflateRawSync(Buffer.from(batch.raw, 'base64'));
    const hash = createHash('sha256').update(framed).digest('hex');
    if (hash !== batch.rawHash) this.complaints.push(`raw of ${batch.uid} has another hash`);
    const envelopes = decodeEnvelopes(framed);
    if (envelopes.length !== batch.messages) this.complaints.push('messages is wrong');
    for (const block of batch.blocks) {
      const envelope = envelopes[block.message] as Envelope;
      const body = JSON.parse(Buffer.from(envelope.raw).toString('utf8'));
      if (envelope.contentType === PART_CONTENT_TYPE) this.checkPart(body);
      else if (String(body.id) !== block.meter) this.complaints.push('block of another message');
    }
  }

  private checkPart(reference: PartReference): void {
    if (!isUuid(reference.partOf) || reference.part < 1) this.complaints.push('bad part');
  }
}

/** A clock that stops with the process it belongs to. */
export function mortalClock(isDead: () => boolean): Clock {
  return {
    nowMs: () => systemClock.nowMs(),
    monotonicMs: () => systemClock.monotonicMs(),
    sleep: async (ms, signal) => {
      await systemClock.sleep(ms, signal);
      if (isDead()) await forever();
    },
  };
}

export function forever(): Promise<never> {
  return new Promise(() => undefined);
}

export interface OutletFaults {
  readonly chance: Chance;
  readonly isDead: () => boolean;
  /** Probabilities. */
  readonly refuse: number;
  readonly lose: number;
  /** The database commits at most this many at a question. */
  readonly commitsMax: number;
}

/** A queue that loses and refuses jobs before a database that commits now and then. */
export function faultyOutlet(judge: Judge, faults: OutletFaults): BatchOutlet {
  const { chance, isDead } = faults;
  const queue: string[] = [];
  return {
    async offer(batch) {
      if (isDead()) await forever();
      if (chance() < faults.refuse) throw new Error('queue is away');
      judge.take(batch);
      if (chance() >= faults.lose) queue.push(batch.uid);
    },
    async committed(uids) {
      if (isDead()) await forever();
      if (chance() < faults.refuse) throw new Error('database is away');
      const before = judge.committed.size;
      const count = pick(chance, faults.commitsMax + 1);
      // A repeated job of a committed batch costs nothing.
      while (queue.length > 0 && judge.committed.size < before + count) {
        judge.committed.add(queue.shift() as string);
      }
      return new Set(uids.filter((uid) => judge.committed.has(uid)));
    },
  };
}
