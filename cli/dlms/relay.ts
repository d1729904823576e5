/**
 * `meterline dlms relay`: shows the relay of a meter on the bench. Switching goes straight to the
 * meter, past everything that protects a customer, so it has to be asked for and confirmed.
 */
import { createInterface } from 'node:readline/promises';
import { Fault } from '../../domain/index.ts';
import { type RelayAction, type RelayState, readRelay } from '../../gateway/drivers/dlms/relay.ts';
import type { Context } from '../context.ts';
import { table } from '../output/table.ts';
import type { Bench } from './bench.ts';

export interface RelayFlags {
  readonly disconnect?: boolean;
  readonly connect?: boolean;
  readonly yes?: boolean;
  readonly instance?: string;
  readonly json?: boolean;
}

const WARNING = [
  'This switches the meter directly. It bypasses the line: no approval, no protection of the',
  'customer, no governor, no audit, no command in the database. For a meter on the bench only.',
].join('\n');

export async function relay(ctx: Context, bench: Bench, flags: RelayFlags): Promise<void> {
  const { driver, target } = bench;
  const action = actionOf(flags);
  if (action === undefined) {
    const state = await driver.read(target, (s) => readRelay(s, flags.instance));
    ctx.out(flags.json === true ? JSON.stringify({ meter: target.meter, ...state }) : say(state));
    return;
  }
  if (flags.yes !== true) await confirm(action, target.meter);
  const report = await driver.switchRelay(target, action, flags.instance);
  if (flags.json === true) {
    ctx.out(JSON.stringify({ meter: target.meter, action, ...report }));
  } else {
    ctx.out(say(report.before, report.after));
    ctx.out(`${action}: ${report.outcome} (the meter answered: ${report.reason})`);
  }
  if (report.outcome === 'not-done' || report.outcome === 'indeterminate') process.exitCode = 1;
}

function actionOf({ disconnect, connect }: RelayFlags): RelayAction | undefined {
  if (disconnect === true && connect === true) {
    throw new Fault('BAD_REQUEST', { detail: 'either --disconnect or --connect' });
  }
  if (disconnect === true) return 'disconnect';
  return connect === true ? 'connect' : undefined;
}

async function confirm(action: RelayAction, meter: string): Promise<void> {
  process.stderr.write(`${WARNING}\n`);
  if (process.stdin.isTTY !== true) {
    throw new Fault('BAD_REQUEST', { detail: `${action} needs a terminal to confirm, or --yes` });
  }
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const typed = await lines.question(`Type ${meter} to ${action}: `);
    if (typed.trim() !== meter) throw new Fault('BAD_REQUEST', { detail: 'not confirmed' });
  } finally {
    lines.close();
  }
}

function say(before: RelayState, after?: RelayState): string {
  const states = after === undefined ? [before] : [before, after];
  return table(
    [
      { head: '', value: (s) => (s === before && after !== undefined ? 'before' : 'now') },
      { head: 'contact', value: (s) => s.output },
      { head: 'state', value: (s) => s.control },
      { head: 'control mode', right: true, value: (s) => s.mode },
    ],
    states,
  );
}
