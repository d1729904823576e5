/** The process that plays meters and head-ends; ends when its parent lets go. */
import { describeError } from '../../domain/index.ts';
import { BreakerMeters } from './breaker-meters.ts';
import { HeadEnd } from './head-end.ts';
import { pace } from './pace.ts';
import type { AnswerMessage, CallMessage, Calls } from './protocol.ts';
import { Publishers } from './publishers.ts';

const headEnd = new HeadEnd();
const publishers = new Publishers();
const meters = new BreakerMeters();

const calls: Calls = {
  preparePushes: async (order) => headEnd.prepare(order),
  push: () => headEnd.push(),
  connect: (order) => publishers.connect(order),
  preparePublishes: async (order) => publishers.prepare(order),
  publish: () => publishers.publish(),
  pace: (order) => pace(publishers, order),
  breakers: (order) => meters.connect(order),
};

process.on('message', ({ id, call, order }: CallMessage) => {
  const work = calls[call] as (order: unknown) => Promise<unknown>;
  const answer = (message: AnswerMessage) => process.send?.(message);
  work(order).then(
    (result) => answer({ id, result }),
    (error: unknown) => answer({ id, error: describeError(error) }),
  );
});
process.once('disconnect', () => process.exit(0));
