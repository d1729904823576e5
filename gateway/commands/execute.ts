/**
 * One command, once: claim, record, send, hear, read back. After the claim every way out leaves a
 * durable state, and none leads to a second sending.
 */
import type { ClaimOutcome } from '../../db/command-claim.ts';
import type { Command } from '../../db/command-rows.ts';
import { formatInstant, LIMITS, type MeterCommand, type MeterReply } from '../../domain/index.ts';
import { askBreaker } from './ask.ts';
import type { Seen, SendContext } from './ports.ts';
import { readBack, seenIn } from './readback.ts';
import { sendRelayCommand } from './relay.ts';
import type { Expectation } from './replies.ts';

/** Answers 'accepted' that are followed before the meter has to say how it ended. */
const ACCEPTED_MAX = 3;

const NOT_SEEN: Seen = { output: undefined, control: undefined };

export async function executeCommand(
  context: SendContext,
  id: string,
  serial: string,
): Promise<ClaimOutcome> {
  const { clock, random, stats, store } = context;
  const waiting = await store.get(id);
  if (waiting?.state !== 'queued') return { kind: 'gone', state: waiting?.state };
  if (waiting.action !== 'read') {
    if (context.killed?.() === true) return { kind: 'held', reason: 'local kill switch' };
    // A meter that does not even answer a question would leave its breaker in doubt.
    const reachable = (await askBreaker(context, serial)) !== undefined;
    if (!reachable) return { kind: 'held', reason: 'the meter does not answer' };
  }
  context.crash?.('before-claim');
  let claimedAtMs = clock.monotonicMs();
  const outcome = await store.claim(id, Buffer.from(random(16)).toString('hex'), () => {
    claimedAtMs = clock.monotonicMs();
  });
  context.crash?.('after-claim');
  if (outcome.kind === 'held') stats.held += 1;
  if (outcome.kind === 'ended') stats.ended += 1;
  if (outcome.kind !== 'sent') return outcome;
  const { command } = outcome;
  if (command.action === 'read') await readOnDemand(context, command);
  else await moveBreaker(context, command, claimedAtMs);
  return outcome;
}

async function readOnDemand(context: SendContext, command: Command): Promise<void> {
  const seen = seenIn(await askBreaker(context, command.meterSerial, command.id));
  if (seen !== undefined) await context.store.settle(command.id, 'confirmed', seen);
  else await context.store.settle(command.id, 'refused', NOT_SEEN, 'no answer');
}

async function moveBreaker(context: SendContext, command: Command, claimedAtMs: number) {
  const { attempts, clock, replies, stats, store } = context;
  if (attempts.seen(command.id)) {
    // The database was set back behind a sending that we remember.
    if (await store.unclear(command.id, 'sent before, says the record')) stats.indeterminate += 1;
    return readBack(context, command);
  }
  const recorded = await recordAttempt(context, command);
  context.crash?.('after-attempt');
  const answer = replies.expect(command.id, command.meterSerial);
  try {
    const doubt = recorded ?? lastLook(context, command, clock.monotonicMs() - claimedAtMs);
    if (doubt !== undefined) return await notSent(context, command, doubt);
    context.crash?.('before-publish');
    stats.sent += 1;
    const left = await sendRelayCommand(context.link, meterCommand(command)).catch(() => true);
    context.crash?.('after-publish');
    if (!left) return await notSent(context, command, 'the meter went away');
    await hear(context, command, answer);
  } finally {
    replies.forget(command.id);
  }
}

function meterCommand(command: Command): MeterCommand {
  return {
    id: command.id,
    meter: command.meterSerial,
    action: command.action,
    notAfter: formatInstant(command.deadlineAtMs as number),
    nonce: command.nonce as string,
  };
}

/** What went wrong; undefined when the attempt is on disk. */
async function recordAttempt(context: SendContext, command: Command): Promise<string | undefined> {
  try {
    await context.attempts.append({
      commandId: command.id,
      meter: command.meterSerial,
      action: command.action,
      nonce: command.nonce as string,
      at: formatInstant(command.sentAtMs as number),
    });
    return undefined;
  } catch (error) {
    context.onFailure?.(error, command.id);
    return 'the attempt could not be recorded';
  }
}

/** The claim may have aged while this process slept; a stop may have come since. */
function lastLook(context: SendContext, command: Command, agedMs: number): string | undefined {
  if (context.killed?.() === true) return 'local kill switch';
  if (agedMs > LIMITS.commandClaimToSendMsMax) return 'the claim became too old';
  if (context.clock.nowMs() >= (command.deadlineAtMs as number)) return 'the deadline passed';
  return undefined;
}

/** Surely nothing left. It stays spent: a new command needs a new decision. */
async function notSent(context: SendContext, command: Command, reason: string): Promise<void> {
  if (await context.store.settle(command.id, 'refused', NOT_SEEN, `not sent: ${reason}`)) {
    context.stats.refused += 1;
  }
}

async function hear(context: SendContext, command: Command, answer: Expectation): Promise<void> {
  const { clock, signal, stats, store } = context;
  let reply: MeterReply | undefined;
  let accepted = false;
  for (let heard = 0; heard < ACCEPTED_MAX; heard += 1) {
    reply = await answer.next(LIMITS.commandAnswerMs, clock, signal);
    context.crash?.('after-answer');
    if (reply?.outcome !== 'accepted' && reply?.outcome !== 'done') break;
    if (!accepted) accepted = await store.accepted(command.id, { outcome: reply.outcome });
    context.crash?.('after-accepted');
    if (reply.outcome === 'done') break;
  }
  if (reply?.outcome === 'refused' || reply?.outcome === 'expired') {
    const reason = `the meter: ${reply.outcome}${reply.reason ? `, ${reply.reason}` : ''}`;
    const seen = seenIn(reply) ?? NOT_SEEN;
    if (await store.settle(command.id, 'refused', seen, reason)) stats.refused += 1;
    return;
  }
  if (!accepted) {
    const reason = reply === undefined ? 'no answer in time' : `the meter: ${reply.outcome}`;
    if (await store.unclear(command.id, reason)) stats.indeterminate += 1;
  }
  await readBack(context, command);
}
