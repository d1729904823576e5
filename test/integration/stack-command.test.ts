import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { registerStackCommands } from '../../cli/stack/command.ts';
import { postgresAnswers } from '../../cli/stack/probe.ts';

let projectDirectory: string;

beforeAll(() => {
  projectDirectory = mkdtempSync(join(tmpdir(), 'meterline-command-'));
});

afterAll(async () => {
  await run(['reset', '--name', 'cli']);
  rmSync(projectDirectory, { recursive: true, force: true });
});

async function run(args: readonly string[], env: Record<string, string> = {}) {
  const said = { out: '', error: '', code: 0 };
  const program = new Command('meterline').exitOverride();
  registerStackCommands(program, {
    env: { XDG_CACHE_HOME: process.env['XDG_CACHE_HOME'], ...env },
    projectDirectory,
    write: (text) => {
      said.out += text;
    },
    writeError: (text) => {
      said.error += text;
    },
    errorIsTerminal: false,
    setExitCode: (code) => {
      said.code = code;
    },
  });
  await program.parseAsync(['node', 'meterline', 'stack', ...args]);
  return said;
}

describe('meterline stack', () => {
  it('status of what was never started says so with exit code 1', async () => {
    expect(await run(['status', '--name', 'cli'])).toEqual({
      out: 'stack cli: down (never started)\n',
      error: '',
      code: 1,
    });
  });

  it('up prints steps, a table and the two variables; the URLs work', async () => {
    const { out, error, code } = await run(['up', '--name', 'cli', '--use', 'packages']);
    expect(code).toBe(0);
    expect(error).toContain('5/5');
    expect(out).toMatch(/postgres +17\.\d+ \+ TimescaleDB 2\.\S+ +up +\d+ +\d+ +\d/);
    expect(out).toMatch(/redis +\d+\.\d+\.\d+ +up +\d+ +\d+/);
    const url = /^export DATABASE_URL='(.*)'$/m.exec(out)?.[1] ?? '';
    expect(await postgresAnswers(url)).toEqual({ ready: true });
    expect(out).toMatch(/^export REDIS_URL='redis:.*'$/m);
  });

  it('--json prints one object and no progress; status keeps the passwords to itself', async () => {
    const up = await run(['up', '--name', 'cli', '--json']);
    expect(up.error).toBe('');
    const urls = JSON.parse(up.out) as { databaseUrl: string; source: string };
    expect(urls.source).toBe('packages');
    const status = await run(['status', '--name', 'cli', '--json']);
    expect(status.code).toBe(0);
    expect(JSON.parse(status.out)).toMatchObject({ up: true, engines: [{ answers: true }, {}] });
    expect(status.out).not.toContain(new URL(urls.databaseUrl).password);
  });

  it('down and reset say what they did, and can be repeated', async () => {
    expect((await run(['down', '--name', 'cli'])).out).toContain('is down, its data kept');
    expect((await run(['down', '--name', 'cli'])).out).toContain('was not up');
    const status = await run(['status', '--name', 'cli']);
    expect(status.code).toBe(1);
    expect(status.out).toMatch(/postgres .* down /);
    expect(JSON.parse((await run(['reset', '--name', 'cli', '--json'])).out)).toEqual({
      name: 'cli',
      removed: true,
    });
    expect((await run(['reset', '--name', 'cli'])).out).toContain('did not exist');
  });

  it('refuses to change how a stack is run while it has data', async () => {
    await run(['up', '--name', 'cli', '--use', 'packages']);
    await run(['down', '--name', 'cli']);
    const other = await run(['up', '--name', 'cli', '--use', 'docker']);
    expect(other).toMatchObject({ code: 1, error: expect.stringMatching(/made with packages/) });
  });

  it('wrong use is exit code 2, a failure 1, each with a sentence', async () => {
    const name = await run(['up', '--name', '../etc']);
    expect(name).toMatchObject({ code: 2, out: '' });
    expect(name.error).toMatch(/^meterline stack: "\.\.\/etc" is no stack name/);
    expect(await run(['up'], { REDIS_URL: 'redis://127.0.0.1:1' })).toMatchObject({ code: 2 });
    const nobody = {
      DATABASE_URL: 'postgresql://a@127.0.0.1:1/a',
      REDIS_URL: 'redis://127.0.0.1:1',
    };
    const failed = await run(['up', '--json'], nobody);
    expect(failed.code).toBe(1);
    expect(JSON.parse(failed.out)).toMatchObject({
      error: { code: 'STACK', trouble: 'no-answer', message: expect.stringMatching(/Start those/) },
    });
  });
});
