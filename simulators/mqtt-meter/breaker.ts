/** The contact of a simulated meter and how it answers commands, with the faults real ones have. */
import {
  type BreakerState,
  type Clock,
  formatInstant,
  type MeterCommand,
  type MeterReply,
  parseInstant,
} from '../../domain/index.ts';
import type { MeterLog } from '../meter-log.ts';

export type BreakerFault =
  | 'none'
  | 'stuck' // takes the command, the contact does not move
  | 'lying' // does not move, says it did
  | 'mute' // moves, never answers
  | 'refusing';

/** Ids remembered for this many commands, so that a repeated one moves nothing. */
const REMEMBERED_MAX = 1_000;

export class SimulatedBreaker {
  #output: BreakerState = 'closed';
  #control: BreakerState = 'closed';
  readonly #done = new Map<string, MeterReply>();
  readonly #clock: Clock;
  readonly #log: MeterLog;
  fault: BreakerFault;

  constructor(clock: Clock, log: MeterLog, fault: BreakerFault = 'none') {
    this.#clock = clock;
    this.#log = log;
    this.fault = fault;
  }

  get closed(): boolean {
    return this.#output === 'closed';
  }

  /** Replies in order; none when the fault says so. */
  handle(command: MeterCommand): MeterReply[] {
    if (command.action === 'read') return this.#answer(command, 'done');
    if (this.#done.has(command.id)) return this.#answer(command, 'duplicate');
    const notAfter = parseInstant(command.notAfter);
    if (notAfter === undefined || this.#clock.nowMs() > notAfter) {
      return this.#settle(command, 'expired');
    }
    if (this.fault === 'refusing') return this.#settle(command, 'refused');
    if (command.action === 'disconnect') this.#move(command.id, 'open');
    else if (command.action === 'connect') this.#move(command.id, 'closed');
    else return this.#settle(command, 'refused');
    return [...this.#answer(command, 'accepted'), ...this.#settle(command, 'done')];
  }

  #move(id: string, state: 'open' | 'closed'): void {
    this.#control = state;
    if (this.fault === 'stuck' || this.fault === 'lying') return;
    if (this.#output !== state) this.#log.append({ kind: 'breaker', id, state });
    this.#output = state;
  }

  #settle(command: MeterCommand, outcome: MeterReply['outcome']): MeterReply[] {
    this.#log.append({ kind: 'command', id: command.id, action: command.action, outcome });
    const replies = this.#answer(command, outcome);
    if (this.#done.size >= REMEMBERED_MAX) this.#done.delete(this.#done.keys().next().value ?? '');
    this.#done.set(command.id, this.#reply(command, outcome));
    return replies;
  }

  #answer(command: MeterCommand, outcome: MeterReply['outcome']): MeterReply[] {
    return this.fault === 'mute' && command.action !== 'read'
      ? []
      : [this.#reply(command, outcome)];
  }

  #reply(command: MeterCommand, outcome: MeterReply['outcome']): MeterReply {
    return {
      id: command.id,
      outcome,
      output: this.fault === 'lying' ? this.#control : this.#output,
      control: this.#control,
      at: formatInstant(this.#clock.nowMs()),
    };
  }
}
