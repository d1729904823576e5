import type { EngineStatus, StackStatus } from './status.ts';

const HEAD = ['engine', 'version', 'state', 'port', 'pid', 'data', 'since'] as const;

/** The status as a table for people, one engine a row. */
export function statusTable(status: StackStatus): string {
  const title = `stack ${status.name}: ${status.up ? 'up' : 'down'} (${sourceText(status)})\n`;
  if (status.engines.length === 0) return title;
  const rows = [HEAD as readonly string[], ...status.engines.map(cells)];
  const widths = HEAD.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const lines = rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
  const reasons = status.engines
    .filter((engine) => engine.why !== undefined)
    .map((engine) => `${engine.engine}: ${engine.why}`);
  return `${[title, ...lines, ...reasons].join('\n')}\n`;
}

function sourceText({ source, directory }: StackStatus): string {
  if (source === 'environment') return 'DATABASE_URL and REDIS_URL are set';
  if (source === 'docker') return `docker compose, ${directory}`;
  if (source === 'packages') return `Debian packages, ${directory}`;
  return 'never started';
}

function cells(engine: EngineStatus): string[] {
  return [
    engine.engine,
    engine.version,
    engine.answers ? 'up' : 'down',
    String(engine.port),
    engine.pid === undefined ? '-' : String(engine.pid),
    engine.dataBytes === undefined ? '-' : sizeText(engine.dataBytes),
    engine.since === undefined ? '-' : engine.since.slice(0, 19).replace('T', ' '),
  ];
}

function sizeText(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  const step = Math.min(Math.floor(Math.log10(Math.max(bytes, 1)) / 3), units.length - 1);
  return `${(bytes / 1000 ** step).toFixed(step === 0 ? 0 : 1)} ${units[step]}`;
}
