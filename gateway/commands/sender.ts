/**
 * Carries commands from the table to the meters and their outcome back. Hints and sweeps only say
 * where to look; the claim decides. One command at a time per meter, bounded over all.
 */
import type { Command } from '../../db/command-rows.ts';
import { isUuid, LIMITS, type MeterReply } from '../../domain/index.ts';
import { executeCommand } from './execute.ts';
import type { SendContext, SenderOptions, SenderStats } from './ports.ts';
import { readAgain, readBack, seenIn } from './readback.ts';
import { ReplyBook } from './replies.ts';

const FIRST_ID = '00000000-0000-0000-0000-000000000000';

export class CommandSender {
  readonly #context: SendContext;
  readonly #stop = new AbortController();
  readonly #lanes = new Map<string, Promise<void>>();
  #cursor = FIRST_ID;
  #loop: Promise<void> | undefined;
  #lateReplies = 0;

  constructor(options: SenderOptions) {
    this.#context = {
      ...options,
      replies: new ReplyBook(),
      stats: noStats(),
      signal: this.#stop.signal,
    };
  }

  get stats(): Readonly<SenderStats> {
    return this.#context.stats;
  }

  /** Settles what an earlier life of this process left, then sweeps until stopped. */
  async start(): Promise<void> {
    await this.recover();
    this.#loop = this.#sweepForever();
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#loop;
    await this.idle();
  }

  /** Resolves when nothing is under way in this process. */
  async idle(): Promise<void> {
    while (this.#lanes.size > 0) await Promise.all(this.#lanes.values());
  }

  /** A command may be sent, says a job. Anything that is not a waiting command is ignored. */
  async hint(commandId: unknown): Promise<void> {
    const { stats, store } = this.#context;
    const valid = typeof commandId === 'string' && isUuid(commandId);
    const command = valid ? await store.get(commandId) : undefined;
    if (command?.state !== 'queued') {
      stats.idleHints += 1;
      return;
    }
    this.#execute(command.id, command.meterSerial);
  }

  /**
   * An answer of a meter; the serial is the one of its connection, not of the payload. Resolves
   * when it was handed over or, if nobody waits, looked up. Never rejects.
   */
  async onReply(serial: string, reply: MeterReply): Promise<void> {
    const { replies, stats } = this.#context;
    if (replies.deliver(serial, reply)) return;
    if (!isUuid(reply.id) || this.#lateReplies >= LIMITS.commandLateRepliesMax) {
      stats.strayReplies += 1;
      return;
    }
    this.#lateReplies += 1;
    try {
      await this.#late(serial, reply);
    } catch (error) {
      this.#failed(error, reply.id);
    } finally {
      this.#lateReplies -= 1;
    }
  }

  /** Sent by this process before it died: the breaker may have moved, so it is only read back. */
  async recover(): Promise<void> {
    await this.#adopt(await this.#context.store.ownOrphans());
  }

  async sweep(): Promise<void> {
    const { clock, link, store } = this.#context;
    await store.expireDue();
    await store.promoteDue();
    await this.#adopt(await store.silentOrphans(clock.nowMs() - LIMITS.commandOrphanMs));
    const page = await store.queuedDue(this.#cursor, LIMITS.commandSweepRows);
    this.#cursor = page.length < LIMITS.commandSweepRows ? FIRST_ID : (page.at(-1)?.id ?? FIRST_ID);
    for (const queued of page) {
      if (link.isOnline?.(queued.meterSerial) === false) continue;
      if (this.#lanes.size >= LIMITS.commandConcurrency) break;
      this.#execute(queued.id, queued.meterSerial);
    }
    for (const command of await store.unclearDue(LIMITS.commandSweepRows)) {
      if (link.isOnline?.(command.meterSerial) === false) continue;
      this.#lane(command.meterSerial, command.id, () => readAgain(this.#context, command));
    }
  }

  async #sweepForever(): Promise<void> {
    const { clock, signal } = this.#context;
    while (!signal.aborted) {
      try {
        await this.sweep();
      } catch (error) {
        this.#failed(error, '');
      }
      await clock.sleep(LIMITS.commandSweepMs, signal).catch(() => {});
    }
  }

  #execute(id: string, serial: string): void {
    this.#lane(serial, id, async () => {
      await executeCommand(this.#context, id, serial);
    });
  }

  async #adopt(orphans: readonly Command[]): Promise<void> {
    const { stats, store } = this.#context;
    for (const command of orphans) {
      if (this.#lanes.has(command.meterSerial)) continue;
      if (command.action === 'read') {
        const seen = { output: undefined, control: undefined };
        await store.settle(command.id, 'refused', seen, 'no answer');
        continue;
      }
      if (!(await store.unclear(command.id, 'the sender died on the way'))) continue;
      stats.indeterminate += 1;
      this.#lane(command.meterSerial, command.id, () => readBack(this.#context, command));
    }
  }

  async #late(serial: string, reply: MeterReply): Promise<void> {
    const { clock, stats, store } = this.#context;
    const command = await store.get(reply.id);
    if (command?.state !== 'indeterminate' || command.meterSerial !== serial) {
      stats.strayReplies += 1;
      return;
    }
    const seen = seenIn(reply) ?? { output: undefined, control: undefined };
    if (reply.outcome === 'refused' || reply.outcome === 'expired') {
      const reason = `the meter, late: ${reply.outcome}`;
      if (await store.settle(command.id, 'refused', seen, reason)) stats.refused += 1;
      return;
    }
    // Only the first such answer is news: a flood must not use up the read-backs.
    const acted = reply.outcome === 'done' || reply.outcome === 'accepted';
    if (acted && command.answeredAtMs === null) {
      await store.reread(command, clock.nowMs(), seen, true);
    }
  }

  /** One thing at a time per meter; what finds the lane taken comes again with a later sweep. */
  #lane(serial: string, id: string, work: () => Promise<void>): void {
    const full = this.#lanes.size >= LIMITS.commandConcurrency;
    if (full || this.#lanes.has(serial) || this.#stop.signal.aborted) return;
    const lane = work()
      .catch((error: unknown) => this.#failed(error, id))
      .finally(() => this.#lanes.delete(serial));
    this.#lanes.set(serial, lane);
  }

  /** The rows still say `sent`: the next sweep or start finds them and reads back. */
  #failed(error: unknown, id: string): void {
    if (this.#stop.signal.aborted) return;
    this.#context.stats.failures += 1;
    this.#context.onFailure?.(error, id);
  }
}

function noStats(): SenderStats {
  return {
    sent: 0,
    held: 0,
    ended: 0,
    confirmed: 0,
    refused: 0,
    indeterminate: 0,
    idleHints: 0,
    strayReplies: 0,
    failures: 0,
  };
}
