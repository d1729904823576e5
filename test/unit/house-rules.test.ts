/** Goal: the shape of the project holds. Rooms depend one way, files and functions stay readable. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join, normalize, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const ROOT = resolve(import.meta.dirname, '../..');
const ROOMS = ['domain', 'db', 'gateway', 'ingest', 'billing', 'simulators', 'console', 'cli'];

const sources = execFileSync('git', ['ls-files', '-co', '--exclude-standard', '*.ts', '*.tsx'], {
  cwd: ROOT,
  encoding: 'utf8',
})
  .split('\n')
  .filter((file) => file !== '')
  .map((file) => ({ file, room: file.split('/')[0] as string, text: read(file) }))
  .filter(({ text }) => text !== '');

function read(file: string): string {
  try {
    return readFileSync(join(ROOT, file), 'utf8');
  } catch {
    return ''; // listed by git, deleted in the work tree
  }
}

/** Which rooms a room may import; test and bench may import all. */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  domain: ['domain'],
  db: ['domain', 'db'],
  gateway: ['domain', 'db', 'gateway'],
  ingest: ['domain', 'db', 'ingest'],
  billing: ['domain', 'db', 'billing'],
  simulators: ['domain', 'simulators', 'gateway/protocols'],
  console: ['console'],
  cli: ['domain', 'db', 'gateway', 'ingest', 'billing', 'simulators', 'cli'],
};

function importsOf(text: string): string[] {
  return [...text.matchAll(/(?:from|import)\s*\(?\s*'([^']+)'/g)].map((m) => m[1] as string);
}

/** Room-relative targets of relative imports, e.g. 'gateway/protocols/hdlc/frame.ts'. */
function localTargets(file: string, text: string): string[] {
  return importsOf(text)
    .filter((target) => target.startsWith('.'))
    .map((target) => normalize(join(dirname(file), target)));
}

describe('dependencies', () => {
  it.each(ROOMS)('%s imports only what it may', (room) => {
    const allowed = ALLOWED[room] as readonly string[];
    const wrong = sources
      .filter((s) => s.room === room)
      .flatMap(({ file, text }) =>
        localTargets(file, text)
          .filter((target) => !allowed.some((a) => target === a || target.startsWith(`${a}/`)))
          .map((target) => `${file} -> ${target}`),
      );
    expect(wrong).toEqual([]);
  });

  it('gateway/protocols imports only domain', () => {
    const wrong = sources
      .filter((s) => s.file.startsWith('gateway/protocols/'))
      .flatMap(({ file, text }) =>
        localTargets(file, text)
          .filter((t) => !t.startsWith('domain/') && !t.startsWith('gateway/protocols/'))
          .map((t) => `${file} -> ${t}`),
      );
    expect(wrong).toEqual([]);
  });

  const ONLY: readonly [string, RegExp, RegExp][] = [
    ['pg', /^pg(-copy-streams)?$/, /^(db|test|bench)\//],
    ['aedes', /^aedes/, /^(gateway\/broker|test|bench)\//],
    ['temporal-polyfill', /^temporal-polyfill/, /^(billing\/calendar|test|bench)\//],
    ['node:child_process', /^node:child_process$/, /^(cli|test|bench)\//],
  ];
  it.each(ONLY)('%s is used in one place', (_name, module, place) => {
    const wrong = sources
      .filter((s) => !place.test(s.file) && importsOf(s.text).some((m) => module.test(m)))
      .map((s) => s.file);
    expect(wrong).toEqual([]);
  });

  it('only cli reads the environment; rooms get time and chance as arguments', () => {
    const rooms = sources.filter((s) => ROOMS.includes(s.room) && s.room !== 'cli');
    const environment = rooms.filter((s) => /process\.env/.test(s.text)).map((s) => s.file);
    const ambient = rooms
      .filter((s) => s.room !== 'console' && /Date\.now\(|new Date\(\)|Math\.random\(/.test(s.text))
      .map((s) => s.file);
    expect({ environment, ambient }).toEqual({ environment: [], ambient: [] });
  });
});

describe('readability', () => {
  it('no file is longer than 300 lines', () => {
    const long = sources
      .map(({ file, text }) => ({ file, lines: text.split('\n').length - 1 }))
      .filter(({ lines }) => lines > 300);
    expect(long).toEqual([]);
  });

  it('no function is longer than 70 lines', () => {
    const long = sources
      .filter((s) => ROOMS.includes(s.room))
      .flatMap(({ file, text }) => longFunctions(text).map((where) => `${file}:${where}`));
    expect(long).toEqual([]);
  });

  it('no test is skipped, alone or still to be written', () => {
    const marks = sources
      .filter((s) => s.room === 'test')
      .filter((s) => /\b(?:it|test|describe)\.(?:skip|only|todo)\b/.test(s.text))
      .map((s) => s.file);
    expect(marks).toEqual([]);
  });

  it('every room says what it owns', () => {
    const missing = [...ROOMS, 'bench', 'test'].filter((room) => read(`${room}/README.md`) === '');
    expect(missing).toEqual([]);
  });
});

/** Top-level functions and methods, by the formatter's indentation: opens at N, closes at N. */
function longFunctions(text: string): string[] {
  const lines = text.split('\n');
  const found: string[] = [];
  lines.forEach((line, index) => {
    const match = /^( {0,2})(?:export )?(?:async )?(?:function\*? |(?:#?\w+)\(.*\{$)/.exec(line);
    if (match === null || /^\s*(?:if|for|while|switch|describe|it)\b/.test(line)) return;
    const indent = match[1] as string;
    const end = lines.findIndex((l, i) => i > index && l.startsWith(`${indent}}`));
    if (end - index + 1 > 70) found.push(`${index + 1} (${end - index + 1} lines)`);
  });
  return found;
}
