/** `meterline dlms simulate`: simulated meters to try the other commands on. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { DlmsMeter } from '../../simulators/dlms-meter/meter.ts';
import { type DlmsHost, startDlmsHost } from '../../simulators/dlms-meter/server/host.ts';
import { stopSignal } from '../commands/start.ts';
import type { Context } from '../context.ts';
import { table } from '../output/table.ts';
import { whole } from './bench.ts';

export interface SimulateFlags {
  readonly port?: string;
  readonly meters?: string;
  readonly days?: string;
  readonly hdlc?: boolean;
  readonly seed: string;
  readonly keys?: string;
}

const METERS_MAX = 1_000;
const CLIENT_TITLE = 'MLCBENCH';
/** A meter that starts anew must not count below what it has counted before. */
const COUNTER_EPOCH_MS = Date.UTC(2025, 0, 1);

export async function simulate(ctx: Context, flags: SimulateFlags): Promise<void> {
  const port = whole('--port', flags.port, 4_059, 0, 65_535);
  const count = whole('--meters', flags.meters, 1, 1, METERS_MAX);
  const historyDays = whole('--days', flags.days, 10, 0, 400);
  const directory = flags.keys ?? join(ctx.config.projectDirectory, '.meterline', 'dlms');
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const framing = flags.hdlc === true ? 'hdlc' : 'wrapper';
  const started: { meter: DlmsMeter; host: DlmsHost; keyFile: string }[] = [];
  for (let i = 0; i < count; i += 1) {
    const serial = `SIM${String(i + 1).padStart(5, '0')}`;
    const seed = `${flags.seed}/${serial}`;
    const meter = new DlmsMeter({ serial, seed, clock: ctx.clock, historyDays });
    meter.ownCounter = Math.floor((ctx.clock.nowMs() - COUNTER_EPOCH_MS) / 1_000);
    const keyFile = join(directory, `${serial}.json`);
    await writeFile(keyFile, keysOf(meter), { mode: 0o600 });
    const own = port === 0 ? 0 : port + i;
    const host = await startDlmsHost({ clock: ctx.clock, framing, meters: [meter], port: own });
    started.push({ meter, host, keyFile });
  }
  ctx.out(
    table(
      [
        { head: 'meter', value: (s) => s.meter.serial },
        { head: 'address', value: (s) => `127.0.0.1:${s.host.port}` },
        { head: 'keys', value: (s) => relative(process.cwd(), s.keyFile) },
      ],
      started,
    ),
  );
  const [first] = started;
  const hdlc = framing === 'hdlc' ? ' --hdlc' : '';
  if (first !== undefined) {
    const keyFile = relative(process.cwd(), first.keyFile);
    const address = `127.0.0.1:${first.host.port}`;
    ctx.out(`\ntry: meterline dlms profile ${address}${hdlc} --key-file ${keyFile}\nCtrl-C ends`);
  }
  await stopSignal();
  await Promise.all(started.map(({ host }) => host.close()));
}

function keysOf({ serial, secrets }: DlmsMeter): string {
  const hex = (octets: Uint8Array) => Buffer.from(octets).toString('hex').toUpperCase();
  return JSON.stringify(
    {
      meter: serial,
      clientTitle: CLIENT_TITLE,
      systemTitle: hex(secrets.systemTitle),
      encryption: hex(secrets.keys.encryption),
      authentication: hex(secrets.keys.authentication),
      password: Buffer.from(secrets.password).toString('latin1'),
    },
    null,
    2,
  );
}
