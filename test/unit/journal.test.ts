/** Goal: what the journal acknowledges, refuses, groups, repeats and removes, rule by rule. */
import { crc32 } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../cli/clock.ts';
import { cryptoRandom, type Fault, isFault, type SealedBatch } from '../../domain/index.ts';
import { Journal, type JournalOptions } from '../../gateway/journal/journal.ts';
import { PART_CONTENT_TYPE, type PartReference } from '../../gateway/journal/parts.ts';
import type { BatchOutlet, JournalEvent, JournalLimits } from '../../gateway/journal/ports.ts';
import { parseSegmentName } from '../../gateway/journal/records.ts';
import { SimulatedDisk } from '../faults/journal-disk.ts';
import { decode, envelopeOf, messagesOf, originOf, rawOf } from '../faults/journal-workload.ts';

const QUICK: Partial<JournalLimits> = {
  journalPollMs: 2,
  journalSweepMs: 5,
  journalBackoffMsMax: 3,
  batchLingerMs: 2,
};

interface Taken {
  readonly batch: SealedBatch;
  readonly attempt: number;
}

function outletOf(taken: Taken[], commits: (uid: string) => boolean): BatchOutlet {
  return {
    async offer(batch, attempt) {
      taken.push({ batch, attempt });
    },
    committed: async (uids) => new Set(uids.filter(commits)),
  };
}

function open(disk: SimulatedDisk, options: Partial<JournalOptions> = {}): Promise<Journal> {
  const limits = { ...QUICK, ...options.limits };
  const common = { directory: '', files: disk, clock: systemClock, random: cryptoRandom };
  return Journal.open({ ...common, ...options, limits });
}

async function until(condition: () => boolean, what: string): Promise<void> {
  const deadline = performance.now() + 5_000;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`not within 5 s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

const codeOf = (work: Promise<unknown>) =>
  work.then(
    () => 'ok',
    (error: unknown) => (isFault(error) ? error.code : String(error)),
  );

describe('append', () => {
  it('shares one fdatasync between appends that arrive together', async () => {
    const disk = new SimulatedDisk();
    const journal = await open(disk);
    await Promise.all(Array.from({ length: 100 }, (_, i) => journal.append(envelopeOf(i, 1))));
    expect(disk.syncs).toBe(1);
    expect(journal.stats()).toMatchObject({ messages: 100, groups: 1, groupRecordsMax: 100 });
    await journal.close();
  });

  it('does not resolve before the fdatasync has returned', async () => {
    const disk = new SimulatedDisk();
    const journal = await open(disk);
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    disk.onStep = (what) => (/^datasync .*journal$/.test(what) ? held : undefined);
    let isAcked = false;
    const append = journal.append(envelopeOf(1, 1)).then(() => {
      isAcked = true;
    });
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(isAcked).toBe(false);
    release();
    await append;
    await journal.close();
  });

  it('refuses the whole group after a short write, tears nothing, and goes on', async () => {
    const disk = new SimulatedDisk();
    const journal = await open(disk);
    await journal.append(envelopeOf(1, 1));
    const [name] = disk.names() as [string];
    const size = disk.size(name);
    disk.shortWrites = [96];
    const outcomes = await Promise.all(
      [2, 3].map((id) => codeOf(journal.append(envelopeOf(id, 9)))),
    );
    expect(outcomes).toEqual(['JOURNAL_FULL', 'JOURNAL_FULL']);
    expect(disk.size(name)).toBe(size);
    await journal.append(envelopeOf(4, 1));
    await journal.close();
    const again = await open(disk);
    expect(again.recovered).toMatchObject({ envelopes: 2, damage: [] });
  });

  it('never syncs again after a failed fdatasync', async () => {
    const disk = new SimulatedDisk();
    const failures: Fault[] = [];
    const journal = await open(disk, { onFailed: (fault) => failures.push(fault) });
    await journal.append(envelopeOf(1, 1));
    disk.onStep = (what) => {
      if (/^datasync .*journal$/.test(what)) throw Object.assign(new Error('EIO'), { code: 'EIO' });
    };
    const first = codeOf(journal.append(envelopeOf(2, 1)));
    await new Promise((resolve) => setImmediate(resolve));
    const second = codeOf(journal.append(envelopeOf(3, 1)));
    expect([await first, await second]).toEqual(['JOURNAL_FAILED', 'JOURNAL_FAILED']);
    disk.onStep = () => undefined;
    const syncs = disk.syncs;
    expect(await codeOf(journal.append(envelopeOf(4, 1)))).toBe('JOURNAL_FAILED');
    await journal.close();
    expect(disk.syncs).toBe(syncs);
    expect(failures).toHaveLength(1);
    expect(journal.stats()).toMatchObject({ failed: true, messages: 1 });
  });

  it('is full at journalBytesMax, and empties again when the database commits', async () => {
    const disk = new SimulatedDisk();
    const limits = { journalBytesMax: 40_000, journalSegmentBytesMax: 8_000 };
    const journal = await open(disk, { limits });
    let accepted = 0;
    while ((await codeOf(journal.append(envelopeOf(accepted, 20)))) === 'ok') accepted += 1;
    expect(accepted).toBeGreaterThan(50);
    expect(journal.stats().segmentBytes).toBeLessThanOrEqual((40_000 / 16) * 15);
    const taken: Taken[] = [];
    journal.forward({ decode, originOf, outlet: outletOf(taken, () => true) });
    await until(() => journal.stats().uncommittedMessages === 0, 'all committed');
    await until(() => journal.stats().removedEarly > 0, 'room was made');
    expect(await codeOf(journal.append(envelopeOf(9_999, 20)))).toBe('ok');
    expect(taken.flatMap(({ batch }) => messagesOf(batch))).toHaveLength(accepted);
    await journal.close();
  });

  it('keeps committed segments for their time when told to, rather than make room', async () => {
    const disk = new SimulatedDisk();
    const limits = { journalBytesMax: 40_000, journalSegmentBytesMax: 8_000 };
    const journal = await open(disk, { limits, retainStrictly: true });
    journal.forward({ decode, originOf, outlet: outletOf([], () => true) });
    let accepted = 0;
    while ((await codeOf(journal.append(envelopeOf(accepted, 20)))) === 'ok') accepted += 1;
    await until(() => journal.stats().uncommittedMessages === 0, 'all committed');
    expect(journal.stats().removedSegments).toBe(0);
    expect(await codeOf(journal.append(envelopeOf(accepted, 20)))).toBe('JOURNAL_FULL');
    await journal.close();
  });

  it('refuses a message larger than a record, and everything after close', async () => {
    const journal = await open(new SimulatedDisk(), { limits: { journalRecordBytesMax: 500 } });
    expect(await codeOf(journal.append(envelopeOf(1, 400)))).toBe('PAYLOAD_TOO_LARGE');
    await journal.close();
    expect(await codeOf(journal.append(envelopeOf(2, 1)))).toBe('JOURNAL_FAILED');
  });

  it('lets one process have a directory', async () => {
    const disk = new SimulatedDisk();
    const journal = await open(disk);
    expect(await codeOf(open(disk))).toBe('JOURNAL_LOCKED');
    await journal.close();
    await (await open(disk)).close();
  });
});

describe('recovery', () => {
  it('skips damage in the middle, reports it, and keeps the rest', async () => {
    const disk = new SimulatedDisk();
    const journal = await open(disk);
    for (let id = 1; id <= 5; id += 1) await journal.append(envelopeOf(id, 3));
    await journal.close();
    const [name] = disk.names() as [string];
    disk.flip(name, Math.floor(disk.size(name) / 2));
    const events: JournalEvent[] = [];
    const again = await open(disk, { log: (event) => events.push(event) });
    expect(again.recovered.envelopes).toBe(4);
    expect(again.recovered.damage).toMatchObject([{ segment: name, kind: 'damaged' }]);
    expect(events.map((event) => event.fault?.code)).toContain('JOURNAL_CORRUPT');
    const taken: Taken[] = [];
    again.forward({ decode, originOf, outlet: outletOf(taken, () => true) });
    await again.append(envelopeOf(6, 3));
    await until(() => again.stats().uncommittedMessages === 0, 'all committed');
    expect(taken.flatMap(({ batch }) => messagesOf(batch))).toEqual([1, 2, 4, 5, 6]);
    // The old segment was not written to.
    expect(disk.names()).toHaveLength(2);
    await again.close();
  });

  it('does not mistake a payload that imitates a record for one', async () => {
    const disk = new SimulatedDisk();
    const journal = await open(disk);
    await journal.append({ ...envelopeOf(1, 1), raw: imitation(1, 0) });
    await journal.close();
    const [name] = disk.names() as [string];
    disk.flip(name, 30);
    const again = await open(disk);
    expect(again.recovered).toMatchObject({ envelopes: 0, damage: [{ kind: 'torn' }] });
    await again.close();
  });

  it('tells a segment’s number and salt from its name only', () => {
    expect(parseSegmentName('00000012-00ff00aa.journal')).toMatchObject({
      number: 12,
      salt: 0xff00aa,
    });
    expect(parseSegmentName('lock')).toBeUndefined();
  });
});

/** A record as anybody could write it who does not know the salt. */
function imitation(segment: number, salt: number): Buffer {
  const body = Buffer.from('forged');
  const record = Buffer.alloc(24 + body.length);
  record.write('MLJ1', 0, 'latin1');
  record.writeUInt8(1, 8);
  record.writeUInt32BE(body.length, 12);
  record.writeUInt32BE(segment, 16);
  record.set(body, 24);
  record.writeUInt32BE(crc32(record.subarray(8), salt), 4);
  return record;
}

describe('batches', () => {
  it('never mix origins, keep the order, and fill up when sources alternate', async () => {
    const journal = await open(new SimulatedDisk(), {
      limits: { batchLingerMs: 1_000, batchMessagesMax: 50 },
    });
    const taken: Taken[] = [];
    const appends = Array.from({ length: 200 }, (_, i) =>
      journal.append(envelopeOf(i, 2, i % 2 === 0 ? 'M1' : 'key1')),
    );
    await Promise.all(appends);
    journal.forward({ decode, originOf, outlet: outletOf(taken, () => true) });
    await until(() => journal.stats().uncommittedMessages === 0, 'all committed');
    const sizes = taken.map(({ batch }) => `${batch.origin} ${batch.messages}`).sort();
    expect(sizes).toEqual(['http:key1 50', 'http:key1 50', 'mqtt 50', 'mqtt 50']);
    const ids = taken.flatMap(({ batch }) => (batch.origin === 'mqtt' ? messagesOf(batch) : []));
    expect(ids).toEqual(Array.from({ length: 100 }, (_, i) => i * 2));
    expect(journal.stats()).toMatchObject({ sealed: 4, sealedRecords: 400, messages: 200 });
    await journal.close();
  });

  it('cut one large push into parts: each value once, the raw bytes once', async () => {
    const journal = await open(new SimulatedDisk(), { limits: { batchReadingsMax: 100 } });
    const taken: Taken[] = [];
    journal.forward({ decode, originOf, outlet: outletOf(taken, () => true) });
    await Promise.all(
      [envelopeOf(1, 5), envelopeOf(2, 431), envelopeOf(3, 5)].map((e) => journal.append(e)),
    );
    await until(() => journal.stats().uncommittedMessages === 0, 'all committed');
    const sizes = taken.map(({ batch }) => batch.offered);
    expect(sizes).toEqual([5, 100, 100, 100, 100, 31, 5]);
    const parts = taken.slice(1, 6).map(({ batch }) => batch);
    const values = parts.flatMap((batch) => batch.blocks.flatMap((block) => block.values));
    expect(values).toEqual(Array.from({ length: 431 }, (_, k) => 2_000 + k));
    const [first, ...later] = parts.map((batch) => rawOf(batch)[0]);
    expect(first?.contentType).toBe('application/json');
    later.forEach((envelope, i) => {
      expect(envelope?.contentType).toBe(PART_CONTENT_TYPE);
      const reference = JSON.parse(String(envelope?.raw)) as PartReference;
      const fromValue = (i + 1) * 100;
      const toValue = Math.min(431, fromValue + 100);
      const expected = { partOf: parts[0]?.uid, part: i + 1, parts: 5, fromValue, toValue };
      expect(reference).toEqual(expected);
    });
    await journal.close();
  });

  it('carry what could not be read as refused records, and survive a decoder that throws', async () => {
    const journal = await open(new SimulatedDisk());
    const taken: Taken[] = [];
    journal.forward({ decode, originOf, outlet: outletOf(taken, () => true) });
    const broken = { ...envelopeOf(1, 1), raw: Buffer.from('no json') };
    await Promise.all([journal.append(broken), journal.append(envelopeOf(2, 0))]);
    await until(() => journal.stats().uncommittedMessages === 0, 'all committed');
    const refusals = taken.flatMap(({ batch }) => batch.refusals);
    expect(refusals.map(({ code, message }) => [code, message])).toEqual([
      ['INTERNAL', 0],
      ['PAYLOAD_SCHEMA', 1],
    ]);
    expect(taken[0]?.batch).toMatchObject({ offered: 2, messages: 2, blocks: [] });
    await journal.close();
  });
});
