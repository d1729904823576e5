/** Progress on standard error: a bar on a terminal, a line a step elsewhere, nothing when quiet. */
export interface Progress {
  /** Starts or moves a step; `done` of `total`, with a note. */
  step(name: string, done: number, total: number, note?: string): void;
  finish(name: string, note?: string): void;
  clear(): void;
}

const BAR_CELLS = 28;
const REDRAW_MS = 80;
const LINE_EVERY_MS = 5_000;

interface Sink {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

export function createProgress(out: Sink, monotonicMs: () => number, quiet = false): Progress {
  let lastMs = Number.NEGATIVE_INFINITY;
  let drawn = false;
  const tty = out.isTTY === true;
  const print = (text: string) => {
    if (!quiet) out.write(text);
  };
  const wipe = () => {
    if (drawn) print('\r\x1b[2K');
    drawn = false;
  };
  return {
    step(name, done, total, note = '') {
      const now = monotonicMs();
      if (now - lastMs < (tty ? REDRAW_MS : LINE_EVERY_MS)) return;
      lastMs = now;
      if (tty) {
        wipe();
        print(line(name, done, total, note));
        drawn = true;
      } else {
        print(`${name}: ${Math.floor((100 * done) / Math.max(1, total))} % ${note}\n`);
      }
    },
    finish(name, note = '') {
      wipe();
      lastMs = Number.NEGATIVE_INFINITY;
      print(`${tty ? '\x1b[32m✔\x1b[0m' : '✔'} ${name.padEnd(26)} ${note}\n`);
    },
    clear: wipe,
  };
}

function line(name: string, done: number, total: number, note: string): string {
  const share = Math.min(1, done / Math.max(1, total));
  const full = Math.round(share * BAR_CELLS);
  const bar = '█'.repeat(full) + '░'.repeat(BAR_CELLS - full);
  return `  ${name.padEnd(26)} ${bar} ${String(Math.floor(share * 100)).padStart(3)} %  ${note}`;
}
