/**
 * Where the shared reference material lies: METERLINE_SHARED, else `../shared` beside the
 * repository. Test data is read from there and never copied in. Without it conformance tests
 * fail in CI; elsewhere they fail too, with a sentence that says what to set.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export function sharedDir(): string {
  const beside = fileURLToPath(new URL('../../../shared', import.meta.url));
  const dir = process.env['METERLINE_SHARED'] ?? beside;
  if (!existsSync(join(dir, 'vectors'))) {
    throw new Error(`conformance data not found at ${dir}; set METERLINE_SHARED`);
  }
  return dir;
}

/**
 * A sentence for people who work without the shared material; undefined when it is there.
 * Where its absence must not go unnoticed (CI, METERLINE_REQUIRE_SHARED) it throws instead.
 */
export function sharedMissing(): string | undefined {
  try {
    sharedDir();
    return undefined;
  } catch (error) {
    const required = [process.env['CI'], process.env['METERLINE_REQUIRE_SHARED']];
    if (required.some((value) => value !== undefined && value !== '')) throw error;
    return (error as Error).message;
  }
}
