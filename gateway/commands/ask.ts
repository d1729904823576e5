/** Asks a meter for its breaker's states. A question moves nothing and may be asked again. */
import {
  formatInstant,
  LIMITS,
  type MeterCommand,
  type MeterReply,
  TOPIC,
  uuidV7,
} from '../../domain/index.ts';
import type { SendContext } from './ports.ts';

/** The meter's answer; undefined when it is away, silent or refuses. `id`: of an ordered read. */
export async function askBreaker(
  context: SendContext,
  serial: string,
  id: string = uuidV7(context.clock.nowMs(), context.random),
): Promise<MeterReply | undefined> {
  const { clock, link, random, replies, signal } = context;
  if (link.isOnline?.(serial) === false) return undefined;
  const question: MeterCommand = {
    id,
    meter: serial,
    action: 'read',
    notAfter: formatInstant(clock.nowMs() + LIMITS.commandReadbackMs),
    nonce: Buffer.from(random(16)).toString('hex'),
  };
  const answer = replies.expect(question.id, serial);
  try {
    const payload = Buffer.from(JSON.stringify(question), 'utf8');
    if (!(await link.publishDown(serial, TOPIC.command(serial), payload))) return undefined;
    const untilMs = clock.monotonicMs() + LIMITS.commandReadbackMs;
    for (;;) {
      const leftMs = untilMs - clock.monotonicMs();
      if (leftMs <= 0) return undefined;
      const reply = await answer.next(leftMs, clock, signal);
      // 'accepted' only says that it works on it; the states come with 'done'.
      if (reply?.outcome !== 'accepted') return reply?.outcome === 'done' ? reply : undefined;
    }
  } finally {
    replies.forget(question.id);
  }
}
