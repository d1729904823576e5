/**
 * The only writer of segments. Appends that arrive together share one write and one fdatasync;
 * while one group is being synced the next one gathers.
 */
import { describeError, Fault } from '../../domain/faults.ts';
import { encodeEnvelope } from '../../domain/framing.ts';
import type { RandomBytes } from '../../domain/ids.ts';
import type { Envelope } from '../../domain/reading.ts';
import type { Clock } from '../../domain/time.ts';
import { type FilePort, isNoRoom, type JournalFile } from './files.ts';
import { type Entry, groupSize, type Pending, wholeBytes } from './group.ts';
import { GroupPacing } from './pacing.ts';
import type { JournalLimits } from './ports.ts';
import { HEADER_BYTES, RECORD, type RecordType, segmentName, writeRecord } from './records.ts';
import type { Segment, SegmentTable } from './segments.ts';

export interface WriterOptions {
  readonly directory: string;
  readonly files: FilePort;
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly limits: JournalLimits;
  readonly table: SegmentTable;
  /** First number of this run: never one that was on disk before. */
  readonly nextSegment: number;
  /** Called with the envelopes of a group, in order, before their appends resolve. */
  readonly onDurable: (entries: readonly Entry[]) => void;
  /** The journal is full or the disk is: room is wanted. */
  readonly onNoRoom: () => void;
  readonly onFailed: (fault: Fault) => void;
}

interface Active {
  readonly segment: Segment;
  readonly file: JournalFile;
  ordinal: number;
  /** Bytes were written that no fdatasync has followed. */
  dirty: boolean;
}

export class JournalWriter {
  readonly counters = { syncs: 0, groups: 0, groupRecordsMax: 0, records: 0, lastSyncMs: 0 };
  messages = 0;
  messageBytes = 0;
  private readonly options: WriterOptions;
  private readonly pacing: GroupPacing;
  private pending: Pending[] = [];
  private pendingBytes = 0;
  private scratch = Buffer.alloc(0);
  private active: Active | undefined;
  private nextNumber: number;
  private running: Promise<void> | undefined;
  private failure: Fault | undefined;
  private closed = false;

  constructor(options: WriterOptions) {
    this.options = options;
    this.nextNumber = options.nextSegment;
    this.pacing = new GroupPacing(options.clock, options.limits);
  }

  /** The segment being written, or the next one to be. */
  get activeNumber(): number {
    return this.active?.segment.id.number ?? this.nextNumber;
  }

  /** Nothing is written any more: it failed or was closed. */
  get ended(): boolean {
    return this.failure !== undefined;
  }

  get failed(): boolean {
    return this.failure !== undefined && !this.closed;
  }

  /** Resolves when the envelope is durable. */
  append(envelope: Envelope): Promise<void> {
    const { limits, table } = this.options;
    const body = encodeEnvelope(envelope);
    if (body.length > limits.journalRecordBytesMax) {
      const detail = { bytes: body.length, max: limits.journalRecordBytesMax };
      return Promise.reject(new Fault('PAYLOAD_TOO_LARGE', detail));
    }
    // A sixteenth stays free for seals and marks, without which a full journal never empties.
    const max = Math.floor((limits.journalBytesMax / 16) * 15);
    const bytes = table.bytes + this.pendingBytes + HEADER_BYTES + body.length;
    if (bytes > max || this.pendingBytes > limits.journalPendingBytesMax) {
      this.options.onNoRoom();
      return Promise.reject(new Fault('JOURNAL_FULL', { bytes, max }));
    }
    return this.enqueue({ type: RECORD.envelope, body, envelope, lazy: false });
  }

  /** A seal or a mark. A lazy one becomes durable with the next group that is synced. */
  note(type: RecordType, body: Uint8Array, lazy: boolean): Promise<void> {
    return this.enqueue({ type, body, lazy });
  }

  /** Resolves when everything noted so far is durable. */
  sync(): Promise<void> {
    return this.enqueue({ type: 'barrier', body: new Uint8Array(0), lazy: false });
  }

  /** Waits until nothing is pending. */
  async drain(): Promise<void> {
    while (this.running !== undefined) await this.running;
  }

  /** Makes the last marks durable and closes the segment; nothing is written after it. */
  async close(): Promise<void> {
    await this.drain();
    if (this.failure === undefined) await this.sync();
    if (this.failure === undefined) this.closed = true;
    this.fail('it is closed');
    const file = this.active?.file;
    this.active = undefined;
    await file?.close();
  }

  /** Nothing more is written; everything pending and later is refused. */
  fail(detail: string, cause?: unknown): Fault {
    if (this.failure !== undefined) return this.failure;
    const fault = new Fault('JOURNAL_FAILED', { detail }, cause);
    this.failure = fault;
    const pending = this.pending;
    this.pending = [];
    this.pendingBytes = 0;
    for (const one of pending) one.reject(fault);
    return fault;
  }

  private enqueue(one: Omit<Pending, 'resolve' | 'reject'>): Promise<void> {
    if (this.failure !== undefined) return Promise.reject(this.failure);
    return new Promise((resolve, reject) => {
      this.pending.push({ ...one, resolve, reject });
      this.pendingBytes += wholeBytes(one);
      this.running ??= this.run();
    });
  }

  private async run(): Promise<void> {
    // Whatever arrives in the same turn of the event loop joins the first group.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.pending.length > 0 && this.failure === undefined) {
      await this.pacing.pause(this.pending.length);
      const used = this.active?.segment.bytes ?? 0;
      const group = this.pending.splice(0, groupSize(this.pending, used, this.options.limits));
      this.pendingBytes -= group.reduce((sum, one) => sum + wholeBytes(one), 0);
      try {
        await this.commit(group);
      } catch (error) {
        for (const one of group) one.reject(error);
      }
    }
    this.running = undefined;
  }

  private async commit(group: readonly Pending[]): Promise<void> {
    const bytes = group.reduce((sum, one) => sum + wholeBytes(one), 0);
    if (bytes === 0) {
      if (this.active?.dirty === true) await this.datasync(this.active);
      for (const one of group) one.resolve();
      return;
    }
    const active = await this.activeFor(bytes);
    const entries = this.fill(active, group, bytes);
    await this.write(active, bytes);
    active.dirty = true;
    if (group.some((one) => !one.lazy)) await this.datasync(active);
    active.ordinal += entries.length;
    const { table } = this.options;
    table.addBytes(active.segment, bytes);
    for (const entry of entries) table.addEnvelope(active.segment, entry.position.ordinal);
    this.count(group.length, entries);
    this.options.onDurable(entries);
    for (const one of group) one.resolve();
  }

  private fill(active: Active, group: readonly Pending[], bytes: number): Entry[] {
    if (this.scratch.length < bytes) this.scratch = Buffer.allocUnsafe(Math.max(bytes, 64 * 1024));
    const { id } = active.segment;
    const entries: Entry[] = [];
    let at = 0;
    for (const { type, body, envelope } of group) {
      if (type === 'barrier') continue;
      const ordinal = active.ordinal + entries.length;
      const offset = active.segment.bytes + at;
      const end = writeRecord(this.scratch, at, id, ordinal, type, body);
      if (envelope !== undefined) {
        const position = { segment: id.number, ordinal, offset, bytes: end - at };
        entries.push({ position, framed: body, envelope });
      }
      at = end;
    }
    return entries;
  }

  private async write(active: Active, bytes: number): Promise<void> {
    const from = active.segment.bytes;
    let cause: unknown;
    try {
      const written = await active.file.write(this.scratch.subarray(0, bytes), from);
      if (written === bytes) return;
    } catch (error) {
      if (!isNoRoom(error)) throw this.failNow('write', error);
      cause = error;
    }
    // The torn record goes at once, or a later group would stand behind it.
    await active.file.truncate(from).catch((error: unknown) => {
      throw this.failNow('truncate after a short write', error);
    });
    throw this.noRoom(cause);
  }

  private async datasync(active: Active): Promise<void> {
    const started = this.options.clock.monotonicMs();
    try {
      await active.file.datasync();
    } catch (error) {
      // Never again: the kernel may have dropped the pages, and a second call would lie.
      throw this.failNow('fdatasync', error);
    }
    active.dirty = false;
    this.counters.syncs += 1;
    this.counters.lastSyncMs = this.options.clock.monotonicMs() - started;
  }

  private async activeFor(bytes: number): Promise<Active> {
    const active = this.active;
    const max = this.options.limits.journalSegmentBytesMax;
    if (active !== undefined) {
      const { segment } = active;
      if (segment.bytes === 0 || segment.bytes + bytes <= max) return active;
      if (active.dirty) await this.datasync(active);
    }
    const next = await this.create();
    this.active = next;
    await active?.file.close();
    return next;
  }

  private async create(): Promise<Active> {
    const { directory, files, random, table } = this.options;
    const id = segmentName(this.nextNumber, Buffer.from(random(4)).readUInt32BE(0));
    let file: JournalFile;
    try {
      file = await files.create(directory, id.name);
    } catch (error) {
      throw isNoRoom(error) ? this.noRoom(error) : this.failNow('create a segment', error);
    }
    this.nextNumber += 1;
    try {
      await files.syncDirectory(directory);
    } catch (error) {
      throw this.failNow('fsync of the directory', error);
    }
    return { segment: table.add(id), file, ordinal: 0, dirty: false };
  }

  private noRoom(cause: unknown): Fault {
    const { table, limits } = this.options;
    this.options.onNoRoom();
    return new Fault('JOURNAL_FULL', { bytes: table.bytes, max: limits.journalBytesMax }, cause);
  }

  private failNow(what: string, error: unknown): Fault {
    const first = this.failure === undefined;
    const fault = this.fail(`${what}: ${describeError(error)}`, error);
    if (first) this.options.onFailed(fault);
    return fault;
  }

  private count(records: number, entries: readonly Entry[]): void {
    this.pacing.done(records);
    this.counters.groups += 1;
    this.counters.records += records;
    this.counters.groupRecordsMax = Math.max(this.counters.groupRecordsMax, records);
    this.messages += entries.length;
    for (const entry of entries) this.messageBytes += entry.framed.length;
  }
}
