import { randomInt } from 'node:crypto';

/** The same night on every machine and every day. */
const FIXED = ['20260802'];

/**
 * Seeds of a run: METERLINE_SEED (one or more, separated by commas) when given, else `fixed`
 * that are always the same and `fresh` new ones. Prints how to run them again.
 */
export function seedsOf(file: string, fixed: 0 | 1, fresh: number): string[] {
  const given = process.env['METERLINE_SEED'];
  const drawn = Array.from({ length: fresh }, () => String(randomInt(1, 2 ** 31)));
  const seeds =
    given === undefined || given === '' ? [...FIXED.slice(0, fixed), ...drawn] : given.split(',');
  const command = `METERLINE_SEED=${seeds.join(',')} npx vitest run --project stack ${file}`;
  process.stdout.write(`seeds ${seeds.join(', ')}; again: ${command}\n`);
  return seeds;
}
