/**
 * What an earlier run left behind. A torn tail is cut off, damage in the middle is skipped and
 * reported, everything readable is kept. Reading it again gives the same result.
 */
import { describeError, Fault } from '../../domain/faults.ts';
import type { FilePort } from './files.ts';
import type { JournalLimits, JournalLog } from './ports.ts';
import { type ParsedRecord, parseSegmentName, RECORD, type SegmentName } from './records.ts';
import { scanSegment } from './scan.ts';
import { decodeCommit, decodeSeal, type Seal } from './seals.ts';
import { BitSet, type Segment, SegmentTable } from './segments.ts';

export interface Damage {
  readonly segment: string;
  readonly from: number;
  readonly to: number;
  /** A torn tail is what a crash leaves; anything else should not happen. */
  readonly kind: 'torn' | 'damaged';
}

/** A seal with batches that are not known to be committed. */
export interface OpenSeal {
  readonly seal: Seal;
  readonly segment: number;
  readonly uncommitted: Set<string>;
}

export interface Recovered {
  readonly table: SegmentTable;
  readonly seals: readonly OpenSeal[];
  readonly damage: readonly Damage[];
  /** The first number never used. */
  readonly nextSegment: number;
  readonly envelopes: number;
}

export interface RecoveryOptions {
  readonly directory: string;
  readonly files: FilePort;
  readonly limits: JournalLimits;
  readonly log: JournalLog;
}

export async function recover(options: RecoveryOptions): Promise<Recovered> {
  const names = (await options.files.list(options.directory))
    .map(parseSegmentName)
    .filter((name) => name !== undefined)
    .sort((a, b) => a.number - b.number);
  const recovery = new Recovery(options);
  for (const [i, name] of names.entries()) await recovery.segment(name, i === names.length - 1);
  return recovery.result((names.at(-1)?.number ?? 0) + 1);
}

class Recovery {
  private readonly options: RecoveryOptions;
  private readonly table = new SegmentTable();
  private readonly seals = new Map<string, OpenSeal>();
  private readonly damage: Damage[] = [];
  private envelopes = 0;

  constructor(options: RecoveryOptions) {
    this.options = options;
  }

  async segment(id: SegmentName, last: boolean): Promise<void> {
    const { files, directory, limits } = this.options;
    const segment = this.table.add(id);
    segment.sealed = new BitSet();
    const file = await files.open(directory, id.name);
    try {
      const size = await file.size();
      const found: { from: number; to: number }[] = [];
      await scanSegment(file, id, 0, size, limits.journalRecordBytesMax, {
        record: (record) => this.record(segment, record),
        damage: (from, to) => found.push({ from, to }),
      });
      const torn = last && found.at(-1)?.to === size ? found.pop() : undefined;
      for (const { from, to } of found) this.report(id, from, to, 'damaged');
      if (torn !== undefined) {
        await file.truncate(torn.from);
        this.report(id, torn.from, torn.to, 'torn');
      }
      // What a killed process had written but not synced is about to be built upon.
      if (last) await file.datasync();
      this.table.addBytes(segment, torn?.from ?? size);
    } finally {
      await file.close();
    }
  }

  result(nextSegment: number): Recovered {
    const { table, damage, envelopes } = this;
    const seals = [...new Set(this.seals.values())].filter((open) => this.isComplete(open));
    return { table, damage, envelopes, nextSegment, seals };
  }

  /** Segments are removed only when all in them is committed; a lost mark says nothing else. */
  private isComplete({ seal, uncommitted }: OpenSeal): boolean {
    const { positions } = seal;
    for (let i = 0; i < positions.length; i += 4) {
      if (this.table.get(positions[i] as number) !== undefined) continue;
      const message = `journal batches ${[...uncommitted].join(' ')} were committed and removed`;
      this.options.log({ level: 'warn', message });
      this.table.commit(positions, 0);
      return false;
    }
    return true;
  }

  private record(segment: Segment, record: ParsedRecord): boolean {
    if (record.type === RECORD.envelope) {
      this.table.addEnvelope(segment, record.ordinal);
      this.envelopes += 1;
      return true;
    }
    try {
      if (record.type === RECORD.seal) this.seal(segment, decodeSeal(record.body));
      if (record.type === RECORD.commit) this.commit(record.body);
    } catch (error) {
      this.report(segment.id, record.offset, record.offset + record.bytes, 'damaged', error);
    }
    return true;
  }

  private seal(segment: Segment, seal: Seal): void {
    const { positions } = seal;
    for (let i = 0; i < positions.length; i += 4) {
      this.table.get(positions[i] as number)?.sealed?.add(positions[i + 1] as number);
    }
    const open = { seal, segment: segment.id.number, uncommitted: new Set(seal.uids) };
    for (const uid of seal.uids) this.seals.set(uid, open);
  }

  private commit(body: Buffer): void {
    const { committedMs, uids } = decodeCommit(body);
    for (const uid of uids) {
      const open = this.seals.get(uid);
      this.seals.delete(uid);
      open?.uncommitted.delete(uid);
      if (open?.uncommitted.size === 0) this.table.commit(open.seal.positions, committedMs);
    }
  }

  private report(
    id: SegmentName,
    from: number,
    to: number,
    kind: Damage['kind'],
    error?: unknown,
  ): void {
    this.damage.push({ segment: id.name, from, to, kind });
    if (kind === 'torn') {
      const message = `journal segment ${id.name}: cut off ${to - from} bytes of an unfinished write`;
      this.options.log({ level: 'warn', message });
      return;
    }
    const what = error === undefined ? `${to - from} bytes skipped` : describeError(error);
    const fault = new Fault('JOURNAL_CORRUPT', { segment: id.name, offset: from, detail: what });
    this.options.log({ level: 'error', message: fault.message, fault });
  }
}
