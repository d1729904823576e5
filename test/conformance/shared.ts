/**
 * Where the shared reference material lies: METERLINE_SHARED, else `../shared` beside the
 * repository. Test data is read from there and never copied in. Without it conformance tests
 * fail in CI; elsewhere they fail too, with a sentence that says what to set.
 */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';

export function sharedDir(): string {
  const beside = fileURLToPath(new URL('../../../shared', import.meta.url));
  const dir = process.env['METERLINE_SHARED'] ?? beside;
  if (!existsSync(join(dir, 'vectors'))) {
    throw new Error(`conformance data not found at ${dir}; set METERLINE_SHARED`);
  }
  return dir;
}
