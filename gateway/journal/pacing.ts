/**
 * When many appends arrive, syncing each handful at once costs more than it saves: groups then
 * start a few milliseconds apart. A lone sender never waits.
 */
import type { Clock } from '../../domain/time.ts';
import type { JournalLimits } from './ports.ts';

export class GroupPacing {
  private readonly clock: Clock;
  private readonly limits: JournalLimits;
  private windowStartMs = 0;
  private windowRecords = 0;
  private busy = false;
  private lastGroupMs = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock, limits: JournalLimits) {
    this.clock = clock;
    this.limits = limits;
  }

  /** Waits before the next group when there is something to gain; `waiting` records are there. */
  async pause(waiting: number): Promise<void> {
    const spacingMs = this.limits.journalGroupWaitMsMax / 2;
    const sinceMs = this.clock.monotonicMs() - this.lastGroupMs;
    if (this.busy && sinceMs < spacingMs && waiting < this.limits.journalGroupRecordsMax) {
      await this.clock.sleep(Math.ceil(spacingMs - sinceMs));
    }
    this.lastGroupMs = this.clock.monotonicMs();
  }

  done(records: number): void {
    const nowMs = this.clock.monotonicMs();
    const spanMs = nowMs - this.windowStartMs;
    this.windowRecords += records;
    if (spanMs < this.limits.journalGroupWaitMsMax) return;
    // Per journalGroupWaitMsMax, as a slow disk makes the window longer than that.
    const rate = (this.windowRecords * this.limits.journalGroupWaitMsMax) / spanMs;
    this.busy = rate >= this.limits.journalBusyRecords;
    this.windowStartMs = nowMs;
    this.windowRecords = 0;
  }
}
