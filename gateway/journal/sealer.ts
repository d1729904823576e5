/** Groups durable envelopes into batches, and makes each grouping durable before it is offered. */
import { describeError } from '../../domain/faults.ts';
import { type RandomBytes, uuidV7 } from '../../domain/ids.ts';
import type { Clock } from '../../domain/time.ts';
import { countOffered, decodeSafely } from './batch.ts';
import type { Book } from './book.ts';
import type { Entry } from './group.ts';
import type { Intake } from './intake.ts';
import { countValues } from './parts.ts';
import type { Decode, Decoded, JournalLimits, JournalLog, OriginOf } from './ports.ts';
import { RECORD } from './records.ts';
import { encodeSeal, type Seal, type SealContent } from './seals.ts';
import { packPositions } from './segments.ts';
import { breathe, Wakeup } from './wakeup.ts';
import type { JournalWriter } from './writer.ts';

export interface SealerOptions {
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly limits: JournalLimits;
  readonly log: JournalLog;
  readonly decode: Decode;
  readonly originOf: OriginOf;
  readonly intake: Intake;
  readonly writer: JournalWriter;
  readonly book: Book;
  /** Something was sealed. */
  readonly onSealed: () => void;
}

/** A batch being filled. */
interface Group {
  readonly origin: string;
  readonly sinceMs: number;
  readonly entries: Entry[];
  readonly decoded: Decoded[];
  values: number;
  bytes: number;
}

/** How long to wait for room when nothing else would wake us. */
const RETRY_MS = 250;
const LOOK_MS = 10;

export class Sealer {
  readonly wakeup: Wakeup;
  private readonly options: SealerOptions;
  /** By origin, oldest first. */
  private readonly groups = new Map<string, Group>();
  /** Out of the intake, not yet in a group. */
  private pulled: readonly Entry[] = [];
  private full: { group: Group; parts: number }[] = [];
  private stopping = false;
  private loop: Promise<void> | undefined;

  constructor(options: SealerOptions) {
    this.options = options;
    this.wakeup = new Wakeup(options.clock);
  }

  start(): void {
    this.loop = this.run();
  }

  /** Seals what is there and ends; what it cannot seal stays in the journal for the next start. */
  async stop(): Promise<void> {
    this.stopping = true;
    this.wakeup.ring();
    await this.loop;
  }

  private async run(): Promise<void> {
    const { intake, writer, clock } = this.options;
    while (!writer.ended) {
      if (this.isBlocked()) {
        if (this.stopping) return;
        await this.wakeup.wait(RETRY_MS);
        continue;
      }
      if (this.pulled.length === 0) this.pulled = await this.pull();
      const isIdle = this.pulled.length === 0;
      this.takePulled();
      this.closeDue(clock.monotonicMs(), this.stopping && (intake.empty || intake.behind));
      const sealed = await this.sealFull();
      if (this.stopping && (!sealed || this.isIdle())) return;
      if (isIdle && intake.empty) await this.rest();
      else if (sealed) await breathe();
    }
  }

  /** With a batch being filled, looking now and then is cheaper than being woken by each group. */
  private async rest(): Promise<void> {
    const { clock, limits } = this.options;
    const oldest = this.groups.values().next().value;
    if (oldest === undefined) return this.wakeup.wait(limits.journalSweepMs);
    const dueMs = oldest.sinceMs + limits.batchLingerMs - clock.monotonicMs();
    await clock.sleep(Math.max(1, Math.min(dueMs, LOOK_MS)));
  }

  private isBlocked(): boolean {
    return this.options.book.outstanding >= this.options.limits.journalUncommittedBatchesMax;
  }

  private isIdle(): boolean {
    const { intake } = this.options;
    const isPulled = this.pulled.length === 0 && (intake.empty || intake.behind);
    return isPulled && this.groups.size === 0 && this.full.length === 0;
  }

  private async pull(): Promise<readonly Entry[]> {
    // What found no room is sealed first; a backlog on disk is left to the next start.
    if (this.full.length > 0 || (this.stopping && this.options.intake.behind)) return [];
    try {
      return await this.options.intake.pull();
    } catch (error) {
      const message = `journal cannot be read back: ${describeError(error)}`;
      this.options.log({ level: 'error', message });
      await this.wakeup.wait(RETRY_MS);
      return [];
    }
  }

  /** As many as there is room for: a few messages may fill several batches. */
  private takePulled(): void {
    const { book, limits } = this.options;
    let taken = 0;
    for (const entry of this.pulled) {
      if (book.outstanding + this.full.length >= limits.journalUncommittedBatchesMax) break;
      this.take(entry);
      taken += 1;
    }
    this.pulled = this.pulled.slice(taken);
  }

  private take(entry: Entry): void {
    const { limits, decode, originOf } = this.options;
    const decoded = decodeSafely(decode, entry.envelope);
    const values = countValues(decoded.blocks);
    const origin = originOf(entry.envelope);
    const bytes = entry.framed.length;
    let group = this.groups.get(origin);
    if (group !== undefined && this.overflows(group, values, bytes)) {
      this.close(group);
      group = undefined;
    }
    group ??= this.open(origin);
    group.entries.push(entry);
    group.decoded.push(decoded);
    group.values += values;
    group.bytes += bytes;
    if (values > limits.batchReadingsMax) {
      this.close(group, Math.ceil(values / limits.batchReadingsMax));
    }
  }

  private overflows(group: Group, values: number, bytes: number): boolean {
    const { limits } = this.options;
    return (
      group.values + values > limits.batchReadingsMax ||
      group.bytes + bytes > limits.batchBytesMax ||
      group.entries.length >= limits.batchMessagesMax
    );
  }

  private open(origin: string): Group {
    const oldest = this.groups.values().next().value;
    if (oldest !== undefined && this.groups.size >= this.options.limits.journalOriginsOpenMax) {
      this.close(oldest);
    }
    const sinceMs = this.options.clock.monotonicMs();
    const group = { origin, sinceMs, entries: [], decoded: [], values: 0, bytes: 0 };
    this.groups.set(origin, group);
    return group;
  }

  private close(group: Group, parts = 1): void {
    this.groups.delete(group.origin);
    this.full.push({ group, parts });
  }

  private closeDue(nowMs: number, all: boolean): void {
    for (const group of this.groups.values()) {
      if (!all && nowMs - group.sinceMs < this.options.limits.batchLingerMs) return;
      this.close(group);
    }
  }

  /** Writes the seals of all full groups; false when there was no room for one. */
  private async sealFull(): Promise<boolean> {
    const full = this.full;
    if (full.length === 0) return true;
    const { writer, book, log } = this.options;
    const seals = full.map(({ group, parts }) => this.sealOf(group, parts));
    const written = await Promise.allSettled(
      seals.map((seal) => writer.note(RECORD.seal, encodeSeal(seal), false)),
    );
    this.full = [];
    let failed: unknown;
    for (const [i, outcome] of written.entries()) {
      const { group } = full[i] as { group: Group };
      if (outcome.status === 'fulfilled') {
        book.add(seals[i] as Seal, this.contentFor(group), countOffered(group.decoded));
      } else {
        failed = outcome.reason;
        this.full.push(full[i] as { group: Group; parts: number });
      }
    }
    this.options.onSealed();
    if (failed === undefined) return true;
    log({ level: 'warn', message: `batch not sealed yet: ${describeError(failed)}` });
    if (!this.stopping) await this.wakeup.wait(RETRY_MS);
    return false;
  }

  private sealOf(group: Group, parts: number): Seal {
    const { clock, random, limits } = this.options;
    const nowMs = clock.nowMs();
    return {
      origin: group.origin,
      // The last one: what a message reports had ended by the time that message came.
      receivedMs: group.entries.at(-1)?.envelope.receivedMs ?? nowMs,
      uids: Array.from({ length: parts }, () => uuidV7(nowMs, random)),
      partValues: parts > 1 ? limits.batchReadingsMax : 0,
      positions: packPositions(group.entries.map((entry) => entry.position)),
    };
  }

  /** Beyond a few batches the content is read from disk again when its turn comes. */
  private contentFor(group: Group): SealContent | undefined {
    const { book, limits } = this.options;
    if (book.waiting >= limits.journalContentBatchesMax) return undefined;
    return { framed: group.entries.map((entry) => entry.framed), decoded: group.decoded };
  }
}
