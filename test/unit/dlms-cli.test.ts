/** Goal: an engineer with a meter on the bench sees values with units, and cannot switch by mistake. */
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Context } from '../../cli/context.ts';
import { type BenchFlags, openBench } from '../../cli/dlms/bench.ts';
import { fileCounterStore } from '../../cli/dlms/counter-file.ts';
import { readKeyFile } from '../../cli/dlms/key-file.ts';
import { showProfile } from '../../cli/dlms/profile.ts';
import { dump, readValues } from '../../cli/dlms/read.ts';
import { relay } from '../../cli/dlms/relay.ts';
import { createProgress } from '../../cli/output/progress.ts';
import { cryptoRandom } from '../../domain/index.ts';
import { type DlmsBench, dlmsBench, FRAMINGS, NOON } from '../support/dlms.ts';

let directory: string;
let bench: DlmsBench;
let lines: string[];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'meterline-dlms-'));
  lines = [];
});
afterEach(async () => {
  await bench?.close();
  await rm(directory, { recursive: true });
  process.exitCode = undefined;
});

function contextOf({ clock }: DlmsBench): Context {
  return {
    config: {} as Context['config'],
    clock,
    random: cryptoRandom,
    log: pino({ level: 'silent' }),
    progress: createProgress({ write: () => true }, () => 0, true),
    out: (text) => void lines.push(text),
  };
}

async function keyFileOf({ meter }: DlmsBench, more: object = {}): Promise<string> {
  const { keys, systemTitle, password } = meter.secrets;
  const hex = (octets: Uint8Array) => Buffer.from(octets).toString('hex');
  const path = join(directory, 'keys.json');
  const fields = {
    meter: meter.serial,
    clientTitle: 'MLCBENCH',
    systemTitle: hex(systemTitle),
    encryption: hex(keys.encryption),
    authentication: hex(keys.authentication),
    password: Buffer.from(password).toString('latin1'),
  };
  await writeFile(path, JSON.stringify({ ...fields, ...more }), { mode: 0o600 });
  return path;
}

async function open(
  flags: BenchFlags = {},
): Promise<[Context, Awaited<ReturnType<typeof openBench>>]> {
  const ctx = contextOf(bench);
  return [ctx, await openBench(ctx, `127.0.0.1:${bench.host.port}`, flags)];
}

describe.each(FRAMINGS)('a meter over %s', (framing) => {
  beforeEach(async () => {
    bench = await dlmsBench({ framing, meters: [{ historyDays: 1 }] });
  });
  const flags = async (more: BenchFlags = {}): Promise<BenchFlags> => ({
    keyFile: await keyFileOf(bench),
    hdlc: framing === 'hdlc',
    ...more,
  });

  it('read shows registers with their units', async () => {
    const [ctx, own] = await open(await flags());
    await readValues(ctx, own, [], false);
    const { importWh } = bench.meter.metering.totals();
    expect(lines.join('\n')).toMatch(new RegExp(`1-0:1\\.8\\.0 +import, active +${importWh} Wh`));
    expect(lines.join('\n')).toMatch(/1-0:32\.7\.0 +voltage L1 +2\d\d\.\d V/);
    expect(lines.at(-1)).toMatch(/^clock \d+\.\d s (ahead of|behind) ours/);
  });

  it('profile names intervals by their start', async () => {
    const [ctx, own] = await open(await flags({ client: '2' }));
    const from = '2026-05-12T10:00:00Z';
    await showProfile(ctx, own, { from, to: '2026-05-12T11:00:00Z', json: true });
    const { blocks } = JSON.parse(lines.join('')) as { blocks: { startMs: number }[] };
    expect(blocks[0]?.startMs).toBe(Date.parse(from));
    lines = [];
    await showProfile(ctx, own, { from, to: '2026-05-12T11:00:00Z' });
    expect(lines[0]?.split('\n').length).toBe(2 + 4);
  });

  it('dump shows every attribute that may be read', async () => {
    const [ctx, own] = await open(await flags());
    await dump(ctx, own, true);
    const { rows } = JSON.parse(lines.join('')) as { rows: { obis: string; value: string }[] };
    expect(rows.length).toBeGreaterThan(100);
    expect(rows.filter((r) => r.value.startsWith('('))).toEqual([]);
  });

  it('relay shows, and switches only when confirmed', async () => {
    const [ctx, own] = await open(await flags());
    await relay(ctx, own, { json: true });
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ output: 'closed', control: 'closed' });
    await expect(relay(ctx, own, { disconnect: true })).rejects.toMatchObject({
      code: 'BAD_REQUEST',
    });
    await expect(relay(ctx, own, { disconnect: true, connect: true })).rejects.toMatchObject({
      code: 'BAD_REQUEST',
    });
    expect(bench.meter.relay.closed).toBe(true);
    await relay(ctx, own, { disconnect: true, yes: true });
    expect([bench.meter.relay.closed, lines.at(-1)]).toEqual([
      false,
      'disconnect: done (the meter answered: success)',
    ]);
  });
});

describe('counters of the bench', () => {
  it('go on above what was ever given, whoever opens the file next', async () => {
    const path = join(directory, 'counters');
    const first = await fileCounterStore(path);
    expect(await first.reserve('k', 256, 0)).toBe(0);
    expect(JSON.parse(await readFile(path, 'utf8'))).toEqual({ k: { next: 256, accepted: -1 } });
    await first.accepted('k', 9);
    await first.accepted('k', 4);
    const second = await fileCounterStore(path);
    expect(await second.reserve('k', 256, 0)).toBe(256);
    expect(await second.reserve('k', 256, 5_000)).toBe(5_000);
    expect(await second.lastAccepted('k')).toBe(9);
    await expect(second.reserve('k', 256, 0xfffffff0)).rejects.toMatchObject({
      code: 'DLMS_COUNTER_SPENT',
    });
  });

  it('a damaged file stops everything', async () => {
    const path = join(directory, 'counters');
    for (const text of ['', '{', '{"k":{"next":"x"}}']) {
      await writeFile(path, text);
      await expect(fileCounterStore(path)).rejects.toMatchObject({ code: 'BAD_REQUEST' });
    }
  });
});

describe('key files', () => {
  it('are checked, and never quoted', async () => {
    bench = await dlmsBench({});
    const secret = 'SECRETSECRETSECRETSECRETSECRET!!';
    for (const more of [
      { encryption: secret },
      { clientTitle: secret },
      { other: 'x' },
      { meter: 1 },
    ]) {
      const path = await keyFileOf(bench, more);
      const error = await readKeyFile(path, 1, () => {}).catch((e: unknown) => e as Error);
      expect(error).toMatchObject({ code: 'BAD_REQUEST' });
      expect((error as Error).message).not.toContain(secret);
    }
  });

  it('that others may read are told', async () => {
    bench = await dlmsBench({ nowMs: NOON });
    const path = await keyFileOf(bench);
    await chmod(path, 0o644);
    const told: string[] = [];
    await readKeyFile(path, 1, (text) => told.push(text));
    expect(told[0]).toMatch(/chmod 600/);
  });
});
