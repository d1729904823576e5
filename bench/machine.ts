/** Where the figures come from. */
import { cpus, loadavg, totalmem } from 'node:os';
import type { Engines } from '../cli/context.ts';
import { openDatabase } from '../db/pool.ts';

export async function machineText(engines: Engines): Promise<string> {
  const db = openDatabase({ url: engines.databaseUrl, applicationName: 'bench-machine' });
  try {
    const [row] = await db.query<{ server: string; timescale: string | null; licence: string }>(
      `SELECT current_setting('server_version') AS server,
         (SELECT extversion FROM pg_extension WHERE extname = 'timescaledb') AS timescale,
         coalesce(current_setting('timescaledb.license', true), '-') AS licence`,
    );
    const cores = cpus();
    const memory = Math.round(totalmem() / 2 ** 30);
    const server = `PostgreSQL ${row?.server}, TimescaleDB ${row?.timescale} (${row?.licence})`;
    return `${cores[0]?.model}, ${cores.length} cores, ${memory} GiB; Node ${process.version}; ${server}`;
  } finally {
    await db.close();
  }
}

export function loadText(): string {
  return `load average ${loadavg()
    .map((one) => one.toFixed(1))
    .join(' ')}`;
}
