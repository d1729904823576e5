/** One DLMS meter on the bench: read it, look at its relay, or simulate it. */
import type { Command } from 'commander';
import type { Context } from '../context.ts';
import { type BenchFlags, openBench } from '../dlms/bench.ts';
import { type ProfileFlags, showProfile } from '../dlms/profile.ts';
import { dump, readValues } from '../dlms/read.ts';
import { type RelayFlags, relay } from '../dlms/relay.ts';
import { type SimulateFlags, simulate } from '../dlms/simulate.ts';

export function registerDlmsCommands(program: Command, context: () => Context): void {
  const dlms = program.command('dlms').description('one DLMS/COSEM meter on the bench');
  withMeter(
    dlms.command('read <meter> [obis...]'),
    'values with their units, and the clock',
  ).action(async (meter: string, codes: string[], flags: BenchFlags) => {
    const ctx = context();
    await readValues(ctx, await openBench(ctx, meter, flags), codes, flags.json === true);
  });
  withMeter(dlms.command('profile <meter>'), 'intervals of a load profile, named by their start')
    .option('--from <time>', 'first start, e.g. 2026-05-12T00:00:00Z (a day before --to)')
    .option('--to <time>', 'end (now)')
    .option('--instance <obis>', 'profile', '1-0:99.1.0')
    .option('--registers', 'captures as register reads, e.g. of the daily profile 1-0:99.2.0')
    .action(async (meter: string, flags: BenchFlags & ProfileFlags) => {
      const ctx = context();
      await showProfile(ctx, await openBench(ctx, meter, flags), flags);
    });
  withMeter(dlms.command('relay <meter>'), 'contact and state of the relay')
    .option('--disconnect', 'open it: goes straight to the meter, past all protections')
    .option('--connect', 'close it: likewise')
    .option('--yes', 'without typing the confirmation')
    .option('--instance <obis>', 'disconnect control', '0-0:96.3.10')
    .action(async (meter: string, flags: BenchFlags & RelayFlags) => {
      const ctx = context();
      await relay(ctx, await openBench(ctx, meter, flags), flags);
    });
  withMeter(dlms.command('dump <meter>'), 'every attribute the client may read').action(
    async (meter: string, flags: BenchFlags) => {
      const ctx = context();
      await dump(ctx, await openBench(ctx, meter, flags), flags.json === true);
    },
  );
  dlms
    .command('simulate')
    .description('simulated meters, one port each, until stopped (Ctrl-C)')
    .option('--port <port>', 'of the first meter; 0 = any free', '4059')
    .option('--meters <count>', 'how many', '1')
    .option('--days <days>', 'how long they have been measuring', '10')
    .option('--hdlc', 'HDLC over TCP instead of the wrapper')
    .option('--seed <text>', 'load and keys follow from it', 'bench')
    .option('--keys <folder>', 'where their key files go (.meterline/dlms)')
    .action((flags: SimulateFlags) => simulate(context(), flags));
}

function withMeter(command: Command, description: string): Command {
  return command
    .description(`${description}; <meter> is HOST[:PORT]`)
    .option('--client <sap>', 'client: 16 public, 2 reading, 1 management (with keys 1, else 16)')
    .option('--server <address>', 'wPort or upper HDLC address', '1')
    .option('--hdlc', 'HDLC over TCP instead of the wrapper')
    .option('--physical <address>', 'lower HDLC address', '17')
    .option('--key-file <file>', 'JSON with meter, titles, keys, password')
    .option('--deviation <minutes>', 'UTC less local time, for clocks that do not say it')
    .option('--json', 'one JSON object for programs');
}
