import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Programs some suites drive for real, and the Debian packages they come in. */
const TOOLS: Readonly<Record<string, string>> = {
  strace: 'strace', // kills and failing syncs at the N-th system call
  mosquitto: 'mosquitto', // an external broker
  faketime: 'faketime', // a clock set wrong in one process
  chromium: 'chromium', // the console
  prlimit: 'util-linux',
  mount: 'mount', // small disks
};

/** Installs what is missing as root; otherwise says exactly what to install. */
export function requireTools(): void {
  const missing = Object.entries(TOOLS)
    .filter(([program]) => !onPath(program))
    .map(([, name]) => name);
  if (missing.length === 0) return;
  const install = `apt-get install --no-install-recommends ${missing.join(' ')}`;
  if (process.getuid?.() !== 0 || !onPath('apt-get')) {
    throw new Error(`the tests drive programs that are not here; as root: ${install}`);
  }
  process.stderr.write(`installing for the tests: ${missing.join(' ')}\n`);
  const run = (args: readonly string[]) =>
    execFileSync('apt-get', ['-qq', ...args], {
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
      stdio: ['ignore', 'ignore', 'inherit'],
    });
  run(['update']);
  run(['install', '-y', '--no-install-recommends', ...missing]);
}

/** /usr/sbin is not on everybody's PATH; mosquitto lives there. */
function onPath(program: string): boolean {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/sbin'];
  return folders.some((folder) => folder !== '' && existsSync(join(folder, program)));
}
