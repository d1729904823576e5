/** Builds the web console where the sources are and it has not been built yet. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

export async function buildConsole(): Promise<void> {
  const root = fileURLToPath(new URL('../../', import.meta.url));
  const vite = `${root}node_modules/vite/bin/vite.js`;
  if (existsSync(`${root}console/dist/index.html`) || !existsSync(vite)) return;
  await promisify(execFile)(process.execPath, [vite, 'build', 'console'], { cwd: root });
}
