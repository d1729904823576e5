import { resolve } from 'node:path';
import type { TestProject } from 'vitest/node';
import { stackDown, stackStatus, stackUp } from '../../cli/stack/stack.ts';
import { requireTools } from './tools.ts';

declare module 'vitest' {
  interface ProvidedContext {
    databaseUrl: string;
    redisUrl: string;
  }
}

/** One TimescaleDB and one Redis for all suites. Missing engines fail the run: never a skip. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const options = { name: 'test', projectDirectory: resolve(import.meta.dirname, '../..') };
  requireTools();
  const before = await stackStatus(options);
  const urls = await stackUp(options);
  project.provide('databaseUrl', urls.databaseUrl);
  project.provide('redisUrl', urls.redisUrl);
  return async () => {
    // Who found it running leaves it running: another run may be using it.
    if (!before.up) await stackDown(options);
  };
}
