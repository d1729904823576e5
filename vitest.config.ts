import { defineConfig } from 'vitest/config';

/** Suites that need TimescaleDB and Redis start the local stack once (test/support/global-setup). */
const NEEDS_STACK = ['integration', 'stories', 'faults', 'e2e', 'browser'];

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'pure',
          include: ['test/{unit,fuzz}/**/*.test.ts', 'test/conformance/{dlms,rating}/**/*.test.ts'],
          testTimeout: 30_000,
        },
      },
      {
        test: {
          name: 'stack',
          include: [
            `test/{${NEEDS_STACK.join(',')}}/**/*.test.ts`,
            'test/conformance/meters/**/*.test.ts',
          ],
          globalSetup: ['test/support/global-setup.ts'],
          testTimeout: 120_000,
          hookTimeout: 180_000,
        },
      },
    ],
    maxWorkers: 2,
  },
});
