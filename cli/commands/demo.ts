import type { Command } from 'commander';
import { Fault } from '../../domain/index.ts';
import type { Context } from '../context.ts';
import { runDemo } from '../demo/run.ts';

const METERS_MIN = 200;
const METERS_MAX = 5_000;

export function registerDemoCommand(program: Command, context: () => Context): void {
  program
    .command('demo')
    .description('a month of a small utility, from meter to bill to breaker, in a minute')
    .option('--meters <count>', `simulated MQTT meters, ${METERS_MIN} to ${METERS_MAX}`, '240')
    .option('--seed <number>', 'same seed, same month', '7')
    .option('--stay', 'keep everything up afterwards and print the addresses', false)
    .action(async (flags: { meters: string; seed: string; stay: boolean }) => {
      const meters = Number(flags.meters);
      const seed = Number(flags.seed);
      if (!Number.isInteger(meters) || meters < METERS_MIN || meters > METERS_MAX) {
        throw new Fault('BAD_REQUEST', { detail: `--meters ${METERS_MIN} to ${METERS_MAX}` });
      }
      if (!Number.isInteger(seed)) throw new Fault('BAD_REQUEST', { detail: '--seed is a number' });
      const ctx = context();
      // The tables are for people; routine log lines would stand between them.
      if (ctx.config.logLevel === 'info') ctx.log.level = 'warn';
      const good = await runDemo(ctx, { meters, seed, stay: flags.stay });
      if (!good) process.exitCode = 1;
    });
}
