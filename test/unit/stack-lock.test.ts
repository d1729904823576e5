import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { withLock } from '../../cli/stack/lock.ts';

const path = (name: string) => `/lock-test/${process.pid}/${name}`;
const ignore = () => undefined;

describe('the lock of the stack', () => {
  it('lets one in at a time and all in at last, also within one process', async () => {
    let inside = 0;
    let most = 0;
    const done = await Promise.all(
      Array.from({ length: 8 }, (_, index) =>
        withLock(path('many'), ignore, async () => {
          inside += 1;
          most = Math.max(most, inside);
          await sleep(5);
          inside -= 1;
          return index;
        }),
      ),
    );
    expect(most).toBe(1);
    expect(done).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  });

  it('is free again after the work threw', async () => {
    const failing = withLock(path('throws'), ignore, () => Promise.reject(new Error('no')));
    await expect(failing).rejects.toThrow('no');
    expect(await withLock(path('throws'), ignore, async () => 'in')).toBe('in');
  });

  it('tells who has it, and is free at once when that process is killed', async () => {
    const script =
      `import { withLock } from ${JSON.stringify(join(import.meta.dirname, '../../cli/stack/lock.ts'))};` +
      `withLock(${JSON.stringify(path('killed'))}, () => {}, () => new Promise((ok) => {` +
      "  console.log('held'); setTimeout(ok, 60_000); }));";
    const args = ['--import', 'tsx', '--input-type=module', '--eval', script];
    const owner = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(owner.stdout, 'data');
    let told = '';
    const waiting = withLock(
      path('killed'),
      (pid) => {
        told = pid;
        owner.kill('SIGKILL');
      },
      async () => 'in',
    );
    expect(await waiting).toBe('in');
    expect(told).toBe(String(owner.pid));
  });
});
