/** Goal: what the sender keeps on this machine: the record of attempts, the switch, the answers. */
import {
  appendFileSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../cli/clock.ts';
import type { MeterReply } from '../../domain/index.ts';
import { openAttemptFile } from '../../gateway/commands/attempts.ts';
import { killFile } from '../../gateway/commands/kill-file.ts';
import { ReplyBook } from '../../gateway/commands/replies.ts';

const directory = mkdtempSync(join(tmpdir(), 'commands-'));
afterAll(() => rmSync(directory, { recursive: true }));

const id = (n: number) => `01a0a0a0-0000-7000-8000-${String(n).padStart(12, '0')}`;
const record = (n: number) => ({
  commandId: id(n),
  meter: 'M1',
  action: 'disconnect',
  nonce: 'n',
  at: '2026-10-06T07:00:00Z',
});

describe('attempt record', () => {
  it('remembers after a restart, also behind a torn line', async () => {
    const path = join(directory, 'torn');
    const first = await openAttemptFile(path);
    await first.append(record(1));
    await first.close();
    appendFileSync(path, '{"commandId":"01a0a0a0-0000');
    const second = await openAttemptFile(path);
    await Promise.all([second.append(record(2)), second.append(record(3))]);
    await second.close();
    const third = await openAttemptFile(path);
    expect([1, 2, 3, 4].map((n) => third.seen(id(n)))).toEqual([true, true, true, false]);
    await third.close();
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  it('starts a new file when one is full and remembers the last two', async () => {
    const path = join(directory, 'full');
    const file = await openAttemptFile(path, 500);
    for (let n = 0; n < 12; n += 1) await file.append(record(n));
    await file.close();
    expect(readFileSync(`${path}.1`, 'utf8').length).toBeGreaterThanOrEqual(500);
    const again = await openAttemptFile(path, 500);
    expect(again.seen(id(11))).toBe(true);
    expect(again.seen(id(0))).toBe(false);
    await again.close();
  });

  it('trusts nothing after a failed write', async () => {
    const path = join(directory, 'broken');
    const file = await openAttemptFile(path);
    await file.close();
    for (const n of [1, 2]) {
      await expect(file.append(record(n))).rejects.toMatchObject({ code: 'JOURNAL_FAILED' });
    }
    expect(file.seen(id(1))).toBe(false);
  });
});

it('the kill file stops while it is there, and when nobody can tell', () => {
  const path = join(directory, 'kill');
  const killed = killFile(path);
  expect(killed()).toBe(false);
  writeFileSync(path, '');
  expect(killed()).toBe(true);
  rmSync(path);
  expect(killed()).toBe(false);
  expect(killFile(join(directory, 'torn', 'under-a-file'))()).toBe(true);
});

describe('answers', () => {
  const reply = (outcome: MeterReply['outcome']): MeterReply => ({
    id: id(1),
    outcome,
    at: '2026-10-06T07:00:00Z',
  });
  const running = new AbortController().signal;

  it('keeps early ones, drops those of strangers and those nobody asked for', async () => {
    const book = new ReplyBook();
    expect(book.deliver('M1', reply('done'))).toBe(false);
    const answer = book.expect(id(1), 'M1');
    expect(book.deliver('M2', reply('refused'))).toBe(false);
    expect(book.deliver('M1', reply('accepted'))).toBe(true);
    expect(book.deliver('M1', reply('done'))).toBe(true);
    expect((await answer.next(1_000, systemClock, running))?.outcome).toBe('accepted');
    expect((await answer.next(1_000, systemClock, running))?.outcome).toBe('done');
    expect(await answer.next(10, systemClock, running)).toBeUndefined();
    book.forget(id(1));
    expect(book.deliver('M1', reply('done'))).toBe(false);
  });

  it('wakes who waits, keeps a bounded number, and ends with the process', async () => {
    const book = new ReplyBook();
    const answer = book.expect(id(1), 'M1');
    const waiting = answer.next(5_000, systemClock, running);
    for (let n = 0; n < 50; n += 1) book.deliver('M1', reply('done'));
    expect((await waiting)?.outcome).toBe('done');
    let kept = 0;
    while ((await answer.next(1, systemClock, running)) !== undefined) kept += 1;
    expect(kept).toBeLessThan(10);
    const stop = new AbortController();
    const last = answer.next(5_000, systemClock, stop.signal);
    stop.abort();
    await expect(last).rejects.toThrow();
  });
});
