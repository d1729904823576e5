import { type Column, table } from '../output/table.ts';
import type { EngineStatus, StackStatus } from './status.ts';

const COLUMNS: readonly Column<EngineStatus>[] = [
  { head: 'engine', value: (row) => row.engine },
  { head: 'version', value: (row) => row.version },
  { head: 'state', value: (row) => (row.answers ? 'up' : 'down') },
  { head: 'port', right: true, value: (row) => row.port },
  { head: 'pid', right: true, value: (row) => row.pid ?? '-' },
  { head: 'data', right: true, value: (row) => sizeText(row.dataBytes) },
  { head: 'since (UTC)', value: (row) => row.since?.slice(0, 19).replace('T', ' ') ?? '-' },
];

/** The status as a table for people, one engine a row. */
export function statusTable(status: StackStatus): string {
  const title = `stack ${status.name}: ${status.up ? 'up' : 'down'} (${sourceText(status)})\n`;
  if (status.engines.length === 0) return title;
  const reasons = status.engines
    .filter((engine) => engine.why !== undefined)
    .map((engine) => `${engine.engine}: ${engine.why}`);
  return `${[title, table(COLUMNS, status.engines), ...reasons].join('\n')}\n`;
}

function sourceText({ source, directory }: StackStatus): string {
  if (source === 'environment') return 'DATABASE_URL and REDIS_URL are set';
  if (source === 'docker') return `docker compose, ${directory}`;
  if (source === 'packages') return `Debian packages, ${directory}`;
  return 'never started';
}

function sizeText(bytes: number | undefined): string {
  if (bytes === undefined) return '-';
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  const step = Math.min(Math.floor(Math.log10(Math.max(bytes, 1)) / 3), units.length - 1);
  return `${(bytes / 1000 ** step).toFixed(step === 0 ? 0 : 1)} ${units[step]}`;
}
