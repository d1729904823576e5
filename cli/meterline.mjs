#!/usr/bin/env -S node --max-semi-space-size=64
// A wide nursery spares the collector a fifth of its work under load (bench/README.md).
// Runs the built command where there is one, else the TypeScript sources through tsx.
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const here = fileURLToPath(new URL('.', import.meta.url));
const built = new URL('../dist/cli/main.js', import.meta.url);
if (!existsSync(`${here}main.ts`) || process.env['METERLINE_BUILT'] === '1') {
  await import(built.href);
} else {
  const { register } = await import('tsx/esm/api');
  register();
  await import('./main.ts');
}
