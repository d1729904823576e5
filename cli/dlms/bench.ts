/** The meter on the bench: from the options of a command to a driver and a target. */
import { Fault } from '../../domain/index.ts';
import { memoryCounterStore } from '../../gateway/drivers/dlms/counters.ts';
import { DlmsDriver } from '../../gateway/drivers/dlms/driver.ts';
import type { DlmsTarget } from '../../gateway/drivers/dlms/target.ts';
import type { Context } from '../context.ts';
import { fileCounterStore } from './counter-file.ts';
import { MANAGEMENT_SAP, readKeyFile } from './key-file.ts';

export interface BenchFlags {
  readonly client?: string;
  readonly server?: string;
  readonly physical?: string;
  readonly hdlc?: boolean;
  readonly keyFile?: string;
  readonly deviation?: string;
  readonly json?: boolean;
}

export interface Bench {
  readonly driver: DlmsDriver;
  readonly target: DlmsTarget;
}

const PUBLIC_SAP = 16;
/** IEC 62056-47: the registered port. */
const DLMS_PORT = 4_059;
const PHYSICAL = 17;

export async function openBench(ctx: Context, address: string, flags: BenchFlags): Promise<Bench> {
  const { host, port } = splitAddress(address);
  const file = flags.keyFile;
  const fallback = file === undefined ? PUBLIC_SAP : MANAGEMENT_SAP;
  const clientSap = whole('--client', flags.client, fallback, 1, 0x7f);
  const keys =
    file === undefined
      ? undefined
      : await readKeyFile(file, clientSap, (text) => ctx.log.warn(text));
  if (keys === undefined && clientSap !== PUBLIC_SAP) {
    throw new Fault('BAD_REQUEST', { detail: `--client ${clientSap} needs a --key-file` });
  }
  const isPublic = clientSap === PUBLIC_SAP;
  const framing = flags.hdlc === true ? 'hdlc' : 'wrapper';
  const deviation = flags.deviation;
  const target: DlmsTarget = {
    meter: keys?.meter ?? address,
    host,
    port,
    framing,
    clientSap,
    serverSap: whole('--server', flags.server, 1, 0, 0xffff),
    ...(framing === 'hdlc' && {
      physical: whole('--physical', flags.physical, PHYSICAL, 0, 0x3fff),
    }),
    credentials: isPublic || keys === undefined ? { mechanism: 'lowest' } : keys.credentials,
    ...(deviation !== undefined && {
      deviationMinutes: whole('--deviation', deviation, 0, -840, 840),
    }),
  };
  const counters =
    file === undefined ? memoryCounterStore() : await fileCounterStore(`${file}.counters`);
  const { clock, random } = ctx;
  return { driver: new DlmsDriver({ clock, random, counters }), target };
}

function splitAddress(address: string): { host: string; port: number } {
  const match = /^(.+?)(?::(\d{1,5}))?$/.exec(address);
  const port = Number(match?.[2] ?? DLMS_PORT);
  if (match === null || port < 1 || port > 65_535) {
    throw new Fault('BAD_REQUEST', { detail: `'${address}' is not HOST[:PORT]` });
  }
  return { host: match[1] as string, port };
}

/** A whole number of an option. Throws BAD_REQUEST. */
export function whole(
  name: string,
  text: string | undefined,
  fallback: number,
  min: number,
  max: number,
): number {
  if (text === undefined) return fallback;
  const value = Number(text);
  if (text.trim() !== '' && Number.isInteger(value) && value >= min && value <= max) return value;
  throw new Fault('BAD_REQUEST', { detail: `${name} must be a whole number ${min}..${max}` });
}
