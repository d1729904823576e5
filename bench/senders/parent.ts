/** Starts the process that plays meters and head-ends, and asks it. */
import { type ChildProcess, fork } from 'node:child_process';
import type { AnswerMessage, CallMessage, Calls } from './protocol.ts';

export interface Senders {
  ask<C extends keyof Calls>(
    call: C,
    ...order: Parameters<Calls[C]>
  ): Promise<Awaited<ReturnType<Calls[C]>>>;
  stop(): Promise<void>;
}

/** A process of its own, so that the measured one does not pay for the load. */
export function startSenders(): Senders {
  // The profile is of the measured process.
  const execArgv = process.execArgv.filter((argument) => !argument.startsWith('--cpu-prof'));
  const child = fork(new URL('./child.ts', import.meta.url), {
    execArgv,
    serialization: 'advanced',
  });
  const waiting = new Map<number, { ok: (value: unknown) => void; no: (error: Error) => void }>();
  let calls = 0;
  child.on('message', (message: AnswerMessage) => {
    const asked = waiting.get(message.id);
    waiting.delete(message.id);
    if (message.error === undefined) asked?.ok(message.result);
    else asked?.no(new Error(message.error));
  });
  child.once('exit', (code) => {
    for (const asked of waiting.values()) asked.no(new Error(`the senders ended with ${code}`));
    waiting.clear();
  });
  return {
    ask(call, ...order) {
      calls += 1;
      const message: CallMessage = { id: calls, call, order: order[0] };
      return new Promise((ok, no) => {
        waiting.set(message.id, { ok: ok as (value: unknown) => void, no });
        child.send(message);
      });
    },
    stop: () => ended(child),
  };
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  child.disconnect();
  await gone;
}
