/** Finds out what became of a breaker that was sent a command. Asks; never sends again. */
import type { Command } from '../../db/command-rows.ts';
import { LIMITS, type MeterReply } from '../../domain/index.ts';
import { askBreaker } from './ask.ts';
import type { Seen, SendContext } from './ports.ts';
import { judgeReadback, sayReadback } from './verdict.ts';

const NOTHING: Seen = { output: undefined, control: undefined };

/** Right after the answer, or the lack of one: asks until the breaker has come to rest. */
export async function readBack(context: SendContext, command: Command): Promise<void> {
  let seen: Seen | undefined;
  for (let asked = 0; asked < LIMITS.commandReadbacksMax; asked += 1) {
    if (context.link.isOnline?.(command.meterSerial) === false) break;
    seen = seenIn(await askBreaker(context, command.meterSerial)) ?? seen;
    context.crash?.('after-readback');
    if (seen !== undefined && judgeReadback(command.action, seen) === 'reached') {
      await confirm(context, command, seen);
      return;
    }
    await context.clock.sleep(LIMITS.commandReadbackPauseMs * 2 ** asked, context.signal);
  }
  if (await context.store.unclear(command.id, sayReadback(seen))) context.stats.indeterminate += 1;
}

/**
 * One more look at an indeterminate command. Untouched after its deadline and never answered means
 * that the meter did not act and cannot act any more; all other doubts stay doubts.
 */
export async function readAgain(context: SendContext, command: Command): Promise<void> {
  const { clock, store } = context;
  const seen = seenIn(await askBreaker(context, command.meterSerial)) ?? NOTHING;
  const verdict = judgeReadback(command.action, seen);
  if (verdict === 'reached') {
    await confirm(context, command, seen);
    return;
  }
  const deadlineMs = command.deadlineAtMs ?? command.notAfterMs;
  const over = clock.nowMs() > deadlineMs + LIMITS.commandMeterSkewMs;
  if (verdict === 'untouched' && over && command.answeredAtMs === null) {
    if (await store.settle(command.id, 'refused', seen, 'the meter did not act')) {
      context.stats.refused += 1;
    }
    return;
  }
  await store.reread(command, clock.nowMs() + pauseMs(command.rereads), seen, false);
}

function pauseMs(rereads: number): number {
  return Math.min(
    LIMITS.commandRereadMsMax,
    LIMITS.commandRereadMsMin * 2 ** Math.min(rereads, 16),
  );
}

async function confirm(context: SendContext, command: Command, seen: Seen): Promise<void> {
  if (!(await context.store.settle(command.id, 'confirmed', seen))) return;
  context.stats.confirmed += 1;
  context.crash?.('after-settled');
}

export function seenIn(reply: MeterReply | undefined): Seen | undefined {
  if (reply?.output === undefined && reply?.control === undefined) return undefined;
  return { output: reply.output, control: reply.control };
}
